"""Statements as the server was sent them: read from libpq's own trace, whoever sends them."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

from botstate.models import Thread, Turn
from botstate.tasks import run_turns
from django.db import connection
from django.test import Client
from psycopg.pq import Trace

from bench.runtime.mentions import Mentions, request

COUNTED = 20
#: The first ones of a process ask the server about itself.
WARM_UP = 3


@dataclass
class Counted:
    """How many statements were executed inside a with block, BEGIN and COMMIT included."""

    statements: int = 0


@dataclass(frozen=True)
class Statements:
    """Medians, of everything from request to 200, and of everything from a bell to the lease's release."""

    first_event: float
    later_event: float
    turn: float


def count_statements() -> Statements:
    """Send events to the site in this process, and run turns in it."""
    client = Client()
    mentions = Mentions()
    first, later, turns = [], [], []
    for thread in range(WARM_UP + COUNTED):
        for counts in (first, later):
            with _counting() as counted:
                _post(client, request("", mentions.payload_in_thread(1_000_000 + thread)))
            counts.append(counted.statements)
    for thread in range(WARM_UP + COUNTED):
        _post(client, request("", mentions.payload_in_thread(2_000_000 + thread)))
    # The latest are the threads with one turn each.
    ids = Thread.objects.order_by("-pk").values_list("pk", flat=True)[: WARM_UP + COUNTED]
    for thread_id in list(ids):
        with _counting() as counted:
            run_turns([thread_id])
        turns.append(counted.statements)
    done = Turn.objects.filter(status=Turn.Status.DONE).count()
    if done != len(turns):
        raise RuntimeError(f"of {len(turns)} turns {done} are done")
    return Statements(*(median(counts[WARM_UP:]) for counts in (first, later, turns)))


@contextmanager
def _counting() -> Iterator[Counted]:
    counted = Counted()
    connection.ensure_connection()
    server = connection.connection.pgconn
    with tempfile.TemporaryFile() as trace:
        server.trace(trace.fileno())
        server.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
        try:
            yield counted
        finally:
            server.untrace()
        trace.seek(0)
        # The server says so once for each, in whichever protocol and however many were sent at once.
        counted.statements = sum(line.split(b"\t")[2:3] == [b"CommandComplete"] for line in trace)


def _post(client: Client, message: bytes) -> None:
    head, body = message.split(b"\r\n\r\n", 1)
    headers = dict(line.decode().split(": ", 1) for line in head.split(b"\r\n")[1:])
    answer = client.post("/slack/events", body, content_type="application/json", headers=headers)
    if answer.status_code != 200:
        raise RuntimeError(f"the site answered {answer.status_code}")
