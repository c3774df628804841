"""Keyed stores that fail and hang as a test wants them to."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botstate.contracts.keyed import Collection, EntryAddress, Found, KeyedFacet
from tests.stores.waiting import DEADLINE_S

#: What `MirroredCache` asks of a store.
OPERATIONS = ("register", "find", "consume")


class DownError(Exception):
    """The store is away. The text holds what no log may."""


@dataclass
class Hang:
    """Calls that do not return until `released`; then they go on, with their work or their answer, or raise `error`."""

    reached: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    released: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)
    error: BaseException | None = None

    def wait(self) -> None:
        """Hang, in the store's thread; not for ever, even where a test is wrong."""
        self.threads.append(threading.current_thread())
        self.reached.release()
        self.released.wait(DEADLINE_S)
        if self.error is not None:
            raise self.error

    def until_reached(self) -> None:
        """Wait until one more call hangs."""
        assert self.reached.acquire(timeout=DEADLINE_S), "no call has come"

    def release_and_join(self) -> None:
        """Let the calls end, and wait until their threads have done whatever they do then."""
        self.released.set()
        for thread in self.threads:
            thread.join(DEADLINE_S)
            assert not thread.is_alive()


class Faulty:
    """A store in front of `keyed`, another store's facet, whose calls are counted, fail or hang."""

    def __init__(self, keyed: KeyedFacet) -> None:
        self.keyed = self
        self.calls: list[str] = []
        self._facet = keyed
        self._before: dict[str, Callable[[], Any]] = {}
        self._after: dict[str, Callable[[], Any]] = {}
        self._hangs: list[Hang] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._facet, name)
        if name not in OPERATIONS:
            return method

        def call(*arguments: Any) -> Any:
            self.calls.append(name)
            self._before.get(name, bool)()
            result = method(*arguments)
            self._after.get(name, bool)()
            return result

        return call

    def fail(self, *operations: str, error: Callable[[], BaseException] = lambda: DownError("secret")) -> None:
        """Let these operations fail, or all."""

        def fail() -> None:
            raise error()

        self._before |= dict.fromkeys(operations or OPERATIONS, fail)

    def recover(self) -> None:
        """Let new calls work again."""
        self._before.clear()
        self._after.clear()

    def hang(self, *operations: str, done: bool = False, once: bool = False) -> Hang:
        """Let these operations hang, or all: before they have done anything, or when they have.

        once: the first call only; the others work.
        """
        hang = Hang()
        self._hangs.append(hang)
        where = self._after if done else self._before

        def wait() -> None:
            if once:
                for operation in operations:
                    where.pop(operation, None)
            hang.wait()

        where |= dict.fromkeys(operations or OPERATIONS, wait)
        return hang

    def release(self) -> None:
        """Let everything end that still hangs."""
        self.recover()
        for hang in self._hangs:
            hang.released.set()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Fail for as long as this lasts."""
        self.fail()
        yield
        self.recover()


class Shelf(KeyedFacet):
    """Just enough of a keyed store, in a dict: no database, no expiry but by the ttl that it was given, no bound."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, tuple[str, int | None]] = {}

    def register(self, collection: Collection, address: EntryAddress, text: str, ttl_us: int | None) -> bool:
        self.rows.pop(address.key, None)
        self.rows[address.key] = (text, ttl_us)
        return True

    def find(self, collection: Collection, address: EntryAddress) -> Found | None:
        row = self.rows.get(address.key)
        return (
            None if row is None else Found(row[0], 1_000_000, None if row[1] is None else 2_000_000 + row[1], 2_000_000)
        )

    def consume(self, collection: Collection, address: EntryAddress) -> str | None:
        row = self.rows.pop(address.key, None)
        return None if row is None else row[0]

    def values(self) -> dict[str, str]:
        """Return the texts by key."""
        return {key: text for key, (text, _) in self.rows.items()}

    def _unused(self, *arguments: Any) -> Any:
        raise NotImplementedError

    register_if_absent = find_many = replace = delete_if = entries = entries_in_range = count = clear = _unused
