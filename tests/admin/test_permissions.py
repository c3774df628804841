"""Read-only for everybody, and seen only by staff who may view."""

from collections.abc import Callable

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory

from botstate import models
from botstate.models import Receipt, Thread
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
