"""What must hold for the times that any client writes and reads, by the store's clock alone."""

import time
from typing import Any

from botstate.db.clock import now_us
from botstate.models import DedupEntry, KvEntry, ListHead, LockRow, QueueHead, QueueItem
from tests.stores.faults.clients import Client
from tests.stores.waiting import until

TTL = 1_800
SHORT = 0.05
MICROSECONDS = 1_000_000


def ends() -> dict[str, int]:
    """Return every expiry and lease in the test database, by the model and key that it is of."""
    found = {
        f"{model.__name__} {row.label}": row.expires_us
        for model in (KvEntry, ListHead, LockRow, DedupEntry, QueueHead)
        for row in model._default_manager.exclude(expires_us=None)
    }
    leases = QueueItem.objects.exclude(lease_expires_us=None)
    return found | {f"QueueItem {item.head.label} {item.seq}": item.lease_expires_us for item in leases}


def write_with(client: Client, ttl: float, key: str = "key") -> dict[str, Any]:
    """Let a client write something with a time-to-live of each kind; return the tokens that it got."""
    client.call("kv.set", key, "value", ttl=ttl)
    client.call("list.append", key, "value", ttl=ttl)
    client.call("queue.enqueue", key, "value", ttl=ttl)
    client.call("queue.enqueue", f"{key} leased", "value")
    item = client.call("queue.claim", f"{key} leased", ttl)
    lock = client.call("lock.acquire", key, ttl)
    extended = client.call("lock.acquire", f"{key} extended", 60)
    assert client.call("lock.extend", f"{key} extended", extended.token, ttl)
    assert client.call("dedup.seen", key, ttl) is False
    claim = client.call("dedup.claim", f"{key} claimed", ttl)
    committed = client.call("dedup.claim", f"{key} committed", 60)
    assert client.call("dedup.commit", f"{key} committed", committed, ttl)
    return {"item": item, "lock": lock, "claim": claim}


def assert_durations_are_exact(client: Client) -> None:
    """Every expiry that a client writes is its ttl from now, in microseconds of UTC since 1970."""
    before, host_before = now_us("default"), time.time()
    got = write_with(client, TTL)
    after = now_us("default")
    written = ends()
    assert len(written) == 9, "one for each kind of time-to-live"
    for name, end in written.items():
        begun = end - TTL * MICROSECONDS
        assert before <= begun <= after, f"{name} is {(begun - before) / MICROSECONDS} s off the store's clock"
        assert abs(begun / MICROSECONDS - host_before) < 1 + (after - before) / MICROSECONDS, (
            f"{name} is not in microseconds of UTC since 1970"
        )
    shown = got["lock"].expires_at
    assert shown.timestamp() == written["LockRow key"] / MICROSECONDS, "what a lock shows is its row's expiry"
    assert shown.utcoffset().total_seconds() == 0


def assert_what_lives_is_seen_to_live(writer: Client, reader: Client) -> None:
    """Nothing ends early for another client."""
    write_with(writer, 60)
    assert reader.call("kv.get", "key") == "value"
    assert reader.call("list.range", "key") == ["value"]
    assert reader.call("list.append", "key", "another") == 2
    assert reader.call("queue.depth", "key") == 1
    assert reader.call("queue.enqueue", "key", "another") == 2
    assert reader.call("queue.claim", "key leased", 60) is None, "a lease of a minute lasts for more than a moment"
    assert reader.call("queue.dequeue", "key leased", "none") == "none"
    assert reader.call("lock.acquire", "key") is None, "a lock is not handed out twice"
    assert reader.call("dedup.seen", "key", 60) is True, "a dedup window does not shrink"
    assert reader.call("dedup.check", "key committed") == "done"
    assert reader.call("dedup.check", "key claimed") == "claimed"
    assert reader.call("dedup.claim", "key claimed", 60) is None
    assert set(reader.call("sweep").values()) == {0}, "a sweep takes nothing that lives"
    assert reader.call("kv.consume", "key") == "value"
    assert reader.call("queue.dequeue", "key") == "value"


def assert_what_expired_is_seen_as_expired(writer: Client, reader: Client) -> None:
    """Nothing outlives its ttl for another client."""
    got = write_with(writer, SHORT)
    last = max(ends().values())
    until(lambda: now_us("default") > last, "everything has expired")
    assert reader.call("kv.get", "key") is None
    assert reader.call("list.range", "key") == []
    assert reader.call("list.append", "key", "new") == 1
    assert reader.call("queue.depth", "key") == 0
    assert reader.call("queue.enqueue", "key", "new") == 1
    again = reader.call("queue.claim", "key leased", 60)
    assert again is not None and again.attempt == 2, "a lease that lapsed returned its item"
    assert writer.call("queue.ack", "key leased", got["item"].token) is False
    assert writer.call("lock.extend", "key", got["lock"].token, 60) is False, "an expired lease stays expired"
    taken = reader.call("lock.acquire", "key")
    assert taken is not None and taken.fence > got["lock"].fence, "the next holder has a greater fence"
    assert writer.call("lock.release", "key", got["lock"].token) is False
    assert reader.call("dedup.check", "key") == "new", "a dedup window does not grow"
    assert reader.call("dedup.seen", "key", 60) is False
    assert writer.call("dedup.commit", "key claimed", got["claim"], 60) is False
    assert reader.call("dedup.check", "key claimed") == "new"
    assert reader.call("dedup.check", "key committed") == "new"
    assert reader.call("sweep")["dedup"] == 2, "a sweep takes what expired"
