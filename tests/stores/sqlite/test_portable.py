"""The portable path, which serves databases that have none of their own, on the database that is always there."""

from typing import ClassVar

import pytest
from django.db import connection

from botstate.contracts.stores import StateStore
from botstate.stores import OrmStore
from botstate.stores.orm.kv import OrmKv
from botstate.stores.orm.sqlite.kv import SqliteKv
from botstate.testing import StoreConformance
from tests.stores.clock import advance


@pytest.mark.django_db
@pytest.mark.long
class TestPortableStore(StoreConformance):
    short: ClassVar[float] = 30

    @pytest.fixture
    def store(self) -> StateStore:
        return OrmStore(portable=True)

    @pytest.fixture
    def real_transactions(self, transactional_db: None) -> None:
        """Threads see only what was committed; all other tests are rolled back, which is faster."""

    def advance(self, store: StateStore, seconds: float) -> None:
        advance(seconds)


@pytest.mark.django_db
def test_both_paths_work_on_the_same_rows() -> None:
    fast, portable = OrmStore(), OrmStore(portable=True)
    for one, other in ((fast, portable), (portable, fast)):
        one.kv.set("key", 1)
        assert other.kv.consume("key") == 1
        for number in range(3):
            one.list.append("key", number, max_len=2)
            one.queue.enqueue("key", number)
        assert other.list.append("key", 3, max_len=2) == 2
        assert one.list.range("key") == other.list.range("key") == [2, 3]
        claim = one.queue.claim("key", 60)
        assert claim is not None
        assert other.queue.enqueue("key", 3, max_size=3) == 3
        assert other.queue.ack("key", claim.token)
        assert [one.queue.dequeue("key", "empty") for _ in range(3)] == [2, 3, "empty"]
        lock = one.lock.acquire("key")
        assert lock is not None
        assert other.lock.acquire("key") is None
        assert other.lock.release("key", lock.token)
        assert not one.dedup.seen(f"key {one is fast}", 60)
        assert other.dedup.seen(f"key {one is fast}", 60)
        assert other.list.delete("key")


def test_sqlite_before_3_35_is_served_by_the_portable_path(monkeypatch: pytest.MonkeyPatch) -> None:
    assert type(OrmStore().kv) is SqliteKv
    # What Django says of an SQLite that has no RETURNING.
    monkeypatch.setattr(connection.features, "can_return_columns_from_insert", False)
    assert type(OrmStore().kv) is OrmKv
