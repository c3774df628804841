"""Rows for the admin to show, a page as its words, and the site's people."""

import html
import json
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from botstate.db.clock import now_us
from botstate.models import ActionSnapshot, Delivery, Receipt, Thread, ThreadLease, ThreadState, Turn

SECOND_US = 1_000_000


class Rows:
    """Makes rows through the models. Ages are seconds before now, by the store's clock."""

    def __init__(self) -> None:
        self.now_us = now_us("default")

    def ago(self, seconds: float) -> int:
        return self.now_us - int(seconds * SECOND_US)

    def thread(self, key: str = "C1:1.1", bot: str = "helper", age: float = 10, **fields: Any) -> Thread:
        times = {"created_us": self.ago(age), "last_event_us": self.ago(age)}
        given = {"platform": "slack", "workspace": "T1", **times, **fields}
        return Thread.objects.create(digest=uuid4(), bot=bot, key=key, **given)

    def state(self, thread: Thread, value: Any, version: int = 1) -> ThreadState:
        text = value if isinstance(value, str) else json.dumps(value)
        return ThreadState.objects.create(thread=thread, value=text, version=version, updated_us=self.ago(150))

    def lease(self, thread: Thread, left: float = 100, **fields: Any) -> ThreadLease:
        given = {"token": "t", "fence": 3, "holder": "worker-a:42", **fields}
        return ThreadLease.objects.create(thread=thread, expires_us=self.ago(-left), **given)

    def turn(
        self, thread: Thread, sequence: int = 1, event: dict[str, Any] | None = None, age: float = 10, **fields: Any
    ) -> Turn:
        given = {"kind": "message", "received_us": self.ago(age), **fields}
        shown = {"user": "U1", "data": {"text": "hello"}} if event is None else event
        return Turn.objects.create(thread=thread, sequence=sequence, event=json.dumps(shown), **given)

    def delivery(self, thread: Thread, text: str = "hi", position: int = 0, **fields: Any) -> Delivery:
        given = {"kind": "post", "payload": json.dumps({"text": text, "blocks": []}), **fields}
        return Delivery.objects.create(thread=thread, position=position, created_us=self.ago(5), **given)

    def action(self, delivery: Delivery, action_id: str = "ck:1", left: float = 3600, **fields: Any) -> ActionSnapshot:
        given = {"component": "Card", "props": '{"ticket_id":7}', "label": "Approve", **fields}
        return ActionSnapshot.objects.create(
            thread_id=delivery.thread_id,
            delivery=delivery,
            action_id=action_id,
            path="[]",
            value="null",
            control="{}",
            created_us=self.ago(5),
            expires_us=self.ago(-left),
            **given,
        )

    def receipt(self, identity: str = "message C1 1.1", age: float = 10, **fields: Any) -> Receipt:
        given = {"bot": "helper", "platform": "slack", "workspace": "T1", **fields}
        return Receipt.objects.create(
            digest=uuid4(), identity=identity, received_us=self.ago(age), expires_us=self.ago(age - 86_400), **given
        )


class Page:
    """A response as a person reads it."""

    def __init__(self, response: Any) -> None:
        self.status = response.status_code
        self.html: str = response.content.decode()
        main = self.html[self.html.find('id="content"') :]
        self.text = _words(main)

    def row(self, start: str) -> str:
        """Return the words of the table row whose heading begins with `start`."""
        rows = [_words(row) for row in re.findall(r"<tr\b.*?</tr>", self.html, re.DOTALL)]
        found = [row for row in rows if row.startswith(start)]
        assert len(found) == 1, f"{len(found)} rows begin with {start!r}: {rows}"
        return found[0]


def _words(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", markup)).split())


@pytest.fixture
def rows(db: None) -> Rows:
    return Rows()


@pytest.fixture
def visit(admin_client: Client) -> Callable[..., Page]:
    def get(path: str, **query: str) -> Page:
        return Page(admin_client.get(f"/admin/botstate/{path}", query))

    return get


@pytest.fixture
def visit_thread(visit: Callable[..., Page]) -> Callable[[Thread], Page]:
    return lambda thread: visit(f"thread/{thread.pk}/change/")


@pytest.fixture
def count_queries(admin_client: Client) -> Callable[[str], int]:
    def count(path: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert admin_client.get(f"/admin/botstate/{path}").status_code == 200
        return len(queries)

    return count


@pytest.fixture
def staff(client: Client, db: None) -> Callable[..., Client]:
    """Log a member of staff in, who has these permissions and no other."""

    def log_in(*codenames: str) -> Client:
        user = User.objects.create_user("staff", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(user)
        return client

    return log_in
