"""What people do with controls and modals, parsed: whose workspace, which values, and no secrets."""

from typing import Any

import pytest

from botstate.contracts.events import Event
from botstate.platforms.slack.parse import MalformedRequest, parse_event, parse_interaction
from tests.slack.signing import payload

pytestmark = pytest.mark.once

RICH = {"type": "rich_text", "elements": []}
HELD = [
    ({"type": "multi_users_select", "selected_users": ["U1", "U2"]}, ["U1", "U2"]),
    ({"type": "multi_conversations_select", "selected_conversations": ["C1"]}, ["C1"]),
    ({"type": "multi_channels_select", "selected_channels": []}, []),
    ({"type": "rich_text_input", "rich_text_value": RICH}, RICH),
    ({"type": "file_input", "files": [{"id": "F1"}]}, [{"id": "F1"}]),
    ({"type": "users_select", "selected_user": "U1"}, "U1"),
    ({"type": "datetimepicker", "selected_date_time": 0}, 0),
    ({"type": "plain_text_input", "value": "typed"}, "typed"),
    ({"type": "multi_users_select"}, None),
]


def parsed(name: str, **changes: Any) -> Event:
    event = parse_interaction(payload(name) | changes, "helper", "")
    assert isinstance(event, Event)
    return event


def submission(**view: Any) -> dict[str, Any]:
    value = payload("interactive_view_submission")
    return {**value, "team": {"id": "T999", "domain": "other"}, "view": {**value["view"], "team_id": "T999", **view}}


def test_a_modal_of_a_shared_channel_belongs_to_the_workspace_that_installed_the_app() -> None:
    event = parse_interaction(submission(app_installed_team_id="T111"), "helper", "")
    assert event.origin.workspace == "T111"


def test_a_modal_of_an_organisation_wide_installation_belongs_to_the_organisation() -> None:
    value = submission(app_installed_team_id="T111")
    event = parse_interaction(value | {"is_enterprise_install": True, "enterprise": {"id": "E111"}}, "helper", "")
    assert event.origin.workspace == "E111"


@pytest.mark.parametrize("missing", [None, ""])
def test_a_modal_that_names_no_installation_belongs_to_its_team(missing: str | None) -> None:
    event = parse_interaction(submission(app_installed_team_id=missing), "helper", "")
    assert event.origin.workspace == "T999"


def test_an_installation_that_is_no_id_is_malformed() -> None:
    with pytest.raises(MalformedRequest, match="app_installed_team_id"):
        parse_interaction(submission(app_installed_team_id=["T111"]), "helper", "")


@pytest.mark.parametrize(("held", "value"), HELD)
def test_a_click_has_what_the_control_holds(held: dict[str, Any], value: Any) -> None:
    action = {"action_id": "a", "block_id": "b", "action_ts": "1", **held}
    assert parsed("interactive_block_actions", actions=[action]).data["value"] == value


@pytest.mark.parametrize(("held", "value"), HELD)
def test_a_submission_has_what_the_inputs_hold(held: dict[str, Any], value: Any) -> None:
    event = parse_interaction(submission(state={"values": {"b": {"a": held}}}), "helper", "")
    assert isinstance(event, Event)
    assert event.data["values"] == {"a": value}


@pytest.mark.parametrize(
    "name",
    [
        "interactive_block_actions",
        "interactive_view_submission_response_urls",
        "interactive_message_action",
        "interactive_shortcut",
    ],
)
def test_what_lets_anybody_speak_for_the_app_is_not_kept(name: str) -> None:
    urls = {
        "response_url": "https://hooks.slack.com/a",
        "response_urls": [{"response_url": "https://hooks.slack.com/b"}],
    }
    event = parsed(name, **urls)
    assert not {"token", "response_url", "response_urls"} & event.data["raw"].keys()
    assert "hooks.slack.com" not in str(event.to_json())


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("<@W111> hi", "mention"),
        ("hi <@W111|helper>", "mention"),
        ("<@W1112> hi", "message"),
        ("<@W1112|W111> hi", "message"),
        ("W111> hi", "message"),
    ],
)
def test_a_mention_may_have_a_label(text: str, kind: str) -> None:
    value = payload("event_message_channel")
    value["event"] |= {"text": text, "user": "W222"}
    value["authorizations"] = [{"team_id": "T111", "user_id": "W111", "is_bot": True}]
    event = parse_event(value, "helper", "", {})
    assert isinstance(event, Event)
    assert event.kind == kind
