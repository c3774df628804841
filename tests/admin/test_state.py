"""A thread's state on its page: typed, field by field, whether or not it fits its model."""

import json
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Literal, Optional

import pydantic
import pytest

from botstate import Bot
from botstate.admin.annotations import type_text
from botstate.admin.moments import span
from botstate.admin.wording import in_brief, scalar, shortened, visible
from botstate.models import Thread
from tests.admin.conftest import Page, Rows

Visit = Callable[[Thread], Page]


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Line(pydantic.BaseModel):
    sku: str = pydantic.Field(description="As in the catalogue")
    amount: float = 1.0


class Card(pydantic.BaseModel):
    kind: Literal["card"]
    number: str


class Cash(pydantic.BaseModel):
    kind: Literal["cash"]
    given: int


class Order(pydantic.BaseModel):
    stage: Literal["cart", "paid"] = pydantic.Field("cart", description="How far <it> is")
    ticket_id: int | None = None
    lines: list[Line] = []
    notes: dict[str, str] = {}
    payment: Card | Cash | None = None
    place: Line | None = pydantic.Field(None, alias="where")


@pytest.fixture
def thread(make_bot: Callable[..., Bot], rows: Rows) -> Thread:
    make_bot(state=Order)
    return rows.thread()


def test_fields_have_name_type_value_description_and_default(thread: Thread, rows: Rows, visit_thread: Visit) -> None:
    rows.state(thread, {"stage": "paid", "ticket_id": 7, "lines": [], "notes": {}, "payment": None, "place": None}, 12)
    page = visit_thread(thread)
    assert "State: Order Version 12, updated 2" in page.text
    assert "(2 min ago)" in page.text
    assert page.row("stage") == 'stage How far <it> is "cart" | "paid" paid'
    assert page.row("ticket_id") == "ticket_id int | None 7"
    assert page.row("lines") == "lines list[Line] no items default"
    assert page.row("payment") == "payment Card | Cash | None None default"
    assert page.row("place") == "place Line | None None default"
    assert "does not fit" not in page.text


def test_nested_values_have_rows_of_their_own(thread: Thread, rows: Rows, visit_thread: Visit) -> None:
    value = {
        "lines": [{"sku": "A-1", "amount": 2.5}],
        "notes": {"driver": "007"},
        "payment": {"kind": "cash", "given": 50},
        "where": {"sku": "B-2", "amount": 1.0},
    }
    rows.state(thread, value)
    page = visit_thread(thread)
    assert page.row("lines") == "lines list[Line] 1 item"
    assert page.row("[0]") == "[0] Line 2 fields"
    assert "sku As in the catalogue str A-1" in page.text
    assert "amount float 2.5" in page.text
    assert "amount float 1.0 default" in page.text
    assert page.row("driver") == 'driver str "007"'
    assert page.row("given") == "given int 50"
    assert page.row("place") == "place Line | None 2 fields"
    assert page.html.count('class="bs-depth-2"') == 2
    assert "not in the model" not in page.text
    assert "{" not in page.text


def test_before_the_first_write_the_defaults_are_shown(thread: Thread, visit_thread: Visit) -> None:
    page = visit_thread(thread)
    assert "Nothing is stored yet. A handler would start from these defaults." in page.text
    assert page.row("stage") == 'stage How far <it> is "cart" | "paid" cart default'
    assert "Version" not in page.text


def test_required_fields_without_a_state_are_a_warning(
    make_bot: Callable[..., Bot], rows: Rows, visit_thread: Visit
) -> None:
    make_bot(state=Line)
    page = visit_thread(rows.thread())
    assert "Line cannot be made from its defaults." in page.text
    assert page.row("sku") == "sku As in the catalogue str missing ✕ does not fit Field required"
    assert page.row("amount") == "amount float 1.0 default"


