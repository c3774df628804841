"""How a cache's methods and their async twins end: with an answer at hand, or with the store's."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from botstate.caches.guard import StoreFailedError, StoreGuard

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """An answer that needs no store."""

    answer: T

    def settle(self) -> T:
        """Return it."""
        return self.answer

    async def asettle(self) -> T:
        """Async twin of `settle`."""
        return self.answer


@dataclass(frozen=True, slots=True)
class Asked(Generic[T]):
    """A question to the store: what to make of its answer, and what to say without one."""

    guard: StoreGuard
    operation: str
    future: "Future[Any]"
    answered: Callable[[Any], T]
    unanswered: Callable[[], T]

    def settle(self) -> T:
        """Wait for the store, at most for its timeout."""
        try:
            result = self.guard.result(self.operation, self.future)
        except StoreFailedError:
            return self.unanswered()
        return self.answered(result)

    async def asettle(self) -> T:
        """Async twin of `settle`."""
        try:
            result = await self.guard.aresult(self.operation, self.future)
        except StoreFailedError:
            return self.unanswered()
        return self.answered(result)
