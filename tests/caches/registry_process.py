"""A process that has registries of its own: it does what it is told on its pipe, on the database that it was given.

Started by `Process` as `python -m tests.caches.registry_process`, with the pipe's file descriptor as its argument and
the database's settings as JSON in BOTSTATE_RACE_DATABASE.
"""

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

#: For the start of a process and for one order.
DEADLINE_S = 120
ROOT = Path(__file__).parent.parent.parent
#: Longer than a busy machine takes for a call: what is tested is what happens while the store answers.
TIMEOUT_S = 30
CACHES = {
    channel: {"PERSISTENT": True, "TIMEOUT": TIMEOUT_S} for channel in ("discord", "teams", "matrix", "slack", "tests")
}


class Process:
    """A process that waits for orders."""

    def __init__(self) -> None:
        from django.db import connections

        configured = connections["default"].settings_dict
        names = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
        database = json.dumps({name: configured[name] for name in names}, default=str)
        self._pipe, theirs = Pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.caches.registry_process", str(theirs.fileno())],
            cwd=ROOT,
            env=os.environ | {"BOTSTATE_RACE_DATABASE": database},
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        self.answer()

    def call(self, registry: str, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of a registry, such as "TeamsSentMessages()", and return what it returns."""
        self.order("call", registry, method, arguments, options)
        return self.answer()

    def order(self, *order: Any) -> None:
        """Give an order and do not wait for its answer."""
        self._pipe.send(order)

    def answer(self) -> Any:
        """Return the answer to the last order."""
        assert self._pipe.poll(DEADLINE_S), f"no answer within {DEADLINE_S} s"
        kind, result = self._pipe.recv()
        assert kind == "done", f"the process failed:\n{result}"
        return result

    def kill(self) -> None:
        """Kill it, as the kernel does."""
        self._process.kill()
        self._process.wait(10)

    def end(self) -> None:
        """Let it end as soon as it has nothing to do; kill it where it does not."""
        self._pipe.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()


@contextmanager
def processes(count: int = 1) -> Iterator[list[Process]]:
    """Start processes that are gone afterwards."""
    started: list[Process] = []
    try:
        for _ in range(count):
            started.append(Process())
        yield started
    finally:
        for process in started:
            process.end()


def main() -> None:
    """Configure Django, then answer each order with its result until the pipe is closed."""
    pipe = Connection(int(sys.argv[1]))
    configure(json.loads(os.environ["BOTSTATE_RACE_DATABASE"]))
    pipe.send(("done", None))
    registries: dict[str, Any] = {}
    while True:
        try:
            name, *arguments = pipe.recv()
        except (EOFError, ConnectionResetError):
            return
        try:
            pipe.send(("done", globals()[f"do_{name}"](registries, *arguments)))
        except Exception:
            pipe.send(("failed", traceback.format_exc()))


def configure(database: dict[str, Any]) -> None:
    import django
    from django.conf import settings

    if database["ENGINE"].endswith("mysql"):
        import pymysql

        pymysql.install_as_MySQLdb()
    settings.configure(
        INSTALLED_APPS=["botstate"], DATABASES={"default": database}, USE_TZ=True, BOTSTATE={"CACHES": CACHES}
    )
    django.setup()


def registry_of(registries: dict[str, Any], made_by: str) -> Any:
    """Return the registry that an expression makes; the same one each time."""
    from botstate import caches

    if made_by not in registries:
        registries[made_by] = eval(made_by, vars(caches).copy())
    return registries[made_by]


def do_call(registries: dict[str, Any], made_by: str, method: str, arguments: Any, options: Any) -> Any:
    return getattr(registry_of(registries, made_by), method)(*arguments, **options)


def do_claim_each(registries: dict[str, Any], made_by: str, keys: list[str]) -> tuple[list[str], Any]:
    """Claim every key; commit what was won. Return that, and how the dedup is."""
    dedup = registry_of(registries, made_by)
    won = []
    for key in keys:
        token = dedup.claim(key)
        if token is not None:
            won.append(key)
            if not dedup.commit(key, token):
                raise AssertionError("the commit of a live claim was False")
    return won, dedup.status()


if __name__ == "__main__":
    main()
