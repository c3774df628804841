"""How long an operation waits for what others hold."""

import time
from typing import Any

import pytest
from django.db import connection, transaction

from botstate.db.transactions import run_durable
from botstate.exceptions import StoreUnavailable
from botstate.models import KvEntry
from botstate.stores import OrmStore
from tests.stores.waiting import other_threads

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.needs("postgresql", "mysql")
def test_an_operation_waits_no_longer_for_others_than_it_may_take() -> None:
    OrmStore().kv.set("held", 1)

    def take() -> None:
        KvEntry.objects.select_for_update().get()

    with other_threads() as call, transaction.atomic():
        take()
        begun_at = time.monotonic()
        waiting = call(run_durable, "default", take, "taking it", 2.0)
        with pytest.raises(StoreUnavailable):
            waiting.result(10)
        # MariaDB and MySQL look at their timeouts once a second.
        assert time.monotonic() - begun_at < 4
    run_durable("default", take, within_s=2.0)


@pytest.mark.needs("postgresql", "mysql")
def test_a_session_is_as_patient_afterwards_as_it_was_before() -> None:
    asking = "SHOW statement_timeout" if connection.vendor == "postgresql" else "SELECT @@innodb_lock_wait_timeout"

    def patience() -> Any:
        with connection.cursor() as cursor:
            cursor.execute(asking)
            return cursor.fetchone()[0]

    before = patience()
    assert run_durable("default", patience, within_s=2.0) in ("1s", 1)
    assert patience() == before not in ("1s", 1)
