"""Those who are measured: a store in this process, and processes that are told what to do line by line."""

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from botstate.contracts.stores import StateStore

from bench.operations import OPERATIONS, Operation


class InProcess:
    """A store in this process; callers are threads that stay, each with its own connection."""

    def __init__(self, store: StateStore, callers: int = 1, close: Callable[[], None] = lambda: None) -> None:
        self.store = store
        self._close = close
        self._pool = ThreadPoolExecutor(callers) if callers > 1 else None
        self._callers = callers
        self._made: dict[tuple[str, int], Operation] = {}
        self._now: list[Operation] = []
        self._calls = 0

    def prepare(self, operation: str, callers: int, calls: int) -> None:
        """See `Contestant`."""
        self._calls = calls
        for caller in range(callers):
            if (operation, caller) not in self._made:
                self._made[operation, caller] = OPERATIONS[operation](self.store, caller)
        self._now = [self._made[operation, caller] for caller in range(callers)]
        for one in self._now:
            one.before(calls)

    def run(self) -> list[float]:
        """See `Contestant`."""
        if self._pool is None:
            return timed_calls(self._now[0].call, self._calls)
        together = Barrier(len(self._now))

        def repeat(one: Operation) -> None:
            # So that each has a thread of its own.
            together.wait()
            for _ in range(self._calls):
                one.call()

        list(self._pool.map(repeat, self._now))
        return []

    def finish(self) -> None:
        """See `Contestant`."""
        for one in self._now:
            one.after(self._calls)

    def close(self) -> None:
        """End the threads and their connections."""
        if self._pool is not None:
            together = Barrier(self._callers)

            def end() -> None:
                together.wait()
                self._close()

            for ended in [self._pool.submit(end) for _ in range(self._callers)]:
                ended.result()
            self._pool.shutdown()


class Child:
    """A process that takes commands as JSON lines: bench/worker.py or peers/driver.mjs."""

    def __init__(self, command: Sequence[str], **options: Any) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)
        self.ask()

    def prepare(self, operation: str, callers: int, calls: int) -> None:
        """See `Contestant`."""
        self.ask(do="prepare", operation=operation, callers=callers, calls=calls)

    def run(self) -> list[float]:
        """See `Contestant`."""
        self.tell(do="run")
        return self.hear()

    def finish(self) -> None:
        """See `Contestant`."""
        self.ask(do="finish")

    def statements(self) -> float:
        """Return how many statements one call of what was prepared takes."""
        self.tell(do="count")
        return float(self.hear()[0])

    def ask(self, **command: Any) -> None:
        """Tell it, and wait until it is done."""
        if command:
            self.tell(**command)
        self.hear()

    def tell(self, **command: Any) -> None:
        """Send a command."""
        assert self._process.stdin is not None  # noqa: S101
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def hear(self) -> list[float]:
        """Return its answer to a command."""
        assert self._process.stdout is not None  # noqa: S101
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        times: list[float] = answer["times"]
        return times

    def close(self) -> None:
        """Let it end."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(10)


class Together:
    """Several processes at once, that share the callers."""

    def __init__(self, children: Sequence[Child]) -> None:
        self._children = children

    def prepare(self, operation: str, callers: int, calls: int) -> None:
        """See `Contestant`."""
        for child in self._children:
            child.prepare(operation, callers // len(self._children), calls)

    def run(self) -> list[float]:
        """See `Contestant`."""
        for child in self._children:
            child.tell(do="run")
        for child in self._children:
            child.hear()
        return []

    def finish(self) -> None:
        """See `Contestant`."""
        for child in self._children:
            child.finish()

    def close(self) -> None:
        """Let them end."""
        for child in self._children:
            child.close()


def timed_calls(call: Callable[[], None], calls: int) -> list[float]:
    """Return how many microseconds each call took."""
    clock = time.perf_counter_ns
    times = []
    for _ in range(calls):
        begun = clock()
        call()
        times.append((clock() - begun) / 1_000)
    return times
