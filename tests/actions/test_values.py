"""What a handler gets of what was chosen."""

from typing import Any

import pytest

from botstate.actions.claiming import Action
from botstate.actions.values import choose_values

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("sent", "chosen"),
    [("1", "b"), (["1", "0"], ["b", "a"]), ("2", None), ("9" * 5_000, None), ("-1", None), ("1.0", None), (1, None)],
    ids=["one", "two", "too much", "far too much", "negative", "a fraction", "no text"],
)
def test_a_number_that_no_option_has_is_none(sent: Any, chosen: Any) -> None:
    assert choose_values(Action("onSelect", None, ["a", "b"], None), sent) == chosen
    assert choose_values(Action("onSubmit", None, {"who": ["a", "b"]}, None), {"who": sent}) == {"who": chosen}
