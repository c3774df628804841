"""One run: everything is started, events are sent while faults happen, what is left is done, and evidence is taken.

Django must be set up, with the run's database as its default, before the import.
"""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.db import connections

from botproject.demo.slack_client import SlackClient
from soak import journal, stored
from soak.brokers import Broker
from soak.busy_slack import BusySlack
from soak.crew import Crew, WorkerKind
from soak.databases import Database
from soak.errands import Errand, is_at_most_once, plan_errands
from soak.evidence import Call, Evidence
from soak.faults import Dose, Fault, plan_faults
from soak.injector import Injector
from soak.records import read_attempts
from soak.senders import Answers, Senders
from soak.slack_apps import BOTS, secret_of

TOKEN = "xoxb-soak"  # noqa: S105 - it opens nothing
REST_POLL_S = 0.2


@dataclass(frozen=True)
class Plan:
    """What a run does; all of it follows from the seed.

    send_s: how long events are sent and faults happen. slow_ms: how long slow errands take, 0 for none. deadline_s:
    after which the run ends, done or not.
    """

    seed: int
    events: int
    threads: int
    send_s: float
    deadline_s: float
    kinds: Sequence[WorkerKind]
    dose: Dose = field(default_factory=Dose)
    slow_ms: int = 0


@dataclass(frozen=True)
class Outcome:
    """What a run left. unfinished: what was still to be done when time was up, "" for nothing."""

    planned: int
    evidence: Evidence
    answers: Answers
    faults: Mapping[str, int]
    log: Sequence[str]
    ended_by_themselves: Sequence[str]
    unfinished: str


def perform(
    plan: Plan,
    directory: Path,
    *,
    database_url: str,
    broker: Broker,
    database: Database | None = None,
    hurry: Callable[[], object] = lambda: None,
) -> Outcome:
    """Perform a run on a migrated database, and return what is known of it.

    The broker runs. database: its server, if it may be stopped. hurry: called again and again while what is left is
    waited for.
    """
    deadline = time.monotonic() + plan.deadline_s
    secret = secrets.token_hex(16)
    planned = plan_errands(plan.seed, plan.events, plan.threads, plan.slow_ms)
    journal.begin()
    with BusySlack(TOKEN) as api:
        environment = {
            "DATABASE_URL": database_url,
            "CELERY_BROKER_URL": broker.url,
            "BOTPROJECT_VAR": str(directory),
            "SLACK_SIGNING_SECRET": secret,
            "SLACK_BOT_TOKEN": TOKEN,
            "SLACK_API_URL": api.url,
        }
        with Crew(directory, environment, plan.kinds) as crew:
            crew.start()
            clients = [_client(crew.port, secret, errands[0]) for errands in planned]
            senders = Senders(planned, clients, plan.seed, plan.send_s)
            injector = Injector(crew, broker, database)
            faults = _faults(plan)
            try:
                senders.start()
                injector.play(faults, deadline)
                injector.restore()
                senders.wait(deadline)
            finally:
                senders.stop()
            unfinished = _finish(crew, hurry, deadline)
        evidence = _gather(plan, directory, senders.answers, api)
    return Outcome(
        plan.events,
        evidence,
        senders.answers,
        dict(injector.done),
        injector.log,
        crew.ended_by_themselves,
        unfinished,
    )


def _faults(plan: Plan) -> list[Fault]:
    killed = [number for number, kind in enumerate(plan.kinds) if kind.is_killed]
    # Nobody would start a beat again that was killed alone.
    prefork = [number for number, kind in enumerate(plan.kinds) if kind.pool == "prefork" and not kind.beat]
    return plan_faults(plan.seed, plan.send_s, killed, prefork, plan.dose)


def _client(port: int, secret: str, errand: Errand) -> SlackClient:
    bot = BOTS[1] if is_at_most_once(errand.thread) else BOTS[0]
    return SlackClient(port, secret_of(bot, secret))


def _finish(crew: Crew, hurry: Callable[[], object], deadline: float) -> str:
    """Wait until nothing is left to do; return what is left at the deadline."""
    # The connection may be from before the database was restarted.
    connections.close_all()
    while True:
        hurry()
        left = stored.count_open()
        if not left:
            return ""
        if time.monotonic() >= deadline:
            return str(left)
        crew.tend()
        time.sleep(REST_POLL_S)


def _gather(plan: Plan, directory: Path, answers: Answers, api: BusySlack) -> Evidence:
    turns = stored.read_turns()
    names = {turn.errand.name for turn in turns}
    # What was stored though its 200 was never seen has been accepted too.
    accepted = [*answers.accepted, *(errand for errand in answers.in_doubt if errand.name in names)]
    return Evidence(
        accepted=accepted,
        attempts=read_attempts(directory),
        turns=turns,
        states=stored.read_states(turns),
        posts=stored.read_posts(),
        calls=[Call(call.arguments["text"], call.at) for call in api.done("chat.postMessage")],
        journal=journal.read(),
        at_most_once={number for number in range(1, plan.threads + 1) if is_at_most_once(number)},
    )
