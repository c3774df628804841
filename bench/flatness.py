"""Whether time grows with the table (1,000 to 1,000,000 rows), or with a key's own queue or list (100 to 100,000)."""

from collections.abc import Iterator

from botstate.contracts.addresses import Address
from botstate.contracts.stores import StateStore
from botstate.models.stores import ListHead, ListItem, QueueHead, QueueItem
from django.db import connections

from bench.contestants import InProcess
from bench.databases import NAMESPACE
from bench.operations import OPERATIONS, Operation, value_of
from bench.timing import measure

FEW_ROWS, MANY_ROWS = 1_000, 1_000_000
SHALLOW, DEEP = 100, 100_000
ITEMS_PER_KEY = 100

_SERIES = {
    "postgresql": "SELECT i FROM generate_series(%s, %s) AS i",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT %s UNION ALL SELECT i + 1 FROM n WHERE i < %s) SELECT i FROM n",
    "mysql": "SELECT seq AS i FROM seq_0_to_1000000 WHERE seq BETWEEN %s AND %s",
}
_DIGEST = {
    "postgresql": "md5('{0}' || ({1}))::uuid",
    # Hexadecimal digits in no order: each of the two factors permutes the numbers of eight digits.
    "sqlite": "printf('%%08x%%08x%%016x', (({1}) * 2654435761) %% 4294967296, (({1}) * 40503) %% 4294967296, {1})",
    "mysql": "md5(concat('{0}', {1}))",
}
_TEXT = '{"user": "U024BE7LH", "text": "please refund the ticket", "number": 1}'
_VALUE = f"'{_TEXT}'"
_LATER = "4102444800000000"


def fill(alias: str, rows: int) -> None:
    """Give each of the tables so many rows of other keys: 100 items in each list and queue."""
    connection = connections[alias]
    vendor = connection.vendor
    one, parent = _DIGEST[vendor].format("k", "i"), _DIGEST[vendor].format("k", f"i - i %% {ITEMS_PER_KEY}")
    head = f"SELECT {one}, '', 'other', %s, %s, NULL FROM ({{series}}) AS s WHERE i %% {ITEMS_PER_KEY} = 0"
    inserts = {
        "kventry (digest, namespace, label, value, expires_us)": f"SELECT {one}, '', 'other', {_VALUE}, NULL",
        "lockrow (digest, namespace, label, token, fence, expires_us)": f"SELECT {one}, '', 'other', '', 1, {_LATER}",
        "dedupentry (digest, namespace, label, token, expires_us)": f"SELECT {one}, '', 'other', '', {_LATER}",
        "listitem (head_id, seq, value)": f"SELECT {parent}, i %% {ITEMS_PER_KEY}, {_VALUE}",
        "queueitem (head_id, seq, value, token, attempts)": (f"SELECT {parent}, i %% {ITEMS_PER_KEY}, {_VALUE}, '', 0"),
    }
    heads = {"listhead": "length", "queuehead": "depth"}
    with connection.cursor() as cursor:
        for target, select in inserts.items():
            sql = f"INSERT INTO botstate_{target} {select} FROM ({_SERIES[vendor]}) AS s"
            cursor.execute(sql, [0, rows - 1])
        for table, counter in heads.items():
            sql = (
                f"INSERT INTO botstate_{table} (digest, namespace, label, {counter}, next_seq, expires_us) "
                + head.format(series=_SERIES[vendor])
            )
            cursor.execute(sql, [ITEMS_PER_KEY, ITEMS_PER_KEY, 0, rows - 1])
        tables = [f"botstate_{target.split()[0]}" for target in (*inserts, *heads)]
        if vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")
        elif vendor == "sqlite":
            cursor.execute("ANALYZE")
        else:
            cursor.execute(f"ANALYZE TABLE {', '.join(tables)}")


def growth_with_rows(small: StateStore, large: StateStore) -> Iterator[tuple[str, float, float, float]]:
    """Yield an operation, its median on few rows and on many, and the ratio."""
    contestants = [InProcess(small), InProcess(large)]
    for name in OPERATIONS:
        few, many = measure(name, contestants)
        yield name, few.median, many.median, many.ratio_to(few)


