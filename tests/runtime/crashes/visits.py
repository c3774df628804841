"""Visiting every step of a case: at each one a process dies, in a conversation of its own, and another one goes on."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from botproject.demo.slack_api import SlackWebApi
from botstate.actions.resolving import hot_controls
from tests.runtime.crashes.cases import Case, Place
from tests.runtime.crashes.recovery import assert_at_rest, work_until_idle
from tests.runtime.crashes.steps import Process
from tests.slack.signing import SlackSender

Act = Callable[[], None]
Death = Callable[[Act, int | None, bool], Process]


@dataclass
class Visits:
    """Makes conversations that have not been there before. rung: what `redeliver` publishes is found here."""

    slack: SlackSender
    api: SlackWebApi
    rung: list[int]
    _count: int = field(default=0)

    def of(self, case: Case, death: Death) -> list[str]:
        """Return every point at which a process died, and what then is otherwise than if none had."""
        whole = self._place(case)
        steps = death(partial(case.act, whole), None, case.counts_reads).steps
        places = [self._place(case) for _ in steps]
        died = [death(partial(case.act, place), number, case.counts_reads) for number, place in enumerate(places)]
        for number, process in enumerate(died):
            assert process.is_dead, f"{case.name}: nobody died before {steps[number]}"
            assert process.steps == steps[:number], f"{case.name}: the way to {steps[number]} was another one"
        self._go_on(case, list(zip(places, died, strict=True)))
        points = zip([*steps, "the end"], [*places, whole], strict=True)
        return [f"{step}{self._judge(case, place, step)}" for step, place in points]

    def _place(self, case: Case) -> Place:
        self._count += 1
        place = Place(self.slack, self.api, self._count)
        case.prepare(place)
        # Whoever comes after a death remembers no control; nor may whoever is not to die.
        hot_controls.clear()
        return place

    def _go_on(self, case: Case, visited: list[tuple[Place, Process]]) -> None:
        for place, process in visited:
            if case.is_request and "200" not in process.steps:
                case.act(place)
        work_until_idle(self.rung)

    def _judge(self, case: Case, place: Place, at: str) -> str:
        """Check that every promise was kept, and return what its guarantee lets happen to a post."""
        said = f"{case.name}, dead before {at}"
        assert place.turns() == list(case.turns), said
        assert place.state() == case.state, said
        assert place.receipts() == case.receipts, said
        if case.turns:
            assert_at_rest([place.thread_id])
        sent = Counter(place.sent())
        assert set(sent) <= set(case.posts), said
        amiss = {post: sent[post] for post in case.posts if sent[post] != 1}
        assert len(amiss) <= 1, f"{said}: {amiss}"
        sends_once = case.options.get("delivery") == "at_most_once"
        for post, times in amiss.items():
            assert times == (0 if sends_once else 2), f"{said}: {amiss}"
            return f"  -- {post} is lost" if times == 0 else f"  -- {post} is sent twice"
        assert list(dict.fromkeys(place.sent())) == list(case.posts), said
        return ""
