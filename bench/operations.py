"""The operations that are measured, named as in the budgets; peers/driver.mjs has its own of the same names.

An operation belongs to one store and one caller, whose keys nobody else uses. Only `call` is timed.
"""

from typing import ClassVar

from botstate.contracts.stores import StateStore
from botstate.keyed import open_keyed_store
from botstate.types import Json

KEYS = 100
CAP = 100
WAITING = 100
BOUND = 1_000
DAY_S = 86_400


def value_of(number: int) -> Json:
    """Return a value of a common size, about 70 bytes of JSON."""
    return {"user": "U024BE7LH", "text": "please refund the ticket", "number": number}


class Operation:
    """One operation of one caller. primitives: how many calls of a store it is made of."""

    name: ClassVar[str]
    primitives: ClassVar[int] = 1

    def __init__(self, store: StateStore, caller: int) -> None:
        self._store = store
        self._key = f"{self.name} {caller}"
        self._number = 0
        self.set_up()

    def set_up(self) -> None:
        """Fill what the calls need; once."""

    def before(self, calls: int) -> None:
        """Get ready for so many calls."""

    def call(self) -> None:
        """Do it once; timed."""
        raise NotImplementedError

    def after(self, calls: int) -> None:
        """Leave things as they were before so many calls."""

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _fill_queue(self, items: int) -> None:
        for number in range(items):
            self._store.queue.enqueue(self._key, value_of(number))


class KvSet(Operation):
    name = "kv.set"

    def call(self) -> None:
        number = self._next()
        self._store.kv.set(f"{self._key} {number % KEYS}", value_of(number))


class KvSetTtl(Operation):
    name = "kv.set, ttl"

    def call(self) -> None:
        number = self._next()
        self._store.kv.set(f"{self._key} {number % KEYS}", value_of(number), ttl=DAY_S)


class KvGet(Operation):
    name = "kv.get"

    def set_up(self) -> None:
        for number in range(KEYS):
            self._store.kv.set(f"{self._key} {number}", value_of(number))

    def call(self) -> None:
        if self._store.kv.get(f"{self._key} {self._next() % KEYS}") is None:
            raise AssertionError("a value is missing")


class KvConsume(Operation):
    name = "kv.consume"

    def before(self, calls: int) -> None:
        for number in range(calls):
            self._store.kv.set(f"{self._key} {number}", value_of(number))
        self._number = -1

    def call(self) -> None:
        if self._store.kv.consume(f"{self._key} {self._next()}") is None:
            raise AssertionError("a value is missing")


class LockAcquireRelease(Operation):
    name = "lock acquire + release"
    primitives = 2

    def call(self) -> None:
        key = f"{self._key} {self._next() % KEYS}"
        lock = self._store.lock.acquire(key)
        if lock is None or not self._store.lock.release(key, lock.token):
            raise AssertionError("a free lock was not got")


class LockExtend(Operation):
    name = "lock.extend"

    def set_up(self) -> None:
        lock = self._store.lock.acquire(self._key, ttl=DAY_S)
        self._token = lock.token if lock else ""

    def call(self) -> None:
        if not self._store.lock.extend(self._key, self._token, DAY_S):
            raise AssertionError("the lock was lost")


class DedupFirst(Operation):
    name = "dedup.seen, first"

    def call(self) -> None:
        if self._store.dedup.seen(f"{self._key} {self._next()}", DAY_S):
            raise AssertionError("a new key was seen")


class DedupRepeat(Operation):
    name = "dedup.seen, repeat"

    def set_up(self) -> None:
        for number in range(KEYS):
            self._store.dedup.seen(f"{self._key} {number}", DAY_S)

    def call(self) -> None:
        if not self._store.dedup.seen(f"{self._key} {self._next() % KEYS}", DAY_S):
            raise AssertionError("a key was forgotten")


class DedupClaimCommit(Operation):
    name = "dedup claim + commit"
    primitives = 2

    def call(self) -> None:
        key = f"{self._key} {self._next()}"
        token = self._store.dedup.claim(key, 60)
        if token is None or not self._store.dedup.commit(key, token, DAY_S):
            raise AssertionError("a new key was not got")


class ListAppend(Operation):
    name = "list.append, cap 100, full"

    def set_up(self) -> None:
        for number in range(CAP):
            self._store.list.append(self._key, value_of(number), max_len=CAP)

    def call(self) -> None:
        if self._store.list.append(self._key, value_of(self._next()), max_len=CAP) != CAP:
            raise AssertionError("the list is not full")


