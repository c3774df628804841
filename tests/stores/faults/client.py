"""A process that uses the store of a database: its clock and its Django settings need not be those of the tests.

Started by `Client` as `python -m tests.stores.faults.client`, with a pipe's file descriptor as its argument and its
settings as JSON in BOTSTATE_CLIENT_SETTINGS.
"""

import json
import os
import select
import sys
import time
import traceback
from multiprocessing.connection import Connection
from typing import Any

from tests.stores.racer import race_hold, store


def main() -> None:
    """Configure Django, then answer each order with its result until the pipe is closed."""
    # libfaketime breaks Python's sleep where it leaves the monotonic clock alone.
    time.sleep = lambda seconds: select.select([], [], [], seconds) and None
    pipe = Connection(int(sys.argv[1]))
    configure(json.loads(os.environ["BOTSTATE_CLIENT_SETTINGS"]))
    while True:
        try:
            name, arguments = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(("done", ORDERS[name](**arguments)))
        except Exception:
            pipe.send(("failed", traceback.format_exc()))


def configure(settings: dict[str, Any]) -> None:
    import django
    from django.conf import settings as django_settings

    if settings["DATABASES"]["default"]["ENGINE"].endswith("mysql"):
        import pymysql

        pymysql.install_as_MySQLdb()
    django_settings.configure(INSTALLED_APPS=["botstate"], **settings)
    django.setup()


def call(path: str, arguments: list[Any], options: dict[str, Any]) -> Any:
    """Call one method of the store."""
    owner: Any = store()
    for name in path.split("."):
        owner = getattr(owner, name)
    return owner(*arguments, **options)


def clock() -> float:
    """Return what this process takes for the time."""
    return time.time()


def query(sql: str) -> Any:
    """Return the first value of a query in the session that the store uses."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


ORDERS = {"call": call, "clock": clock, "query": query, "hold": race_hold}

if __name__ == "__main__":
    main()