def test_a_state_that_fits_no_more_is_shown_with_pydantics_words(
    thread: Thread, rows: Rows, visit_thread: Visit
) -> None:
    value = {
        "stage": "packing",
        "ticket_id": 7,
        "lines": [{"amount": "many"}],
        "where": {"sku": 5},
        "payment": {"kind": "coin"},
        "colour": "blue",
    }
    rows.state(thread, value)
    page = visit_thread(thread)
    assert "The stored state does not fit Order any more." in page.text
    assert page.row("stage").endswith("packing ✕ does not fit Input should be 'cart' or 'paid'")
    assert page.row("ticket_id") == "ticket_id int | None 7"
    assert "sku As in the catalogue str missing ✕ does not fit Field required" in page.text
    assert "amount float many ✕ does not fit Input should be a valid number" in page.text
    assert "str 5 ✕ does not fit Input should be a valid string" in page.text
    assert "Card.number: Field required" in page.row("payment")
    assert page.row("colour") == "colour str blue ! not in the model"
    assert page.row("notes") == "notes dict[str, str] no fields default, not stored"


def test_an_error_of_the_model_as_a_whole_is_shown_above(
    make_bot: Callable[..., Bot], rows: Rows, visit_thread: Visit
) -> None:
    class Strict(pydantic.BaseModel):
        low: int = 0
        high: int = 0

        @pydantic.model_validator(mode="after")
        def check_order(self) -> "Strict":
            if self.low > self.high:
                raise ValueError("low is <above> high")
            return self

    make_bot(state=Strict)
    thread = rows.thread()
    rows.state(thread, {"low": 2, "high": 1})
    page = visit_thread(thread)
    assert "Value error, low is <above> high" in page.text
    assert page.row("low") == "low int 2"


def test_a_validator_that_crashes_does_not_break_the_pages(
    make_bot: Callable[..., Bot], rows: Rows, visit_thread: Visit, visit: Callable[..., Page]
) -> None:
    class Fragile(pydantic.BaseModel):
        step: int = pydantic.Field(default_factory=lambda: 1 // 0)

        @pydantic.field_validator("step")
        @classmethod
        def look_up(cls, value: int) -> int:
            raise LookupError("gone")

    make_bot(state=Fragile)
    thread = rows.thread()
    assert "ZeroDivisionError" in visit_thread(thread).text
    rows.state(thread, {"step": 2})
    page = visit_thread(thread)
    assert "LookupError: gone" in page.text
    assert page.row("step").startswith("step int 2")
    assert "✕ does not fit step=2" in visit("thread/").text


@pytest.mark.parametrize("text", ["{broken", "nul", "<script>alert(1)</script>"])
def test_a_text_that_is_no_json(thread: Thread, rows: Rows, visit_thread: Visit, text: str) -> None:
    rows.state(thread, text)
    page = visit_thread(thread)
    assert "the stored text is not JSON" in page.text
    assert text in page.text
    assert "<script>alert" not in page.html


@pytest.mark.parametrize("value", [[1, 2], '"text"', None, 7])
def test_a_value_that_is_no_object(thread: Thread, rows: Rows, visit_thread: Visit, value: Any) -> None:
    rows.state(thread, value)
    page = visit_thread(thread)
    assert "does not fit Order any more" in page.text
    assert page.row("(state)").startswith("(state) Order")


def test_without_a_model_types_are_those_of_the_values(
    make_bot: Callable[..., Bot], rows: Rows, visit_thread: Visit
) -> None:
    make_bot()
    thread = rows.thread()
    rows.state(thread, {"step": 2, "who": None, "yes": True, "many": [1.5, {"a": ""}]})
    page = visit_thread(thread)
    assert "The bot declares no model" in page.text
    assert page.row("step") == "step int 2"
    assert page.row("who") == "who NoneType None"
    assert page.row("yes") == "yes bool True"
    assert page.row("[0]") == "[0] float 1.5"
    assert page.row("a str") == 'a str ""'


def test_a_missing_bots_state_is_shown_without_its_types(rows: Rows, visit_thread: Visit) -> None:
    thread = rows.thread(bot="long gone")
    rows.state(thread, {"stage": "cart"})
    page = visit_thread(thread)
    assert page.row("stage") == "stage str cart"
    assert "does not fit" not in page.text


def test_the_page_of_a_huge_state_is_bounded(make_bot: Callable[..., Bot], rows: Rows, visit_thread: Visit) -> None:
    make_bot()
    deep: Any = "bottom"
    for _ in range(90):
        deep = [deep]
    thread = rows.thread()
    wide = {f"field {number}": list(range(100)) for number in range(400)}
    rows.state(thread, {"deep": deep, "text": "x" * 100_000, "number": 10**4000, **wide})
    page = visit_thread(thread)
    assert "It is larger than this page shows." in page.text
    assert "(100,000 characters)" in page.text
    assert "bottom" not in page.text
    assert len(page.html) < 200_000


def test_only_exactly_the_default_is_marked_as_default(
    make_bot: Callable[..., Bot], rows: Rows, visit_thread: Visit
) -> None:
    class Numbers(pydantic.BaseModel):
        whole: Any = 1
        truth: Any = 1
        real: Any = 1

    make_bot(state=Numbers)
    thread = rows.thread()
    rows.state(thread, {"whole": 1, "truth": True, "real": 1.0})
    page = visit_thread(thread)
    assert page.row("whole").endswith("1 default")
    assert page.row("truth").endswith("True")
    assert page.row("real").endswith("1.0")


@pytest.mark.once
@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, "int"),
        (None, "None"),
        (Any, "Any"),
        (Optional[int], "int | None"),  # noqa: UP045
        (Literal["a", 'say "b"', 3], '"a" | "say \\"b\\"" | 3'),
        (Annotated[list[Line], pydantic.Field(min_length=1)], "list[Line]"),
        (dict[str, list[int | None]], "dict[str, list[int | None]]"),
        (tuple[int, ...], "tuple[int, ...]"),
        (Colour, '"red" | "blue"'),
        (datetime | str, "datetime | str"),
        (list["Line"], "list[Line]"),
        (Literal[tuple(range(20))], " | ".join(map(str, range(12))) + " | …"),
    ],
)
def test_types_read_as_source(annotation: Any, text: str) -> None:
    assert type_text(annotation) == text


