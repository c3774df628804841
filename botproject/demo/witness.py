"""Looks at what the site answered, what is stored and what was posted, and says whether it is what it should be."""

import time
from http import HTTPStatus
from typing import Any

from botproject.demo.slack_api import Call, SlackWebApi
from botproject.demo.slack_client import Answer
from botproject.demo.stored import Stored
from botproject.demo.timeline import Timeline
from botproject.demo.waiting import StoryEnded, wait_until
from botstate.models import Turn

#: Slack sends an event again that was not answered within this time.
SLACK_WAITS_MS = 3_000
RUN_WITHIN_S = 20


class Witness:
    """The checks that several acts share. What the story cannot go on without raises StoryEnded."""

    def __init__(self, timeline: Timeline, api: SlackWebApi, stored: Stored, channel: str) -> None:
        self._timeline = timeline
        self._api = api
        self._stored = stored
        self._channel = channel
        self._sent_at = 0.0

    def sends(self, who: str, what: str) -> None:
        """Say that something is being sent; the next post is timed from here."""
        self._timeline.event(who, what)
        self._sent_at = time.monotonic()

    def expect_accepted(self, answer: Answer) -> None:
        """Check that the site answered 200 while Slack was waiting."""
        self._say(answer)
        got = f"{answer.status}, {'in time' if answer.ms < SLACK_WAITS_MS else 'late'}"
        self._timeline.check("accepted within Slack's 3 s", got=got, expected="200, in time")
        if answer.status != HTTPStatus.OK:
            raise StoryEnded("all that follows needs this event")

    def expect_refused(self, answer: Answer) -> None:
        """Check that the site answered 401."""
        self._say(answer)
        self._timeline.check("refused", got=answer.status, expected=HTTPStatus.UNAUTHORIZED.value)

    def expect_turn(self, number: int, kind: str, within_s: float = RUN_WITHIN_S) -> Turn:
        """Wait for the end of turn `number`, counted from 1, and of all that hangs on it; check how it ended."""
        turn = wait_until(lambda: self._stored.ended_turn(number), f"the end of turn {number}", within_s)
        waited_ms = ((turn.started_us or 0) - turn.received_us) / 1_000
        self._timeline.event("worker", f"turn {number}, a {turn.kind}, is {turn.status}; it waited {waited_ms:,.0f} ms")
        got = (turn.kind, turn.status, turn.attempts)
        self._timeline.check("run to its end at the first attempt", got=got, expected=(kind, Turn.Status.DONE, 1))
        return turn

    def expect_post(self, number: int, thread_ts: str) -> Call:
        """Return post `number`, counted from 1, after checking that it is the last one, and in the thread."""
        posts = self.posts()
        if len(posts) < number:
            raise StoryEnded(f"{len(posts)} messages were posted, and not {number}")
        post = posts[number - 1]
        after_s = post.at - self._sent_at
        self._timeline.event("worker", f"chat.postMessage, {after_s:.2f} s after the event: “{post.arguments['text']}”")
        got = (len(posts), post.arguments.get("thread_ts"))
        self._timeline.check("one message, in the thread of the mention", got=got, expected=(number, thread_ts))
        return post

    def expect_state(self, **fields: Any) -> None:
        """Check fields of the stored state."""
        state = self._stored.state()
        said = ", ".join(f"{name} {value!r}" for name, value in fields.items())
        self._timeline.check(f"state: {said}", got={name: state.get(name) for name in fields}, expected=fields)

    def expect_counts(self, what: str, before: dict[str, int]) -> None:
        """Check that nothing was stored since `before`."""
        said = ", ".join(f"{name} {number}" for name, number in before.items())
        self._timeline.check(f"{what}: {said}, as before", got=self._stored.counts(), expected=before)

    def posts(self) -> list[Call]:
        """Return what was posted for all to see, in order."""
        return self._api.done("chat.postMessage", channel=self._channel)

    def told(self, user: str) -> list[str]:
        """Return what was posted for one person alone."""
        return [call.arguments["text"] for call in self._api.done("chat.postEphemeral", user=user)]

    def calls(self) -> list[str]:
        """Return the methods that were called for this channel, refused calls too."""
        return [call.method for call in self._api.calls if call.arguments.get("channel") == self._channel]

    def _say(self, answer: Answer) -> None:
        self._timeline.event("site", f"{answer.status} after {answer.ms:.0f} ms")
