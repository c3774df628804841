"""Processes that use the test database's store under settings and a clock of their own."""

import json
import os
import subprocess
import sys
from multiprocessing import Pipe
from typing import Any

from django.db import connection

from tests.stores.faults.servers import ROOT

DEADLINE_S = 30


class Client:
    """One process. It orders what it is told to, and ends with `close`.

    wrapper: a command that runs the process. options, time_zone: of its DATABASES entry. settings: of its Django.
    """

    def __init__(
        self,
        *wrapper: str,
        options: dict[str, Any] | None = None,
        time_zone: str | None = None,
        **settings: Any,
    ) -> None:
        names = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
        database = {name: connection.settings_dict[name] for name in names}
        database["OPTIONS"] = database["OPTIONS"] | (options or {})
        database["TIME_ZONE"] = time_zone
        environment = {"BOTSTATE_CLIENT_SETTINGS": json.dumps({"DATABASES": {"default": database}, **settings})}
        self._pipe, theirs = Pipe()
        self._process = subprocess.Popen(
            [*wrapper, sys.executable, "-m", "tests.stores.faults.client", str(theirs.fileno())],
            cwd=ROOT,
            env=os.environ | environment,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()

    def order(self, name: str, **arguments: Any) -> None:
        """Let it begin."""
        self._pipe.send((name, arguments))

    def answer(self) -> Any:
        """Wait for the result of the last order."""
        assert self._pipe.poll(DEADLINE_S), f"a process gave no answer within {DEADLINE_S} s"
        kind, result = self._pipe.recv()
        assert kind == "done", f"a process failed:\n{result}"
        return result

    def ask(self, name: str, **arguments: Any) -> Any:
        """Give an order and return its result."""
        self.order(name, **arguments)
        return self.answer()

    def call(self, path: str, *arguments: Any, **options: Any) -> Any:
        """Call one method of the store, such as "kv.get"."""
        return self.ask("call", path=path, arguments=list(arguments), options=options)

    def close(self) -> None:
        """End the process, which ends by itself when its pipe does."""
        self._pipe.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