def growth_with_depth(store: StateStore) -> Iterator[tuple[str, float, float, float]]:
    """Yield an operation on a key of its own, its median at a small and at a great depth, and the ratio."""
    for operation in (Append, Range, Enqueue, EnqueueBounded, Dequeue, Depth, ClaimAck):
        contestants = [Deepened(store, operation, depth) for depth in (SHALLOW, DEEP)]
        few, many = measure(operation.name, contestants)
        yield operation.name, few.median, many.median, many.ratio_to(few)


def deepen_list(store: StateStore, key: str, items: int) -> None:
    """Give a new list so many items; in bulk where they are rows."""
    store.list.append(key, value_of(0))
    using = getattr(store, "_using", None)
    if using is None:
        for number in range(1, items):
            store.list.append(key, value_of(number))
        return
    digest = Address.of(NAMESPACE, "list", key).digest
    rows = (ListItem(head_id=digest, seq=seq, value=_TEXT) for seq in range(1, items))
    ListItem.objects.using(using).bulk_create(rows, batch_size=500)
    ListHead.objects.using(using).filter(pk=digest).update(length=items, next_seq=items)


def deepen_queue(store: StateStore, key: str, items: int) -> None:
    """Give a new queue so many items; in bulk where they are rows."""
    store.queue.enqueue(key, value_of(0))
    using = getattr(store, "_using", None)
    if using is None:
        for number in range(1, items):
            store.queue.enqueue(key, value_of(number))
        return
    digest = Address.of(NAMESPACE, "queue", key).digest
    rows = (QueueItem(head_id=digest, seq=seq, value=_TEXT) for seq in range(1, items))
    QueueItem.objects.using(using).bulk_create(rows, batch_size=500)
    QueueHead.objects.using(using).filter(pk=digest).update(depth=items, next_seq=items)


class Deepened(InProcess):
    """A store on which an operation's list or queue has been made so deep."""

    def __init__(self, store: StateStore, operation: type["AtDepth"], depth: int) -> None:
        super().__init__(store)
        self._made[operation.name, 0] = operation(store, depth)


class AtDepth(Operation):
    """An operation on a list or queue that has as many items as its caller's number says."""

    def __init__(self, store: StateStore, caller: int) -> None:
        self._depth = caller
        super().__init__(store, caller)


class OnList(AtDepth):
    def set_up(self) -> None:
        self._key = f"list of {self._depth}"
        # The operations share it: each leaves it as deep as it was.
        if not self._store.list.range(self._key, 0, 0):
            deepen_list(self._store, self._key, self._depth)


class Append(OnList):
    name = "list.append, at the cap"

    def call(self) -> None:
        if self._store.list.append(self._key, value_of(self._next()), max_len=self._depth) != self._depth:
            raise AssertionError("the list is not full")


class Range(OnList):
    name = "list.range, the first 20"

    def call(self) -> None:
        if len(self._store.list.range(self._key, 0, 19)) != 20:
            raise AssertionError("items are missing")


class OnQueue(AtDepth):
    def set_up(self) -> None:
        self._key = f"queue of {self._depth}"
        if not self._store.queue.depth(self._key):
            deepen_queue(self._store, self._key, self._depth)


class Enqueue(OnQueue):
    name = "queue.enqueue, at the bound"

    def call(self) -> None:
        if self._store.queue.enqueue(self._key, value_of(self._next()), max_size=self._depth) != self._depth:
            raise AssertionError("the bound was not kept")


class EnqueueBounded(OnQueue):
    name = "queue.enqueue, bounded"

    def call(self) -> None:
        self._store.queue.enqueue(self._key, value_of(self._next()), max_size=2 * DEEP)

    def after(self, calls: int) -> None:
        for _ in range(calls):
            self._store.queue.dequeue(self._key)


class Dequeue(OnQueue):
    name = "queue.dequeue"

    def before(self, calls: int) -> None:
        self._fill_queue(calls)

    def call(self) -> None:
        if self._store.queue.dequeue(self._key) is None:
            raise AssertionError("the queue is empty")


class ClaimAck(Dequeue):
    name = "queue claim + ack"

    def call(self) -> None:
        claim = self._store.queue.claim(self._key, 60)
        if claim is None or not self._store.queue.ack(self._key, claim.token):
            raise AssertionError("the queue is empty")


class Depth(OnQueue):
    name = "queue.depth"

    def call(self) -> None:
        if self._store.queue.depth(self._key) != self._depth:
            raise AssertionError("the depth is wrong")
