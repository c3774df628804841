"""What a server is sent."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import redis

from tests.stores.redis.server import Server


@contextmanager
def monitored(server: Server, *, scripts: bool = False) -> Iterator[Callable[[], list[str]]]:
    """Give a function that returns the commands that clients have sent since it was last called.

    scripts: return those that scripts have run instead.
    """
    with redis.Redis.from_url(server.url, decode_responses=True) as client, client.monitor() as monitor:
        marker = redis.Redis.from_url(server.url)

        def sent() -> list[str]:
            marker.echo("marker")
            commands = []
            while not (command := monitor.next_command())["command"].startswith("ECHO marker"):
                if (command["client_type"] == "lua") == scripts:
                    commands.append(command["command"])
            return commands

        try:
            yield sent
        finally:
            marker.close()
