"""Senders that cost little: one thread with as many sockets as there are senders."""

import select
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

ANSWER_WITHIN_S = 10


@dataclass
class Sent:
    """How long each request waited for its 200, in milliseconds, and how long all of them took together."""

    times: list[float] = field(default_factory=list)
    seconds: float = 0.0
    #: When the last 200 arrived, by the machine's clock.
    answered_ns: int = 0

    @property
    def per_second(self) -> float:
        """Requests that were acknowledged in a second."""
        return len(self.times) / self.seconds


class NotAcknowledgedError(RuntimeError):
    """A request got another answer than 200, or none in time."""


def send(port: int, requests: Iterable[bytes], senders: int = 1, within_s: float = 60) -> Sent:
    """Send the requests, as many at once as there are senders, until they are through or the time is.

    Every sender waits for the end of its answer before it sends the next request. Raises NotAcknowledgedError.
    """
    sent = Sent()
    waiting = iter(requests)
    poll = select.poll()
    under_way: dict[int, tuple[socket.socket, int]] = {}
    begun = time.monotonic_ns()
    ends = begun + int(within_s * 1e9)

    def start_next() -> None:
        request = next(waiting, None) if time.monotonic_ns() < ends else None
        if request is not None:
            started = time.monotonic_ns()
            connection = socket.socket()
            # Blocking: on loopback both are done at once, and a timeout would cost a system call for each.
            connection.connect(("127.0.0.1", port))
            connection.send(request)
            under_way[connection.fileno()] = connection, started
            poll.register(connection, select.POLLIN)

    try:
        for _ in range(senders):
            start_next()
        while under_way:
            ready = poll.poll(ANSWER_WITHIN_S * 1_000)
            if not ready:
                raise NotAcknowledgedError(f"no answer within {ANSWER_WITHIN_S} s")
            for number, _ in ready:
                connection, started = under_way[number]
                chunk = connection.recv(65_536)
                if chunk:
                    _note(sent, chunk, started)
                    continue
                del under_way[number]
                poll.unregister(number)
                connection.close()
                start_next()
    finally:
        for connection, _ in under_way.values():
            connection.close()
    sent.seconds = (time.monotonic_ns() - begun) / 1e9
    return sent


def _note(sent: Sent, chunk: bytes, started: int) -> None:
    # The head comes in one piece; what follows has nothing to say.
    if chunk.startswith(b"HTTP/1.1 "):
        if not chunk.startswith(b"HTTP/1.1 200 "):
            raise NotAcknowledgedError(chunk.split(b"\r\n", 1)[0].decode(errors="replace"))
        sent.answered_ns = time.monotonic_ns()
        sent.times.append((sent.answered_ns - started) / 1e6)
