"""A clock for a MemoryStore that stands still until it is moved."""

from botstate.stores.memory.room import host_now_us


class Clock:
    """Microseconds since 1970, from the host's present on."""

    def __init__(self) -> None:
        self.now_us = host_now_us()

    def __call__(self) -> int:
        return self.now_us

    def advance(self, seconds: float) -> None:
        self.now_us += round(seconds * 1_000_000)
