"""The demo's Slack Web API, asked as botstate asks it: by slack_sdk."""

from collections.abc import Iterator
from urllib.request import Request, urlopen

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from botproject.demo.slack_api import RATE_LIMITED, Fault, SlackWebApi

pytestmark = pytest.mark.once

TOKEN = "xoxb-tests"
BLOCKS = [{"type": "section", "text": {"type": "mrkdwn", "text": "Hello"}}]


@pytest.fixture
def api() -> Iterator[SlackWebApi]:
    with SlackWebApi(TOKEN) as running:
        yield running


@pytest.fixture
def client(api: SlackWebApi) -> WebClient:
    return WebClient(token=TOKEN, base_url=api.url, retry_handlers=[])


def test_a_post_is_answered_and_kept(api: SlackWebApi, client: WebClient) -> None:
    answer = client.chat_postMessage(channel="C1", text="Hello", blocks=BLOCKS, thread_ts="1.2")

    assert answer["ok"] and answer["channel"] == "C1"
    assert answer["message"]["thread_ts"] == "1.2"
    assert answer["message"]["ts"] == answer["ts"]
    # Slack names the blocks that have no name.
    assert answer["message"]["blocks"] == [{"block_id": "b0", **BLOCKS[0]}]
    (call,) = api.done("chat.postMessage", channel="C1")
    assert call.arguments == {"channel": "C1", "text": "Hello", "blocks": BLOCKS, "thread_ts": "1.2"}
    assert call.ts == answer["ts"]


def test_every_message_has_a_ts_of_its_own(client: WebClient) -> None:
    names = [client.chat_postMessage(channel="C1", text=str(number))["ts"] for number in range(50)]

    assert len(set(names)) == 50
    assert names == sorted(names)


def test_update_changes_what_was_posted_and_nothing_else(client: WebClient) -> None:
    ts = client.chat_postMessage(channel="C1", text="Hello", thread_ts="1.2")["ts"]

    message = client.chat_update(channel="C1", ts=ts, text="Bye")["message"]

    assert (message["text"], message["thread_ts"], message["ts"]) == ("Bye", "1.2", ts)
    assert refusal(client, "chat.update", channel="C1", ts="1.1", text="Bye") == "message_not_found"


def test_ephemeral_needs_somebody_to_see_it(api: SlackWebApi, client: WebClient) -> None:
    assert client.chat_postEphemeral(channel="C1", user="U1", text="psst")["message_ts"]
    assert refusal(client, "chat.postEphemeral", channel="C1", text="psst") == "user_not_found"
    assert [call.ok for call in api.calls] == [True, False]


def test_a_form_is_the_same_as_json(api: SlackWebApi) -> None:
    body = b"channel=C1&text=Hello&blocks=%5B%7B%22type%22%3A%22divider%22%7D%5D"
    request = Request(f"{api.url}chat.postMessage", body, {"Authorization": f"Bearer {TOKEN}"})
    with urlopen(request, timeout=5) as response:
        assert response.status == 200

    (call,) = api.done("chat.postMessage")
    assert call.arguments == {"channel": "C1", "text": "Hello", "blocks": [{"type": "divider"}]}


@pytest.mark.parametrize(("token", "error"), [("xoxb-other", "invalid_auth"), ("", "not_authed")])
def test_only_its_token_is_let_in(api: SlackWebApi, token: str, error: str) -> None:
    assert refusal(WebClient(token=token, base_url=api.url, retry_handlers=[]), "auth.test") == error
    assert WebClient(token=TOKEN, base_url=api.url).auth_test()["ok"]


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("chat.postMessage", {"text": "Hello"}, "channel_not_found"),
        ("chat.postMessage", {"channel": "C1"}, "no_text"),
        ("chat.postMessage", {"channel": "C1", "blocks": ["Hello"]}, "invalid_blocks"),
        ("chat.sing", {}, "unknown_method"),
    ],
)
def test_refuses_with_slacks_words(client: WebClient, method: str, arguments: dict[str, object], error: str) -> None:
    assert refusal(client, method, **arguments) == error


def test_rate_limits_as_often_as_it_is_told(api: SlackWebApi, client: WebClient) -> None:
    api.fail_next(RATE_LIMITED, times=2)

    for _ in range(2):
        with pytest.raises(SlackApiError) as caught:
            client.chat_postMessage(channel="C1", text="Hello")
        assert caught.value.response.status_code == 429
        assert caught.value.response.headers["Retry-After"] == "1"
    client.chat_postMessage(channel="C1", text="Hello")

    assert [call.status for call in api.calls] == [429, 429, 200]
    assert len(api.done("chat.postMessage")) == 1


def test_faults_can_be_for_one_method_alone(api: SlackWebApi, client: WebClient) -> None:
    api.fail_next(Fault("is_archived"), method="chat.update")

    ts = client.chat_postMessage(channel="C1", text="Hello")["ts"]
    assert refusal(client, "chat.update", channel="C1", ts=ts, text="Bye") == "is_archived"
    assert client.chat_update(channel="C1", ts=ts, text="Bye")["ok"]


def test_nobody_answers_after_close() -> None:
    closed = SlackWebApi(TOKEN)
    closed.close()

    with pytest.raises(OSError, match="refused"):
        WebClient(token=TOKEN, base_url=closed.url, retry_handlers=[]).auth_test()


def refusal(client: WebClient, method: str, **arguments: object) -> str:
    """Return the error that a call is answered with."""
    with pytest.raises(SlackApiError) as caught:
        client.api_call(method, json=arguments)
    return str(caught.value.response["error"])
