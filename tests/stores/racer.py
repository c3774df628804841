"""A process that races: it does what it is told on its pipe, on the database that it was given.

Started by `Racers` as `python -m tests.stores.racer`, with the pipe's file descriptor as its argument and the
database's settings as JSON in BOTSTATE_RACE_DATABASE. Its Django is the smallest that runs the ORM store.
"""

import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

#: No loop of a race goes on for longer.
DEADLINE_S = 30


def main() -> None:
    """Configure Django, then answer each order with its result until the pipe is closed."""
    pipe = Connection(int(sys.argv[1]))
    configure(json.loads(os.environ["BOTSTATE_RACE_DATABASE"]))
    pipe.send(("ready", None))
    while True:
        try:
            name, arguments = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(("done", globals()[f"race_{name}"](**arguments)))
        except Exception:
            pipe.send(("failed", traceback.format_exc()))


def configure(database: dict[str, Any]) -> None:
    import django
    from django.conf import settings

    if database["ENGINE"].endswith("mysql"):
        import pymysql

        pymysql.install_as_MySQLdb()
    settings.configure(INSTALLED_APPS=["botstate"], DATABASES={"default": database}, USE_TZ=True)
    django.setup()


def store() -> Any:
    from botstate.stores import OrmStore

    return OrmStore()


def until(is_done: Callable[[], bool]) -> None:
    """Call `is_done` until it is true, giving others the processor in between."""
    deadline = time.monotonic() + DEADLINE_S
    while not is_done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not done within {DEADLINE_S} s")
        time.sleep(0.0005)


def race_call(path: str, arguments: list[Any]) -> Any:
    """Call one method; a lock or claim is told as True."""
    facet, method = path.split(".")
    got = getattr(getattr(store(), facet), method)(*arguments)
    return got if isinstance(got, bool | int | str | None) else True


def race_append(racer: int, key: str, count: int, max_len: int | None) -> list[int]:
    """Append `count` values and return the lengths."""
    return [store().list.append(key, [racer, number], max_len=max_len) for number in range(count)]


def race_enqueue(racer: int, key: str, count: int, max_size: int | None, on_full: str) -> list[int]:
    """Enqueue `count` values and return the depths."""
    return [store().queue.enqueue(key, [racer, number], max_size=max_size, on_full=on_full) for number in range(count)]


def race_produce(racer: int, key: str, count: int) -> list[Any]:
    """Enqueue `count` values and a last one that stops one consumer."""
    race_enqueue(racer, key, count, None, "drop-oldest")
    store().queue.enqueue(key, "stop")
    return []


def race_consume(racer: int, key: str, count: int) -> list[Any]:
    """Take values until one says stop, half of them by dequeue, half by claim and ack; return them in order."""
    taken: list[Any] = []

    def take() -> bool:
        if racer % 2:
            value = store().queue.dequeue(key)
        else:
            claim = store().queue.claim(key, "1h")
            value = claim and claim.value
            if claim and not store().queue.ack(key, claim.token):
                raise AssertionError("ack of a live claim was False")
        if value not in (None, "stop"):
            taken.append(value)
        return bool(value == "stop")

    until(take)
    return taken


def race_hold(key: str, count: int, holder: str, log: str) -> int:
    """Hold the lock `count` times; write each fence to `log`, and fail if anybody else is in the lock."""
    held = 0

    def hold() -> bool:
        nonlocal held
        lock = store().lock.acquire(key, ttl="1h")
        if lock is None:
            return False
        # Only one process can create it; a second holder fails here.
        os.close(os.open(holder, os.O_CREAT | os.O_EXCL))
        with open(log, "a") as lines:
            lines.write(f"{lock.fence}\n")
        os.unlink(holder)
        if not store().lock.release(key, lock.token):
            raise AssertionError("release by the holder was False")
        held += 1
        return held == count

    until(hold)
    return held


def race_register(racer: int, namespace: str, count: int, max_entries: int) -> None:
    """Register `count` entries, each new or another racer's too."""
    from botstate.keyed import open_keyed_store

    keyed = open_keyed_store(namespace, max_entries, store=store())
    for number in range(count):
        keyed.register(f"key {number % 7}" if number % 3 == 0 else f"key {racer} {number}", [racer, number])


def race_claim(racer: int, namespace: str, count: int) -> list[int]:
    """Return which of `count` keys this racer was the first to register."""
    from botstate.keyed import open_keyed_store

    keyed = open_keyed_store(namespace, store=store())
    return [number for number in range(count) if keyed.register_if_absent(f"key {number}", racer)]


if __name__ == "__main__":
    main()
