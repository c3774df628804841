"""Texts as they come from Django's templates and translations, and texts that nothing can store."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import pytest
from django.utils.safestring import mark_safe

from botstate import exact_json
from botstate.actions.controls import bind_controls
from botstate.exceptions import NotSerializable
from botstate.platforms.slack.links import PREFIX
from botstate.platforms.slack.render import render, render_modal
from botstate.runtime.posts import Post
from botstate.ui import (
    Actions,
    Button,
    Cell,
    Chart,
    Column,
    Context,
    Field,
    Fields,
    Header,
    Image,
    Input,
    Markdown,
    Message,
    Modal,
    ModalSelect,
    Node,
    Option,
    Row,
    Section,
    Select,
    Table,
    TextInput,
    raw,
)
from botstate.ui.arguments import RESERVED_PREFIX

pytestmark = pytest.mark.once


class Word(StrEnum):
    SAFE = "safe"


class Address(str):
    __slots__ = ()


MESSAGES: list[Callable[[Any], Any]] = [
    lambda text: text,
    lambda text: [text, Section(text, [text])],
    lambda text: Message(Header(text), Markdown(text), accent=Address("#27AE60")),
    lambda text: Fields(Field(text, label=text), text),
    lambda text: Context(text, Image("https://e.com/x", alt=text, title=text)),
    lambda text: Image(Address(f"https://e.com/{text}")),
    lambda text: Table(Row(text, Cell(text)), columns=[text, Column(text)]),
    lambda text: Chart("bar", labels=[text], series={text: [1]}, title=text),
    lambda text: Actions(Button(text, key=text, confirm=text, allowed_users=[text])),
    lambda text: Button("a", style=Address("primary"), url=f"https://e.com/{text}"),
    lambda text: Actions(Button("a", url=Address(f"https://e.com/{text}"))),
    lambda text: Actions(Select([text, (text, 1), Option(text, 2)], placeholder=text, key="k")),
    lambda text: Input(text, placeholder=text, key="k"),
]
MODALS: list[Callable[[Any], Any]] = [
    lambda text: Modal(text, title=text, submit_label=text, close_label=text, callback_id=text),
    lambda text: Modal(TextInput(text, text, initial=text, placeholder=text), title="a"),
    lambda text: Modal(ModalSelect(text, text, [text, (text, 1)], placeholder=text, initial=text), title="a"),
]


def assert_plain(value: Any) -> None:
    exact_json.dumps(value)


@pytest.mark.parametrize("text", [mark_safe("safe"), Word.SAFE], ids=["marked as safe", "enum"])
@pytest.mark.parametrize("make", MESSAGES)
def test_a_message_may_be_made_of_any_str(make: Callable[[Any], Any], text: str) -> None:
    bound = bind_controls(make(text))
    payload = render(bound.nodes)
    assert_plain([payload, [[control.action_id, control.label, control.identity] for control in bound.controls]])
    assert_plain([list(control.allowed_users) for control in bound.controls])
    assert payload == render(bind_controls(make("safe")).nodes)


@pytest.mark.parametrize("text", [mark_safe("safe"), Word.SAFE], ids=["marked as safe", "enum"])
@pytest.mark.parametrize("make", MODALS)
def test_a_modal_may_be_made_of_any_str(make: Callable[[Any], Any], text: str) -> None:
    bound = bind_controls(make(text))
    assert_plain(render_modal(bound.nodes[0]))
    assert render_modal(bound.nodes[0]) == render_modal(bind_controls(make("safe")).nodes[0])


@pytest.mark.parametrize("make", [*MESSAGES[1:], *MODALS])
def test_a_lone_surrogate_is_refused_where_the_node_is_made(make: Callable[[Any], Any]) -> None:
    with pytest.raises(NotSerializable, match="lone surrogate"):
        make("\ud800")


def test_the_text_that_is_refused_is_named() -> None:
    with pytest.raises(NotSerializable, match="text of header holds a lone surrogate at 1"):
        Header("a\ud800")
    with pytest.raises(NotSerializable, match="placeholder holds a lone surrogate at 0"):
        Input(placeholder="\udfff")


def test_a_payload_that_is_not_json_is_refused_when_it_is_posted() -> None:
    nodes = [Node("text", {"value": "a\ud800"})]
    with pytest.raises(NotSerializable, match=r"message\['text'\] holds a lone surrogate"):
        Post(0, "post", render(bind_controls(nodes).nodes), [])
    with pytest.raises(NotSerializable, match="lone surrogate"):
        Post(0, "post", render(bind_controls("\ud800").nodes), [])


@pytest.mark.parametrize("key", ["link:yes", "link:"])
def test_a_key_is_not_taken_for_one_of_a_link(key: str) -> None:
    assert RESERVED_PREFIX == PREFIX
    with pytest.raises(ValueError, match="key must not begin with 'link:'"):
        Button("Yes", key=key)
    assert Button("Yes", key="unlink:yes").key == "unlink:yes"
    assert Modal(TextInput(key, "A"), title="a", callback_id=key).key == key, "which are no ids of controls"


def test_a_payload_of_the_platforms_own_stays_exact() -> None:
    with pytest.raises(NotSerializable, match="payload"):
        raw("slack", {"text": mark_safe("safe")})
