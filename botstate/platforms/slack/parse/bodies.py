"""From a request's verified bytes to the payload in it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from botstate import exact_json
from botstate.exceptions import NotSerializable
from botstate.platforms.slack.parse.fields import MalformedRequest

MAX_CHALLENGE_CHARACTERS = 1_000
MAX_FIELDS = 100


def parse_json(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a body."""
    try:
        value = exact_json.loads_foreign(body.decode("utf-8"))
    except (ValueError, NotSerializable) as error:
        raise MalformedRequest("the body is not JSON that can be stored") from error
    if not isinstance(value, dict):
        raise MalformedRequest("the body is not a JSON object")
    return value


def parse_form(body: bytes) -> dict[str, str]:
    """Return the fields of a form, each of which may come once."""
    try:
        fields = parse_qs(
            body.decode("utf-8"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError as error:
        raise MalformedRequest("the body is not a form") from error
    if any(len(values) != 1 for values in fields.values()):
        raise MalformedRequest("a field of the form comes twice")
    return {name: values[0] for name, values in fields.items()}


def parse_form_payload(body: bytes) -> dict[str, Any]:
    """Return the JSON object in the `payload` field of a form."""
    payload = parse_form(body).get("payload")
    if payload is None:
        raise MalformedRequest("the form needs exactly one payload field")
    return parse_json(payload.encode("utf-8"))


def parse_challenge(payload: Mapping[str, Any]) -> str | None:
    """Return the challenge of a url_verification, None for any other payload."""
    if payload.get("type") != "url_verification":
        return None
    challenge = payload.get("challenge")
    if not isinstance(challenge, str) or not 1 <= len(challenge) <= MAX_CHALLENGE_CHARACTERS:
        raise MalformedRequest("url_verification has no challenge")
    return challenge
