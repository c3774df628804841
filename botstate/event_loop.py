"""Whether the caller stands on an event loop, which it must not block."""

import asyncio


def is_running() -> bool:
    """True if the calling thread is running an event loop."""
    # Unlike `get_running_loop` it raises nothing where there is none, which is nearly always.
    return asyncio._get_running_loop() is not None
