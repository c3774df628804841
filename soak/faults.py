"""What goes wrong when, decided before the run from its seed alone."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Fault:
    """At so many seconds after the beginning, do `action` to worker number `target`, or to what the action names.

    pick: which of several processes, modulo how many there are.
    """

    at_s: float
    action: str
    target: int = 0
    pick: int = 0

    def __str__(self) -> str:
        return f"{self.action} {self.target}" if self.action.endswith("worker") else self.action


@dataclass(frozen=True)
class Dose:
    """How many faults of each kind a run has.

    worker_kills: of each worker that is killed with all its processes. child_kills: of one process of a prefork
    worker or the site.
    """

    worker_kills: int = 6
    child_kills: int = 4
    flushes: int = 2
    broker_stops: int = 2
    database_stops: int = 2
    site_kills: int = 1
    longest_outage_s: float = 4.0


def plan_faults(seed: int, seconds: float, workers: Sequence[int], prefork: Sequence[int], dose: Dose) -> list[Fault]:
    """Return the faults in the order of their times.

    workers: those that are killed. prefork: those that have children to kill. Whatever is killed or stopped is started
    again within the time, and two outages of one thing do not overlap.
    """
    rng = random.Random(f"faults {seed}")
    planned: list[Fault] = []
    for worker in workers:
        planned += _outages(rng, seconds, dose.worker_kills, ("kill worker", "start worker"), 2.0, worker)
    planned += _outages(rng, seconds, dose.site_kills, ("kill site", "start site"), 1.0)
    planned += _outages(rng, seconds, dose.database_stops, ("stop database", "start database"), dose.longest_outage_s)
    planned += _broker_faults(rng, seconds, dose)
    for count in range(dose.child_kills):
        action = "kill site child" if count % 2 or not prefork else "kill child of worker"
        target = rng.choice(prefork) if prefork else 0
        planned.append(Fault(rng.uniform(0, seconds), action, target, rng.randrange(100)))
    return sorted(planned)


def _broker_faults(rng: random.Random, seconds: float, dose: Dose) -> Iterator[Fault]:
    """Yield flushes, and outages that leave a broker which is slow to start some time before the next flush."""
    for number in range(dose.flushes):
        slot = seconds / dose.flushes
        yield Fault((number + rng.uniform(0.3, 0.55)) * slot, "flush broker")
    for number in range(dose.broker_stops):
        slot = seconds / dose.broker_stops
        at = (number + rng.uniform(0.6, 0.7)) * slot
        yield Fault(at, "stop broker")
        yield Fault(at + rng.uniform(0.1, min(dose.longest_outage_s, slot / 4)), "start broker")


def _outages(  # noqa: PLR0917 - each is what one kind of outage needs
    rng: random.Random, seconds: float, count: int, actions: tuple[str, str], longest_s: float, target: int = 0
) -> Iterator[Fault]:
    for number in range(count):
        begin, slot = number * seconds / count, seconds / count
        length = rng.uniform(0.1, min(longest_s, slot / 2))
        at = rng.uniform(begin, begin + slot - length)
        yield Fault(at, actions[0], target)
        yield Fault(at + length, actions[1], target)
