"""Rendering a message to Block Kit, beside the same blocks made by hand with slack_sdk's models."""

import time
from collections.abc import Callable
from typing import Any

from botstate.actions.controls import bind_controls
from botstate.platforms.slack.render import render
from botstate.types import Json
from botstate.ui import Actions, Button, Context, Field, Fields, Header, Message, Section, Select
from django.conf import settings
from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ContextBlock,
    HeaderBlock,
    MarkdownTextObject,
    Option,
    PlainTextObject,
    SectionBlock,
    StaticSelectElement,
)

from bench import budgets
from bench.tables import figure, table
from bench.timing import measure
from bench.verdicts import Verdicts

SECTIONS, CARD = "50 sections", "50 blocks of all kinds"
#: Five blocks each.
GROUPS = 10
OPTIONS = [f"option {number}" for number in range(10)]
TEXT = "A paragraph of *some* words, as long as they usually are in a message."


def run(rounds: int) -> None:
    """Measure and print."""
    if not settings.configured:
        settings.configure()
    report = Verdicts()
    rows = [_row(report, name, make, by_hand, rounds) for name, (make, by_hand) in _messages().items()]
    heads = ["a message of", "by hand µs", "rendered µs", "to by hand", "with its ids µs", "to by hand"]
    print("\n" + table(heads, rows))
    report.print_failures()


def _row(
    report: Verdicts, name: str, make: Callable[[], Any], by_hand: Callable[[], list[Json]], rounds: int
) -> list[str]:
    nodes = bind_controls(make()).nodes
    if render(nodes)["blocks"] != by_hand():
        raise AssertionError(f"{name}: what is compared is not the same")
    rendered, whole = Calls(lambda: render(nodes)), Calls(lambda: render(bind_controls(make()).nodes))
    ours, from_the_start, hand = measure(name, [rendered, whole, Calls(by_hand)], rounds)
    ratio = report.judged("rendering", name, ours.ratio_to(hand), budgets.RENDERING_TO_BY_HAND)
    times = [figure(hand.median), figure(ours.median), ratio, figure(from_the_start.median)]
    return [name, *times, figure(from_the_start.ratio_to(hand), 2)]


class Calls:
    """A contestant that calls a function."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._calls = 0

    def prepare(self, operation: str, callers: int, calls: int) -> None:
        self._calls = calls

    def run(self) -> list[float]:
        times = []
        for _ in range(self._calls):
            begun = time.perf_counter()
            self._function()
            times.append((time.perf_counter() - begun) * 1e6)
        return times

    def finish(self) -> None:
        pass


def _messages() -> dict[str, tuple[Callable[[], Any], Callable[[], list[Json]]]]:
    return {SECTIONS: (_sections, _sections_by_hand), CARD: (_card, _card_by_hand)}


def _sections() -> Any:
    return Message(Section(f"{number}: {TEXT}") for number in range(50))


def _sections_by_hand() -> list[Json]:
    blocks = [SectionBlock(text=MarkdownTextObject(text=f"{number}: {TEXT}")) for number in range(50)]
    return [block.to_dict() for block in blocks]


def _card() -> Any:
    return Message(_group(number) for number in range(GROUPS))


def _group(number: int) -> Any:
    return [
        Header(f"Ticket {number}"),
        Section(TEXT),
        Fields(Field("Open"), Field("Ada")),
        Context("by Ada"),
        Actions(
            Button("Approve", key=f"approve {number}", value="yes", style="primary"),
            Button("Refuse", key=f"refuse {number}", value="no"),
            Select(OPTIONS, key=f"assign {number}", placeholder="Assign to"),
        ),
    ]


def _card_by_hand() -> list[Json]:
    return [block.to_dict() for number in range(GROUPS) for block in _group_by_hand(number)]


def _group_by_hand(number: int) -> list[Block]:
    def plain(text: str) -> PlainTextObject:
        return PlainTextObject(text=text, emoji=True)

    def button(label: str, action_id: str, value: str, style: str | None) -> ButtonElement:
        return ButtonElement(text=plain(label), action_id=action_id, value=value, style=style)

    return [
        HeaderBlock(text=plain(f"Ticket {number}")),
        SectionBlock(text=MarkdownTextObject(text=TEXT)),
        SectionBlock(fields=[MarkdownTextObject(text="Open"), MarkdownTextObject(text="Ada")]),
        ContextBlock(elements=[MarkdownTextObject(text="by Ada")]),
        ActionsBlock(
            elements=[
                button("Approve", f"approve {number}", "yes", "primary"),
                button("Refuse", f"refuse {number}", "no", None),
                StaticSelectElement(
                    action_id=f"assign {number}",
                    placeholder=plain("Assign to"),
                    options=[Option(text=plain(text), value=str(index)) for index, text in enumerate(OPTIONS)],
                ),
            ]
        ),
    ]
