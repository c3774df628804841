"""Sweeping keyed entries on the ORM store: in batches, counted, and past what is locked."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest
from django.db import connection, transaction

from botstate.exceptions import LimitExceeded
from botstate.keyed import KeyedStore, open_keyed_store
from botstate.models import KeyedEntry, KeyedHead
from botstate.stores import OrmStore
from botstate.stores.orm.sweep import BATCH
from tests.stores.clock import advance
from tests.stores.waiting import other_threads


def opened(name: str, **options: Any) -> KeyedStore:
    return open_keyed_store(name, store=OrmStore(), **options)


def assert_heads_count_their_rows() -> None:
    lengths = {digest: length for digest, length in KeyedHead.objects.values_list("pk", "length") if length}
    assert lengths == Counter(KeyedEntry.objects.values_list("head", flat=True)), "a head counts its rows"


def fill(name: str, expired: int, live: int = 0) -> None:
    """Write entries, of which `expired` will be so after a minute."""
    entries = opened(name)
    entries.register("first", 1, ttl=60)
    head = KeyedHead.objects.get(label=name)
    (row,) = KeyedEntry.objects.filter(head=head)
    KeyedEntry.objects.bulk_create(
        KeyedEntry(
            digest=f"{head.digest.hex[:24]}{number:08x}",
            head=head,
            seq=number,
            key=f"{number}".encode(),
            key_start=f"{number}".encode(),
            value="1",
            created_us=row.created_us,
            expires_us=row.expires_us if number < expired else None,
        )
        for number in range(1, expired + live)
    )
    KeyedHead.objects.filter(pk=head.pk).update(length=expired + live, next_seq=expired + live)


@pytest.mark.django_db
def test_more_than_a_batch_is_swept_at_most_so_many_at_once() -> None:
    fill("one", BATCH + 50, live=3)
    fill("other", BATCH + 20, live=2)
    assert OrmStore().sweep()["keyed"] == 0, "nothing has expired yet"
    advance(60)
    swept = []
    for _ in range(6):
        swept.append(OrmStore().sweep(limit=100)["keyed"])
        assert_heads_count_their_rows()
    assert swept == [100, 100, 100, 100, 70, 0], "at most limit at once, and all of them in the end"
    assert (opened("one").count(), opened("other").count()) == (3, 2)
    assert sorted(KeyedHead.objects.values_list("label", "length")) == [("one", 3), ("other", 2)]


@pytest.mark.django_db
def test_a_sweep_of_several_batches() -> None:
    fill("one", 2 * BATCH + 1)
    advance(60)
    assert OrmStore().sweep(limit=2 * BATCH)["keyed"] == 2 * BATCH
    assert_heads_count_their_rows()
    assert OrmStore().sweep()["keyed"] == 2, "the last entry, and the head that counted them"
    assert not KeyedHead.objects.exists()


@pytest.mark.django_db
def test_after_a_sweep_the_bound_holds_exactly() -> None:
    entries = opened("n", max_entries=3)
    for key in "abc":
        entries.register(key, 1, ttl=None if key == "b" else 60)
    advance(60)
    assert OrmStore().sweep()["keyed"] == 2
    assert KeyedHead.objects.get().length == 1
    for key in "def":
        entries.register(key, 1)
        assert_heads_count_their_rows()
    assert [entry.key for entry in entries.entries()] == ["d", "e", "f"]


@pytest.mark.django_db
def test_every_namespace_and_kind_is_swept() -> None:
    for store in (OrmStore(), OrmStore(namespace="other")):
        open_keyed_store("n", store=store).register("a", 1, ttl=60)
        open_keyed_store("n", retained=True, store=store).register("a", 1)
    advance(60)
    assert OrmStore().sweep()["keyed"] == 4, "a sweep is of every namespace, as for the other facets"
    assert KeyedEntry.objects.count() == KeyedHead.objects.count() == 2, "retained entries stay"


@pytest.mark.django_db(transaction=True)
@pytest.mark.needs("postgresql", "mysql")
def test_a_namespace_that_somebody_writes_to_is_left_for_later() -> None:
    fill("busy", 30)
    fill("idle", 5)
    advance(60)
    locked, swept = Event(), Event()

    def write() -> None:
        with transaction.atomic():
            opened("busy").register("new", 1)
            locked.set()
            assert swept.wait(20)

    with other_threads() as call:
        writer = call(write)
        try:
            assert locked.wait(20)
            assert OrmStore().sweep()["keyed"] == 5 + 1, "what is locked is skipped, and all else is swept"
        finally:
            swept.set()
        writer.result(20)
    assert_heads_count_their_rows()
    assert OrmStore().sweep()["keyed"] == 30
    assert [entry.key for entry in opened("busy").entries()] == ["new"]
    assert_heads_count_their_rows()


@pytest.mark.django_db
def test_a_bound_that_is_lowered_by_far_drops_everything_at_once() -> None:
    fill("n", 500, live=2_000)
    fill("full", 500, live=2_000)
    advance(60)
    with few_parameters():
        opened("n", max_entries=2).register("new", 1)
        with pytest.raises(LimitExceeded):
            opened("full", max_entries=2, overflow="reject-new").register("new", 1)
    assert [entry.key for entry in opened("n").entries()] == ["2499", "new"]
    assert opened("full").count() == 2_000, "rejecting drops what expired, and nothing else"
    assert_heads_count_their_rows()


@contextmanager
def few_parameters() -> Iterator[None]:
    """Let SQLite take as few parameters in one statement as it does by default in old versions."""
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    before = connection.connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 999)
    try:
        yield
    finally:
        connection.connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, before)


@pytest.mark.django_db
def test_a_refused_entry_leaves_the_heads_length_right() -> None:
    entries = opened("n", max_entries=2, overflow="reject-new")
    entries.register("a", 1, ttl=60)
    entries.register("b", 1)
    advance(60)
    entries.register("c", 1)
    for key in ("a", "d"):
        with pytest.raises(LimitExceeded):
            entries.register(key, 1)
        assert_heads_count_their_rows()
    assert entries.count() == 2
