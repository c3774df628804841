"""Read-only for everybody, and seen only by staff who may view."""

from collections.abc import Callable

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client, RequestFactory

from botstate import models
from botstate.models import Receipt, Thread, Turn
from tests.admin.conftest import Rows

LogIn = Callable[..., Client]


@pytest.fixture
def paths(rows: Rows) -> dict[str, list[str]]:
    thread, receipt = rows.thread(), rows.receipt()
    return {
        "thread": ["thread/", f"thread/{thread.pk}/change/"],
        "receipt": ["receipt/", f"receipt/{receipt.pk}/change/"],
    }


@pytest.mark.parametrize("model", ["thread", "receipt"])
def test_staff_see_what_they_may_view(staff: LogIn, paths: dict[str, list[str]], model: str) -> None:
    client = staff(f"view_{model}")
    other = "receipt" if model == "thread" else "thread"
    assert [client.get(f"/admin/botstate/{path}").status_code for path in paths[model]] == [200, 200]
    assert [client.get(f"/admin/botstate/{path}").status_code for path in paths[other]] == [403, 403]


def test_staff_without_permission_see_nothing(staff: LogIn, paths: dict[str, list[str]]) -> None:
    client = staff()
    for path in (*paths["thread"], *paths["receipt"]):
        assert client.get(f"/admin/botstate/{path}").status_code == 403
    assert "Botstate" not in client.get("/admin/").content.decode()


def test_permission_to_change_alone_shows_nothing_to_change(staff: LogIn, paths: dict[str, list[str]]) -> None:
    client = staff("add_thread", "change_thread", "delete_thread")
    assert client.get("/admin/botstate/thread/add/").status_code == 403
    assert client.post(f"/admin/botstate/{paths['thread'][1]}", {"key": "x"}).status_code == 403


def test_a_dead_turn_is_run_again_by_those_who_may(staff: LogIn, rows: Rows) -> None:
    thread = rows.thread()
    dead, done = rows.turn(thread, 1, status="dead", attempts=5), rows.turn(thread, 2, status="done")
    page = f"/admin/botstate/thread/{thread.pk}/change/"
    replay = f"/admin/botstate/thread/{thread.pk}/turns/{{}}/replay/"
    viewer = staff("view_thread")
    assert "Run again" not in viewer.get(page).content.decode()
    assert viewer.post(replay.format(dead.pk)).status_code == 403
    dead.refresh_from_db()
    assert dead.status == "dead"

    operator = staff_again(viewer, "view_thread", "change_turn")
    assert operator.get(page).content.decode().count("Run again") == 1
    assert operator.get(replay.format(dead.pk)).status_code == 405
    assert operator.post(replay.format(dead.pk), follow=True).redirect_chain == [(page, 302)]
    assert "neither dead nor dropped" in operator.post(replay.format(done.pk), follow=True).content.decode()
    assert operator.post(replay.format(123456)).status_code == 404
    assert operator.post(f"/admin/botstate/thread/123456/turns/{dead.pk}/replay/").status_code == 404
    assert [turn.status for turn in Turn.objects.order_by("sequence")] == ["waiting", "done"]


def staff_again(client: Client, *codenames: str) -> Client:
    """Give the person who is logged in these permissions instead."""
    person = User.objects.get(username="staff")
    person.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return client


def test_strangers_are_sent_to_the_login(client: Client, paths: dict[str, list[str]]) -> None:
    for path in (*paths["thread"], *paths["receipt"]):
        response = client.get(f"/admin/botstate/{path}")
        assert response.status_code == 302
        assert response["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("model", ["thread", "receipt"])
def test_nobody_changes_anything(admin_client: Client, paths: dict[str, list[str]], model: str) -> None:
    listed, page = (f"/admin/botstate/{path}" for path in paths[model])
    assert admin_client.get(f"{listed}add/").status_code == 403
    assert admin_client.post(f"{listed}add/", {"key": "x"}).status_code == 403
    assert admin_client.post(page, {"key": "changed", "identity": "changed"}).status_code == 403
    assert admin_client.get(page.replace("change", "delete")).status_code == 403
    assert admin_client.post(page.replace("change", "delete"), {"post": "yes"}).status_code == 403
    chosen = page.split("/")[-3]
    admin_client.post(listed, {"action": "delete_selected", "_selected_action": chosen, "post": "yes"})
    assert Thread.objects.get().key == "C1:1.1"
    assert Receipt.objects.get().identity == "message C1 1.1"


def test_pages_offer_nothing_to_submit(admin_client: Client, paths: dict[str, list[str]]) -> None:
    for path in (*paths["thread"], *paths["receipt"]):
        html = admin_client.get(f"/admin/botstate/{path}").content.decode()
        main = html[html.find('id="content"') :]
        for offer in ("_save", "deletelink", "addlink", "action-checkbox", 'name="action"'):
            assert offer not in main


@pytest.mark.once
def test_superusers_are_no_exception() -> None:
    request = RequestFactory().get("/")
    for model in (models.Thread, models.Receipt):
        shown = admin.site.get_model_admin(model)
        assert not shown.has_add_permission(request)
        assert not shown.has_change_permission(request)
        assert not shown.has_delete_permission(request)
