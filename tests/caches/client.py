"""A process of its own that uses a cache on the database that it is given, and ends as it is told to.

Started as `python -m tests.caches.client`, with a JSON object as its argument: `database` is an entry of DATABASES,
`calls` are methods of a cache with their arguments. It says what they gave as JSON; with `is_killed` it dies by SIGKILL
then.
"""

import json
import os
import signal
import subprocess
import sys
from typing import Any

from tests.stores.racers import ROOT

DEADLINE_S = 60


def run(database: dict[str, Any], *calls: list[Any], is_killed: bool = False) -> list[Any]:
    """Start the process, wait for its end, and return what the calls gave."""
    names = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
    orders = {"database": {name: database[name] for name in names}, "calls": calls, "is_killed": is_killed}
    command = [sys.executable, "-m", "tests.caches.client", json.dumps(orders)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, timeout=DEADLINE_S, check=False)
    assert done.returncode == (-signal.SIGKILL if is_killed else 0)
    results: list[Any] = json.loads(done.stdout)
    return results


def main() -> None:
    orders = json.loads(sys.argv[1])
    configure(orders["database"])
    from botstate.caches import MirroredCache

    cache = MirroredCache("tests", "entries", max_entries=100)
    results = []
    for method, *arguments in orders["calls"]:
        result = getattr(cache, method)(*arguments)
        results.append(result.created_at.isoformat() if method == "lookup_entry" and result else result)
    os.write(1, json.dumps(results).encode())
    if orders["is_killed"]:
        os.kill(os.getpid(), signal.SIGKILL)


def configure(database: dict[str, Any]) -> None:
    import django
    from django.conf import settings

    if database["ENGINE"].endswith("mysql"):
        import pymysql

        pymysql.install_as_MySQLdb()
    caches = {"tests": {"PERSISTENT": True, "TIMEOUT": 20}}
    settings.configure(
        INSTALLED_APPS=["botstate"], DATABASES={"default": database}, BOTSTATE={"CACHES": caches}, USE_TZ=True
    )
    django.setup()


if __name__ == "__main__":
    main()
