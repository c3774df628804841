"""What the parent tells the processes that it starts, in environment variables of their own."""

import os

DATABASE = "BENCH_DATABASE"
BROKER = "BENCH_BROKER"
KEY_PREFIX = "BENCH_KEY_PREFIX"
BOT = "BENCH_BOT"
MARKS = "BENCH_MARKS"

SECRET = "the benchmark's signing secret"  # noqa: S105
#: The bot whose handler does nothing, and the one whose handler leaves a mark.
IDLE_BOT, MARKING_BOT = "bench", "bench-marking"


def told(name: str) -> str:
    """Return what this process was told, "" for nothing."""
    return os.environ.get(name, "")
