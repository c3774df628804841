"""How long Slack asks to wait."""

import pytest

from botstate.platforms.slack.platform import _retry_after_s

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("30", 30.0), ("0", 0), ("nan", None), ("inf", None), ("-inf", None), ("-5", None), ("soon", None), ("", None)],
)
def test_what_is_no_time_is_no_wish(header: str, seconds: float | None) -> None:
    assert _retry_after_s({"Retry-After": header}) == seconds
    assert _retry_after_s({}) is None
