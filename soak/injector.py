"""Lets the planned faults happen, each at its time."""

import time
from collections import Counter
from collections.abc import Callable, Sequence

from soak.brokers import Broker
from soak.crew import Crew
from soak.databases import Database
from soak.faults import Fault

#: How often it is looked whether something has ended by itself.
TEND_S = 0.5


class Injector:
    """Does what a plan says to one run's processes. done: how often each action was done; log: when, in words."""

    def __init__(self, crew: Crew, broker: Broker, database: Database | None) -> None:
        self.done: Counter[str] = Counter()
        self.log: list[str] = []
        self._crew = crew
        self._broker = broker
        self._database = database
        self._is_up = {"broker": True, "database": True}

    def play(self, plan: Sequence[Fault], stop_at: float) -> None:
        """Do everything in the plan, late where something before it took long; until this monotonic time at most."""
        begun = time.monotonic()
        for fault in plan:
            while time.monotonic() < min(begun + fault.at_s, stop_at):
                self._crew.tend()
                time.sleep(max(0.0, min(TEND_S, begun + fault.at_s - time.monotonic())))
            if time.monotonic() >= stop_at:
                return
            at = time.monotonic() - begun
            done = self._do(fault)
            self.log.append(f"{at:7.2f} s  {fault}{'' if done else ': nothing to do'}")
            if done:
                self.done[fault.action] += 1

    def restore(self) -> None:
        """Start whatever is not running, and wait until servers answer."""
        if not self._is_up["database"]:
            self._set_database(is_up=True)
        if not self._is_up["broker"]:
            self._set_broker(is_up=True)
        self._broker.wait()
        self._crew.restore()

    def _do(self, fault: Fault) -> bool:
        crew = self._crew
        worker = crew.workers[fault.target]
        actions: dict[str, Callable[[], object]] = {
            "kill worker": worker.kill,
            "start worker": lambda: crew.start_again(worker),
            "kill child of worker": lambda: crew.kill_child(worker, fault.pick),
            "kill site": crew.site.kill,
            "start site": lambda: crew.start_again(crew.site),
            "kill site child": lambda: crew.kill_child(crew.site, fault.pick),
            "flush broker": self._broker.flush,
            "stop broker": lambda: self._set_broker(is_up=False),
            "start broker": lambda: self._set_broker(is_up=True),
            "stop database": lambda: self._set_database(is_up=False),
            "start database": lambda: self._set_database(is_up=True),
        }
        return bool(actions[fault.action]())

    def _set_broker(self, *, is_up: bool) -> bool:
        self._is_up["broker"] = is_up
        if is_up:
            self._broker.start()
        else:
            self._broker.stop()
        return True

    def _set_database(self, *, is_up: bool) -> bool:
        if self._database is None:
            return False
        self._is_up["database"] = is_up
        if is_up:
            self._database.start()
        else:
            self._database.stop()
        return True
