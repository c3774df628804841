"""From Slack's verified bytes to an Event. Pure; raises MalformedRequest for what Slack would never send."""

from botstate.platforms.slack.parse.bodies import parse_challenge, parse_form, parse_form_payload, parse_json
from botstate.platforms.slack.parse.events import parse_event
from botstate.platforms.slack.parse.fields import MalformedRequest
from botstate.platforms.slack.parse.interactions import parse_command, parse_interaction

__all__ = [
    "MalformedRequest",
    "parse_challenge",
    "parse_command",
    "parse_event",
    "parse_form",
    "parse_form_payload",
    "parse_interaction",
    "parse_json",
]