@pytest.mark.once
def test_a_recursive_type_has_an_end() -> None:
    nested: Any = int
    for _ in range(50):
        nested = list[nested]
    assert "…" in type_text(nested)


@pytest.mark.once
def test_what_hides_or_reorders_text_is_made_visible() -> None:
    assert visible("a\u202eb\x00c\nd\te") == "a\\u202eb\\x00c\nd\te"
    assert visible("👩\u200d🔧 é ñ 日本\u00a0x") == "👩\u200d🔧 é ñ 日本\u00a0x"


@pytest.mark.once
def test_lengths_of_time_in_their_largest_fitting_unit() -> None:
    lengths = [-1, 0, 999_999, 1_000_000, 9_960_000, 10_000_000, 59_999_999, 60_000_000, 7_199_000_000, 172_800_000_000]
    assert [span(length) for length in lengths] == [
        *("0 ms", "0 ms", "999 ms", "1.0 s", "9.9 s", "10 s", "59 s", "1 min", "1 h", "2 d"),
    ]


@pytest.mark.once
def test_few_words() -> None:
    assert shortened("a  b\n c", 10) == "a b c"
    assert shortened("x" * 11, 10) == "x" * 9 + "…"
    assert len(shortened("x" * 1_000_000, 10)) == 10
    assert [scalar(value) for value in (None, True, 7, "7", "", " a", "None", "plain")] == [
        "None",
        "True",
        "7",
        '"7"',
        '""',
        '" a"',
        '"None"',
        "plain",
    ]
    assert in_brief({}) == "no fields"
    assert in_brief([[1]]) == "1 item"
    assert json.dumps(in_brief([])) == '"[]"'
