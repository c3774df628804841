"""Ports of this machine; no Django."""

import socket


def free_port() -> int:
    """Return a local port on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
