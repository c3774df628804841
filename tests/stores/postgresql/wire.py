"""Counting what goes to the server, by reading the protocol on its way there."""

import socket
import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, connections

from botstate.stores import OrmStore
from tests.stores.aliases import pump, temporary_store
from tests.stores.ports import free_port

ALIAS = "wire"


class Wire:
    """A local port that leads to the server and counts the messages of its one client, by type.

    Counted before they are passed on, so whoever has an answer finds its question counted.
    """

    def __init__(self, server: tuple[str, int]) -> None:
        self.port = free_port()
        self.messages: Counter[str] = Counter()
        wire = self

        class Forward(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection(server) as onward:
                    threading.Thread(target=pump, args=(onward, self.request), daemon=True).start()
                    wire._forward(self.request, onward)

        socketserver.ThreadingTCPServer.allow_reuse_address = True
        self._listener = socketserver.ThreadingTCPServer(("127.0.0.1", self.port), Forward)
        self._listener.daemon_threads = True
        threading.Thread(target=self._listener.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown()
        self._listener.server_close()

    @property
    def round_trips(self) -> int:
        """How often the client told the server to answer."""
        return self.messages["Q"] + self.messages["S"]

    @property
    def statements(self) -> int:
        """How many statements were executed."""
        return self.messages["Q"] + self.messages["E"]

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        rest = b""
        # The first message has a length and no type.
        head = 0
        while chunk := client.recv(65_536):
            rest += chunk
            while len(rest) >= head + 4:
                size = head + int.from_bytes(rest[head : head + 4], "big")
                if len(rest) < size:
                    break
                if head:
                    self.messages[chr(rest[0])] += 1
                rest = rest[size:]
                head = 1
            server.sendall(chunk)
        server.shutdown(socket.SHUT_RDWR)


@contextmanager
def wired_store(**options: Any) -> Iterator[tuple[OrmStore, Wire]]:
    """Give a store whose statements are counted."""
    settings = connection.settings_dict
    wire = Wire((settings["HOST"] or "127.0.0.1", int(settings["PORT"] or 5432)))
    plain = {"sslmode": "disable", "gssencmode": "disable"}
    try:
        with temporary_store(ALIAS, HOST="127.0.0.1", PORT=wire.port, OPTIONS=plain):
            connections.settings[ALIAS] = connections[ALIAS].settings_dict
            try:
                store = OrmStore(using=ALIAS, **options)
            finally:
                del connections.settings[ALIAS]
            yield store, wire
    finally:
        wire.close()
