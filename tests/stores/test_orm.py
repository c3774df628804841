"""What the ORM store has beyond the contract: namespaces, options, and what it keeps for people to read."""

from typing import Any

import pytest

from botstate.keyed import open_keyed_store
from botstate.models import DedupEntry, KeyedHead, KvEntry, ListHead, ListItem, LockRow, QueueHead, QueueItem
from botstate.stores import OrmStore
from tests.stores.clock import advance

pytestmark = pytest.mark.django_db

NAMESPACES = ["", "a", "A", "a ", "ab", "a\x00", "é", "e\u0301", "a" * 255, "kv", "\U0001f600"]


def test_namespaces_share_no_key() -> None:
    stores = {namespace: OrmStore(namespace=namespace) for namespace in NAMESPACES}
    for namespace, store in stores.items():
        store.kv.set("key", namespace)
        assert store.list.append("key", namespace) == 1
        assert store.queue.enqueue("key", namespace) == 1
        assert store.lock.acquire("key") is not None
        assert store.dedup.seen("key", 60) is False
    assert [store.kv.get("key") for store in stores.values()] == NAMESPACES


def test_a_namespace_and_a_key_do_not_run_into_each_other() -> None:
    OrmStore(namespace="a").kv.set("bc", 1)
    assert OrmStore(namespace="ab").kv.get("c") is None
    assert OrmStore().kv.get("abc") is None
    assert OrmStore().kv.get("a:bc") is None
    OrmStore(namespace="a").kv.set("kvbc", 1)
    assert OrmStore(namespace="akv").kv.get("bc") is None, "nor does the facet between them"


@pytest.mark.parametrize("namespace", ["a" * 256, "\ud800", 7])
def test_a_bad_namespace_is_refused(namespace: Any) -> None:
    with pytest.raises(ValueError, match="namespace"):
        OrmStore(namespace=namespace)


@pytest.mark.parametrize("bound", [0, -1, 1.5, "1", None])
def test_a_bad_bound_on_values_is_refused(bound: Any) -> None:
    with pytest.raises(ValueError, match="max_value_bytes"):
        OrmStore(max_value_bytes=bound)


def test_the_bound_on_values_can_be_set() -> None:
    store = OrmStore(max_value_bytes=10)
    store.kv.set("key", "x" * 8)
    with pytest.raises(ValueError, match="at most 10 bytes"):
        store.kv.set("key", "x" * 9)
    assert store.kv.get("key") == "x" * 8


@pytest.mark.parametrize("portable", [False, True])
def test_rows_tell_people_their_namespace_and_key_in_ascii(portable: bool) -> None:
    key = "T1:é\x00\n"
    store = OrmStore(namespace="bot é", portable=portable)
    store.kv.set(key, 1)
    store.list.append(key, 1)
    store.lock.acquire(key)
    store.dedup.seen(key, 60)
    store.queue.enqueue(key, 1)
    open_keyed_store("entries é", store=store).register(key, 1)
    for rows in (KvEntry, ListHead, LockRow, DedupEntry, QueueHead):
        row = rows.objects.get()
        assert (row.namespace, row.label) == (r"bot \xe9", r"T1:\xe9\x00\n")
        assert str(row) == r"bot \xe9:T1:\xe9\x00\n"
    head = KeyedHead.objects.get()
    assert (head.namespace, head.label) == (r"bot \xe9", r"entries \xe9")


def test_a_lock_is_updated_in_place() -> None:
    store = OrmStore()
    for _ in range(3):
        lock = store.lock.acquire("key")
        assert lock is not None
        assert store.lock.release("key", lock.token)
    assert LockRow.objects.count() == 1, "release keeps the row, and its fence"


def test_the_sweep_removes_a_lock_that_was_idle_for_a_day_and_its_fence_still_grows() -> None:
    store = OrmStore()
    first = store.lock.acquire("key", ttl=60)
    assert first is not None
    advance(3_600)
    assert store.sweep()["lock"] == 0
    advance(86_400)
    assert store.sweep()["lock"] == 1
    assert not LockRow.objects.exists()
    second = store.lock.acquire("key")
    assert second is not None
    assert second.fence > first.fence


def test_close_leaves_the_transaction_of_a_test_case_alone() -> None:
    store = OrmStore()
    store.kv.set("key", 1)
    store.close()
    assert store.kv.get("key") == 1


@pytest.mark.parametrize("portable", [False, True])
def test_the_sweep_removes_a_lock_that_was_freed_long_before_its_lease_ended(portable: bool) -> None:
    store = OrmStore(portable=portable)
    lock = store.lock.acquire("released", ttl="36500d")
    assert lock is not None and store.lock.release("released", lock.token)
    assert store.lock.acquire("forced", ttl="36500d") is not None and store.lock.force_release("forced")
    advance(2 * 86_400)
    assert store.sweep()["lock"] == 2


def test_sweeps_of_more_than_one_batch_are_counted() -> None:
    store = OrmStore()
    for number in range(450):
        store.list.append("key", number, ttl=60)
    KvEntry.objects.bulk_create(
        KvEntry(digest=f"{number:032x}", namespace="", label=str(number), value="1", expires_us=1)
        for number in range(450)
    )
    advance(60)
    assert store.sweep(limit=420) == {"kv": 420, "list": 420, "lock": 0, "dedup": 0, "queue": 0, "keyed": 0}
    rest = store.sweep(limit=420)
    assert rest == {"kv": 30, "list": 31, "lock": 0, "dedup": 0, "queue": 0, "keyed": 0}, "items and their head"


@pytest.mark.parametrize("portable", [False, True])
def test_what_was_emptied_leaves_nothing_behind_once_it_is_swept(portable: bool) -> None:
    store = OrmStore(portable=portable)
    for number in range(3):
        store.queue.enqueue(f"queue {number}", 1)
        store.list.append(f"list {number}", 1)
        store.list.trim(f"list {number}", 0)
    claim = store.queue.claim("queue 0", 60)
    assert claim is not None
    store.queue.ack("queue 0", claim.token)
    store.queue.dequeue("queue 1")
    store.sweep()
    assert list(QueueHead.objects.values_list("label", flat=True)) == ["queue 2"], "a drained queue takes no room"
    assert not ListHead.objects.exists(), "an emptied list takes no room"


@pytest.mark.parametrize("portable", [False, True])
def test_what_is_dropped_leaves_no_row(portable: bool) -> None:
    store = OrmStore(portable=portable)
    for number in range(5):
        store.list.append("key", number)
        store.queue.enqueue("key", number)
    for bound in (4, 2, 3, 1):
        assert store.list.append("key", "new", max_len=bound) == ListItem.objects.count()
        assert store.queue.enqueue("key", "new", max_size=bound) == QueueItem.objects.count()
    store.list.append("key", "newest", ttl=60)
    store.queue.enqueue("key", "newest", ttl=60)
    store.list.trim("key", 1)
    assert ListItem.objects.count() == 1
    store.list.append("key", "newest")
    advance(60)
    assert store.list.append("key", "after the expiry") == ListItem.objects.count() == 1
    assert store.queue.enqueue("key", "after the expiry") == QueueItem.objects.count() == 1
