"""What each ratio may at most, or must at least, be."""

from dataclasses import dataclass

from bench.operations import KEYED, OPERATIONS

APPEND, RANGE = "list.append, cap 100, full", "list.range, 100 items"
ENQUEUE, ENQUEUE_AT_BOUND = "queue.enqueue, bounded", "queue.enqueue at the bound"
LOCK, SEEN, SEEN_AGAIN = "lock acquire + release", "dedup.seen, first", "dedup.seen, repeat"
READS = ("kv.get", "queue.depth", RANGE, "keyed.lookup")
#: Elsewhere keyed entries take the path that serves every database.
HAVE_FAST_KEYED = ("postgresql", "redis")

FLATNESS = 1.25

_TO_CK = {
    "kv.set": 0.95,
    "kv.get": 0.85,
    LOCK: 0.95,
    SEEN: 0.95,
    SEEN_AGAIN: 0.55,
    APPEND: 0.25,
    ENQUEUE: 0.45,
    ENQUEUE_AT_BOUND: 0.45,
    "queue.dequeue": 1.05,
    "queue.depth": 0.6,
}
_TO_VC = {APPEND: 0.45, ENQUEUE: 0.45, ENQUEUE_AT_BOUND: 0.1, "queue.dequeue": 0.65}
_THREADS_TO_CK = {
    "kv.set": 0.9,
    "kv.get": 0.9,
    LOCK: 0.9,
    SEEN: 0.9,
    SEEN_AGAIN: 0.9,
    APPEND: 4.0,
    ENQUEUE: 2.0,
    ENQUEUE_AT_BOUND: 2.0,
}


@dataclass(frozen=True)
class Budget:
    """A bound on a ratio: an upper one, or a lower one."""

    bound: float
    is_least: bool = False

    def holds(self, ratio: float) -> bool:
        """True if the ratio, rounded as it is printed, keeps the bound."""
        shown = round(ratio, 2)
        return shown >= self.bound if self.is_least else shown <= self.bound


def to_floor(store: str, operation: str) -> Budget | None:
    """Return the budget of a store's time to its floor's."""
    if operation in KEYED and store not in HAVE_FAST_KEYED:
        return None
    if store == "redis":
        return Budget(1.3)
    if store == "sqlite":
        return Budget(2.0)
    if store != "postgresql":
        return None
    if operation in READS:
        return Budget(1.35)
    return Budget(1.3 if operation == "queue.dequeue" else 1.2)


def of_statements(store: str, operation: str) -> Budget | None:
    """Return the budget of statements per operation: one per primitive, twice that on MariaDB, none on SQLite."""
    if operation in KEYED and store not in HAVE_FAST_KEYED:
        return None
    primitives = OPERATIONS[operation].primitives
    if store in ("postgresql", "redis"):
        return Budget(primitives)
    return Budget(2 * primitives) if store == "mariadb" else None


def to_peer(store: str, peer: str, operation: str) -> Budget | None:
    """Return the budget of a store's time to a peer's; there are some on PostgreSQL only."""
    if store != "postgresql":
        return None
    if peer == "vc":
        return Budget(_TO_VC.get(operation, 0.95))
    return Budget(_TO_CK[operation]) if operation in _TO_CK else None


def of_threads(store: str, peer: str, operation: str) -> Budget | None:
    """Return the budget of eight threads' throughput to that of a peer's process with a pool of eight."""
    if store != "postgresql" or peer != "ck" or operation not in _THREADS_TO_CK:
        return None
    return Budget(_THREADS_TO_CK[operation], is_least=True)


def of_processes(store: str, peer: str) -> Budget | None:
    """Return the budget of two processes' throughput to that of a peer's process."""
    return Budget(1.0, is_least=True) if store == "postgresql" and peer == "ck" else None


WEBHOOKS_TO_BARE = Budget(0.35, is_least=True)
WEBHOOKS_TO_BOLT = Budget(0.5, is_least=True)
WEBHOOKS_P99_MS = Budget(50.0)
WEBHOOKS_WITH_A_SILENT_BROKER = Budget(0.9, is_least=True)
STATEMENTS_OF_AN_EVENT = Budget(5)
STATEMENTS_OF_A_TURN = Budget(8)
MS_TO_THE_HANDLER = Budget(25.0)
TURNS_OF_MANY_THREADS = Budget(0.3, is_least=True)
TURNS_OF_ONE_THREAD = Budget(0.5, is_least=True)
RENDERING_TO_BY_HAND = Budget(2.0)
CACHE_TO_PLAIN = Budget(3.0)
