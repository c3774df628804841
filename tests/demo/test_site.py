"""The example project's own pages."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def test_the_front_page_leads_to_the_admin_and_names_the_webhooks() -> None:
    page = Client().get("/").content.decode()
    for said in ("/admin/botstate/thread/", "/admin/botstate/receipt/", "/slack/events", "/slack/interactive"):
        assert said in page