class ListRange(Operation):
    name = "list.range, 100 items"

    def set_up(self) -> None:
        for number in range(CAP):
            self._store.list.append(self._key, value_of(number))

    def call(self) -> None:
        if len(self._store.list.range(self._key)) != CAP:
            raise AssertionError("items are missing")


class QueueEnqueue(Operation):
    name = "queue.enqueue, bounded"

    def set_up(self) -> None:
        self._fill_queue(WAITING)

    def call(self) -> None:
        self._store.queue.enqueue(self._key, value_of(self._next()), max_size=BOUND)

    def after(self, calls: int) -> None:
        for _ in range(calls):
            self._store.queue.dequeue(self._key)


class QueueEnqueueAtBound(Operation):
    name = "queue.enqueue at the bound"

    def set_up(self) -> None:
        self._fill_queue(BOUND)

    def call(self) -> None:
        if self._store.queue.enqueue(self._key, value_of(self._next()), max_size=BOUND) != BOUND:
            raise AssertionError("the bound was not kept")


class QueueDequeue(Operation):
    name = "queue.dequeue"

    def set_up(self) -> None:
        self._fill_queue(WAITING)

    def before(self, calls: int) -> None:
        self._fill_queue(calls)

    def call(self) -> None:
        if self._store.queue.dequeue(self._key) is None:
            raise AssertionError("the queue is empty")


class QueueDepth(Operation):
    name = "queue.depth"

    def set_up(self) -> None:
        self._fill_queue(WAITING)

    def call(self) -> None:
        if self._store.queue.depth(self._key) != WAITING:
            raise AssertionError("the depth is wrong")


class QueueClaimAck(QueueDequeue):
    name = "queue claim + ack"
    primitives = 2

    def call(self) -> None:
        claim = self._store.queue.claim(self._key, 60)
        if claim is None or not self._store.queue.ack(self._key, claim.token):
            raise AssertionError("the queue is empty")


class KeyedOperation(Operation):
    """On a namespace of keyed entries that has as many as it may have."""

    def set_up(self) -> None:
        self._entries = open_keyed_store(self._key, CAP, store=self._store)
        for number in range(CAP):
            self._entries.register(f"key {number}", value_of(number))


class KeyedRegister(KeyedOperation):
    name = "keyed.register, cap 100, full"

    def call(self) -> None:
        number = self._next()
        self._entries.register(f"new {number}", value_of(number))


class KeyedRegisterAgain(KeyedOperation):
    name = "keyed.register, again"

    def call(self) -> None:
        number = self._next()
        self._entries.register(f"key {number % CAP}", value_of(number))


class KeyedFirst(KeyedOperation):
    name = "keyed.register_if_absent, first"

    def call(self) -> None:
        number = self._next()
        if not self._entries.register_if_absent(f"new {number}", value_of(number)):
            raise AssertionError("a new key was there")


class KeyedRepeat(KeyedOperation):
    name = "keyed.register_if_absent, repeat"

    def call(self) -> None:
        number = self._next()
        if self._entries.register_if_absent(f"key {number % CAP}", value_of(number)):
            raise AssertionError("a key was forgotten")


class KeyedLookup(KeyedOperation):
    name = "keyed.lookup"

    def call(self) -> None:
        if self._entries.lookup(f"key {self._next() % CAP}") is None:
            raise AssertionError("a value is missing")


class KeyedConsume(Operation):
    name = "keyed.consume"

    def set_up(self) -> None:
        self._entries = open_keyed_store(self._key, store=self._store)

    def before(self, calls: int) -> None:
        for number in range(calls):
            self._entries.register(f"key {number}", value_of(number))
        self._number = -1

    def call(self) -> None:
        if self._entries.consume(f"key {self._next()}") is None:
            raise AssertionError("a value is missing")


OPERATIONS: dict[str, type[Operation]] = {
    operation.name: operation
    for operation in (
        KvSet,
        KvSetTtl,
        KvGet,
        KvConsume,
        LockAcquireRelease,
        LockExtend,
        DedupFirst,
        DedupRepeat,
        DedupClaimCommit,
        ListAppend,
        ListRange,
        QueueEnqueue,
        QueueEnqueueAtBound,
        QueueDequeue,
        QueueDepth,
        QueueClaimAck,
        KeyedRegister,
        KeyedRegisterAgain,
        KeyedFirst,
        KeyedRepeat,
        KeyedLookup,
        KeyedConsume,
    )
}
KEYED = {name for name in OPERATIONS if name.startswith("keyed.")}
#: What peers have no twin of.
OURS_ONLY = {KvSetTtl.name, KvConsume.name, LockExtend.name, DedupClaimCommit.name, QueueClaimAck.name, *KEYED}
