"""A PostgreSQL that is restarted in the middle of a run: what it acknowledged is there, and the store goes on."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import Error, connections

from botstate.exceptions import StoreError, StoreUnavailable
from botstate.stores import OrmStore
from tests.stores.faults.conftest import CLUSTER
from tests.stores.faults.servers import Cluster
from tests.stores.waiting import until

pytestmark = [
    pytest.mark.long,
    pytest.mark.processes,
    pytest.mark.needs("postgresql"),
    pytest.mark.programs("postgresql"),
]

WORKERS = 4
ROUNDS = 15
#: How long one call may take while the server is away.
BOUND_S = 5
STOCK = 400

Items = list[tuple[int, int]]


class Worker:
    """Uses a store until it is told to stop, and keeps what was acknowledged apart from what failed."""

    def __init__(self, number: int, store: OrmStore, fences: list[int]) -> None:
        self.number = number
        self.rounds = 0
        self.acknowledged: dict[str, Items] = {"kv": [], "list": [], "queue": []}
        self.in_doubt: dict[str, Items] = {"kv": [], "list": [], "queue": []}
        self.taken: list[int] = []
        self.takes_in_doubt = 0
        self.failures: list[tuple[Exception, float]] = []
        self._store = store
        self._fences = fences
        self._write: dict[str, Callable[[int], Any]] = {
            "kv": lambda count: store.kv.set(f"{number} {count}", count),
            "list": lambda count: store.list.append("list", [number, count]),
            "queue": lambda count: store.queue.enqueue("queue", [number, count]),
        }

    def run(self, stop: threading.Event) -> None:
        try:
            count = 0
            while not stop.is_set():
                count += 1
                self._round(count)
                if self.failures and self.failures[-1][1] < 0.001:
                    # A refused connection costs nothing, and there are others on this machine.
                    stop.wait(0.005)
        finally:
            connections.close_all()

    def _round(self, count: int) -> None:
        failed_before = len(self.failures)
        for facet, write in self._write.items():
            done, _ = self._try(lambda write=write: write(count))
            (self.acknowledged if done else self.in_doubt)[facet].append((self.number, count))
        done, item = self._try(lambda: self._store.queue.dequeue("stock", -1))
        if done:
            self.taken.append(item)
        else:
            self.takes_in_doubt += 1
        # Short, as nobody releases a lock whose acquisition was not acknowledged.
        done, lock = self._try(lambda: self._store.lock.acquire("lock", ttl=1))
        if done and lock is not None:
            self._fences.append(lock.fence)
            self._try(lambda: self._store.lock.release("lock", lock.token))
        if len(self.failures) == failed_before:
            self.rounds += 1

    def _try(self, call: Callable[[], Any]) -> tuple[bool, Any]:
        begun = time.monotonic()
        try:
            return True, call()
        except Exception as error:
            self.failures.append((error, time.monotonic() - begun))
            return False, None


@pytest.fixture
def store(cluster: Cluster) -> Iterator[OrmStore]:
    store = OrmStore(CLUSTER, namespace="restart")
    for number in range(STOCK):
        store.queue.enqueue("stock", number)
    # Only the workers' connections live through the restart.
    store.close()
    yield store
    store.close()


def test_a_restart_in_the_middle_of_a_run(cluster: Cluster, store: OrmStore) -> None:
    stop = threading.Event()
    fences: list[int] = []
    workers = [Worker(number, store, fences) for number in range(WORKERS)]

    def all_have(rounds: int, since: list[int]) -> bool:
        return all(worker.rounds >= before + rounds for worker, before in zip(workers, since, strict=True))

    with ThreadPoolExecutor(WORKERS) as pool:
        ends = [pool.submit(worker.run, stop) for worker in workers]
        try:
            until(lambda: all_have(ROUNDS, [0] * WORKERS), "everybody is at work")
            cluster.stop_at_once()
            until(lambda: all(len(worker.failures) >= 5 for worker in workers), "everybody has noticed")
            cluster.start()
            since = [worker.rounds for worker in workers]
            until(lambda: all_have(ROUNDS, since), "everybody is at work again, in the same process")
        finally:
            stop.set()
        for end in ends:
            end.result(20)

    for error, seconds in (failure for worker in workers for failure in worker.failures):
        assert isinstance(error, StoreError), f"{error!r} is no StoreError"
        assert isinstance(error, StoreUnavailable), f"{error!r} does not say that the server is away"
        assert isinstance(error.__cause__, Error), f"{error!r} has no cause"
        assert seconds < BOUND_S, f"{error!r} took {seconds:.1f} s"
    found = {
        "kv": [(w.number, n) for w in workers for n in _numbers(w) if store.kv.get(f"{w.number} {n}") == n],
        "list": [tuple(item) for item in store.list.range("list")],
        "queue": [tuple(store.queue.dequeue("queue")) for _ in range(store.queue.depth("queue"))],
    }
    for facet, items in found.items():
        acknowledged = {item for worker in workers for item in worker.acknowledged[facet]}
        in_doubt = {item for worker in workers for item in worker.in_doubt[facet]}
        assert acknowledged - set(items) == set(), f"{facet}: an acknowledged write is gone"
        assert set(items) - acknowledged - in_doubt == set(), f"{facet}: there is what nobody wrote"
        assert len(items) == len(set(items)), f"{facet}: a write was done twice"
        for worker in workers:
            own = [item for item in items if item[0] == worker.number]
            assert own == sorted(own), f"{facet}: the order of a producer has changed"
    assert fences == sorted(set(fences)), "every fence is greater than that of the holder before"
    assert_stock(store, workers)


def _numbers(worker: Worker) -> range:
    return range(1, max(number for _, number in worker.acknowledged["kv"] + worker.in_doubt["kv"]) + 1)


def assert_stock(store: OrmStore, workers: list[Worker]) -> None:
    taken = [item for worker in workers for item in worker.taken if item != -1]
    left = [store.queue.dequeue("stock") for _ in range(store.queue.depth("stock"))]
    assert len(taken) == len(set(taken)), "an item was handed out twice"
    assert set(taken) & set(left) == set(), "an item that was handed out came back"
    missing = STOCK - len(taken) - len(left)
    assert 0 <= missing <= sum(worker.takes_in_doubt for worker in workers), "items are gone that nobody took"
