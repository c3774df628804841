"""What the memory facets share: the room, and async twins that need no thread."""

import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from botstate.contracts.facet import DEFAULT_MAX_VALUE_BYTES, Facet
from botstate.stores.memory.room import Room

P = ParamSpec("P")
R = TypeVar("R")


class MemoryFacet(Facet):
    """A facet in `room`."""

    def __init__(self, room: Room, namespace: str = "", max_value_bytes: int = DEFAULT_MAX_VALUE_BYTES) -> None:
        super().__init__(namespace, max_value_bytes)
        self._room = room

    async def _in_thread(self, method: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        # Nothing here waits for more than another caller's few microseconds, so the loop may run it itself.
        unchecked: Callable[..., R] = inspect.unwrap(method)
        return unchecked(self, *args, **kwargs)
