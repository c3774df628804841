"""Eight processes that race on the test database, started once and used for every race."""

import json
import os
import subprocess
import sys
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from django.db import connections

RACERS = 8
#: For the start of all processes and for one order.
DEADLINE_S = 60
ROOT = Path(__file__).parent.parent.parent


class Racers:
    """Processes that wait for orders; each order goes to all of them before any answer is read.

    program: the module that they run. environment: theirs beside this process's, in place of the test database.
    """

    def __init__(self, program: str = "tests.stores.racer", environment: dict[str, str] | None = None) -> None:
        self.pipes: list[Connection] = []
        self.processes: list[subprocess.Popen[bytes]] = []
        if environment is None:
            configured = connections["default"].settings_dict
            names = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
            database = {name: configured[name] for name in names}
            environment = {"BOTSTATE_RACE_DATABASE": json.dumps(database, default=str)}
        for _ in range(RACERS):
            ours, theirs = Pipe()
            process = subprocess.Popen(
                [sys.executable, "-m", program, str(theirs.fileno())],
                cwd=ROOT,
                env=os.environ | environment,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
            theirs.close()
            self.pipes.append(ours)
            self.processes.append(process)
        self._answers()

    def run(self, *orders: tuple[str, dict[str, Any]]) -> list[Any]:
        """Give one order to each process at once and return their results; a single order goes to all."""
        each = orders * RACERS if len(orders) == 1 else orders
        for pipe, order in zip(self.pipes, each, strict=True):
            pipe.send(order)
        return self._answers()

    def call(self, path: str, *arguments: Any) -> list[Any]:
        """Call one method of the store in every process at once."""
        return self.run(("call", {"path": path, "arguments": list(arguments)}))

    def close(self) -> None:
        """End the processes; they end by themselves when their pipe does."""
        for pipe in self.pipes:
            pipe.close()
        for process in self.processes:
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)

    def _answers(self) -> list[Any]:
        # All are read before any is judged, so that none is left for the next order.
        answers = [pipe.recv() if pipe.poll(DEADLINE_S) else ("late", None) for pipe in self.pipes]
        for kind, result in answers:
            assert kind != "late", f"a process gave no answer within {DEADLINE_S} s"
            assert kind != "failed", f"a process failed:\n{result}"
        return [result for _, result in answers]
