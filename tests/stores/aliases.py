"""Database aliases that exist for the length of a test, and a server that can be taken away."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from typing import Any

from django.db import connections
from django.db.utils import load_backend

from botstate.stores import OrmStore


@contextmanager
def temporary_store(alias: str, **settings: Any) -> Iterator[OrmStore]:
    """Give a store on a database alias of its own, which is like "default" but for `settings`; for this thread only."""
    configured = deepcopy(connections["default"].settings_dict) | settings
    connections.settings[alias] = configured
    try:
        store = OrmStore(using=alias)
    finally:
        # Django lets a test use a connection that is in no settings, where it would forbid an alias that is.
        del connections.settings[alias]
    connections[alias] = load_backend(configured["ENGINE"]).DatabaseWrapper(configured, alias)
    try:
        yield store
    finally:
        connections[alias].close()
        del connections[alias]


class Proxy:
    """Forwards a local port to a server while it is up; going down cuts every connection."""

    def __init__(self, port: int, server: tuple[str, int]) -> None:
        self.port = port
        self._server = server
        self._listener: socketserver.ThreadingTCPServer | None = None
        self._open: list[socket.socket] = []

    def up(self) -> None:
        proxy = self

        class Forward(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection(proxy._server) as onward:
                    proxy._open += [self.request, onward]
                    back = threading.Thread(target=pump, args=(onward, self.request), daemon=True)
                    back.start()
                    pump(self.request, onward)
                    back.join()

        class Listener(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._listener = Listener(("127.0.0.1", self.port), Forward)
        threading.Thread(target=self._listener.serve_forever, args=(0.01,), daemon=True).start()

    def down(self) -> None:
        if self._listener is None:
            return
        self._listener.shutdown()
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._open.clear()
        self._listener.server_close()
        self._listener = None


def pump(source: socket.socket, target: socket.socket) -> None:
    """Copy from one to the other until either ends, and end the other one too."""
    with suppress(OSError):
        while chunk := source.recv(65_536):
            target.sendall(chunk)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
