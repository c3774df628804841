"""The cases: what was there before, what the process does that dies, and what must have come of it in the end."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from botproject.demo.slack_api import SlackWebApi
from botstate.models import ActionSnapshot, Receipt, Thread, ThreadState, Turn
from botstate.runtime.interactions import CONSUMED_TEXT
from botstate.runtime.worker import run_threads
from tests.runtime.crashes.deaths import step
from tests.slack.signing import SlackSender, payload


class Place:
    """One conversation, apart from all others. `number` is its own."""

    def __init__(self, slack: SlackSender, api: SlackWebApi, number: int) -> None:
        self.slack = slack
        self.api = api
        self.ts = f"{number}.000000"
        self.key = f"C111:{self.ts}"

    @cached_property
    def thread_id(self) -> int:
        return Thread.objects.values_list("pk", flat=True).get(key=self.key)

    def say(self, text: str, number: int = 0) -> None:
        """Send a message of the conversation; the same number is the same event."""
        ts = self.ts if number == 0 else f"{self.ts[:-1]}{number}"
        step("the request's first byte")
        assert self.slack.message(ts=ts, thread_ts=self.ts, text=text).status_code == 200
        step("200")

    def change_topic(self) -> None:
        """Send an event that no handler could get."""
        event = payload("event_message_channel")
        event["event_id"] = f"Ev{self.ts}"
        event["event"] |= {"subtype": "channel_topic"}
        step("the request's first byte")
        assert self.slack.event(event).status_code == 200
        step("200")

    @cached_property
    def button(self) -> tuple[str, str]:
        """The names of the card and of its button."""
        button = ActionSnapshot.objects.select_related("delivery").get(thread__key=self.key)
        return button.delivery.ref, button.action_id

    def click(self, user: str) -> None:
        """Click on the card's button."""
        ref, action_id = self.button
        trigger_id = f"{self.key} {user}"
        step("the request's first byte")
        assert self.slack.click(ref, action_id, trigger_id=trigger_id, user={"id": user}).status_code == 200
        step("200")

    def run(self) -> None:
        """Do what a worker does that is rung for."""
        run_threads([self.thread_id])

    def receipts(self) -> int:
        of_turns = Receipt.objects.filter(turn__thread__key=self.key).count()
        return of_turns + Receipt.objects.filter(identity=f"event Ev{self.ts}").count()

    def turns(self) -> list[str]:
        return list(Turn.objects.filter(thread__key=self.key).order_by("sequence").values_list("status", flat=True))

    def state(self) -> str:
        return ThreadState.objects.values_list("value", flat=True).filter(thread__key=self.key).first() or ""

    def sent(self) -> list[str]:
        """Return what the platform was given in this conversation, in order."""
        calls = [call.arguments for call in self.api.calls if call.arguments.get("thread_ts") == self.ts]
        return [call["text"].removeprefix(f"{self.key} ") for call in calls]


@dataclass(frozen=True)
class Case:
    """act: what the dying process does. is_request: it is a request, which Slack sends again until it gets a 200.

    counts_reads: every statement is a point. To die before a read is to die before what comes next, as these cases
    show; in the others, which share most of their steps with the case "turn", only what others can see is a point.

    turns, state, posts, receipts: what is there in the end.
    """

    name: str
    act: Callable[[Place], None]
    prepare: Callable[[Place], None] = lambda place: None
    is_request: bool = False
    counts_reads: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    turns: tuple[str, ...] = ("done",)
    state: str = ""
    posts: tuple[str, ...] = ()
    receipts: int = 1


def _known(place: Place) -> None:
    place.say("state")
    place.run()


def _card(place: Place) -> None:
    place.say("card")
    place.run()
    # Looked up beforehand: it is none of the dying process's steps.
    assert place.button


def _two_clicks(place: Place) -> None:
    _card(place)
    place.click("W1")
    place.click("W2")


def _three(place: Place) -> None:
    for number in range(3):
        place.say(f"state {number}", number)
    assert place.thread_id


def _asks(text: str) -> Callable[[Place], None]:
    return lambda place: place.say(text)


def _asked(text: str) -> Callable[[Place], None]:
    def ask(place: Place) -> None:
        place.say(text)
        assert place.thread_id

    return ask


HEARD = '{"heard":["state"]}'
WRITES = "state post1 card"

CASES = [
    Case("first message", _asks("state"), is_request=True, counts_reads=True, state=HEARD),
    Case(
        "later message",
        lambda place: place.say("state", 1),
        _known,
        is_request=True,
        counts_reads=True,
        turns=("done", "done"),
        state='{"heard":["state","state"]}',
        receipts=2,
    ),
    Case("redelivery", _asks("state"), _asks("state"), is_request=True, counts_reads=True, state=HEARD),
    Case(
        "ignored event",
        Place.change_topic,
        is_request=True,
        counts_reads=True,
        turns=(),
    ),
    Case(
        "click",
        lambda place: place.click("W1"),
        _card,
        is_request=True,
        counts_reads=True,
        turns=("done", "done"),
        state='{"clicked":["W1"]}',
        posts=("card",),
        receipts=2,
    ),
    Case(
        "turn", Place.run, _asked(WRITES), counts_reads=True, state=f'{{"heard":["{WRITES}"]}}', posts=("post1", "card")
    ),
    Case("turn without effects", Place.run, _asked("nothing")),
    Case("failing turn", Place.run, _asked("fail state"), state='{"heard":["fail state"]}'),
    Case(
        "turn that writes at once",
        Place.run,
        _asked("stage post1 post2"),
        options={"atomic_turns": False},
        state='{"stage":"reached"}',
        posts=("post1", "post2"),
    ),
    Case("turn sent at most once", Place.run, _asked("post1"), options={"delivery": "at_most_once"}, posts=("post1",)),
    Case(
        "parallel turn",
        Place.run,
        _asked("state post1"),
        options={"on_lock_conflict": "parallel"},
        state='{"heard":["state post1"]}',
        posts=("post1",),
    ),
    Case(
        "debounced turn",
        Place.run,
        _three,
        options={"on_lock_conflict": "debounce", "quiet_period": "1ms"},
        turns=("superseded", "superseded", "done"),
        state='{"heard":["state 0","state 1","state 2"]}',
        receipts=3,
    ),
    Case(
        "two clicks on what works once",
        Place.run,
        _two_clicks,
        turns=("done", "done", "done"),
        state='{"clicked":["W1"]}',
        posts=("card", CONSUMED_TEXT),
        receipts=3,
    ),
]
