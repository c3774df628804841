"""The BOTSTATE setting: its defaults, its shape, and that no secret is shown."""

from threading import Thread
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from botstate.conf import DEFAULT_STORES, SLACK_API_URL, SlackApp, get_settings
from botstate.exceptions import BotStateError, BotStateMisconfigured
from botstate.stores import MemoryStore, store, stores
from botstate.stores.handler import StoreHandler

pytestmark = pytest.mark.once

#: Apart from `stores`, so that a test that hangs in this one leaves that one to the others.
handler = StoreHandler()
DEADLINE_S = 20

APP = {"SIGNING_SECRET": "the signing secret", "BOT_TOKEN": "xoxb-the-token"}


def configured(value: Any) -> Any:
    with override_settings(BOTSTATE=value):
        return get_settings()


def test_an_empty_setting_has_defaults() -> None:
    settings = configured({})
    assert (settings.database, settings.stores, settings.slack) == ("default", DEFAULT_STORES, ())


def test_a_missing_setting_has_defaults(settings: Any) -> None:
    with override_settings(BOTSTATE={}):
        del settings.BOTSTATE
        get_settings.cache_clear()
        assert get_settings().stores == DEFAULT_STORES


def test_every_key_is_read() -> None:
    given = {"DATABASE": "bots", "STORES": {"default": {"BACKEND": "x.Y"}}, "SLACK": APP | {"BOT": "support"}}
    settings = configured(given)
    assert settings.database == "bots"
    assert settings.stores == given["STORES"]
    assert settings.slack == (SlackApp(APP["SIGNING_SECRET"], APP["BOT_TOKEN"], "support", "", SLACK_API_URL),)


def test_slack_may_be_a_list_of_apps() -> None:
    apps = configured(
        {"SLACK": [APP | {"APP_ID": "A1"}, APP | {"APP_ID": "A2", "API_URL": "http://slack.test/"}]}
    ).slack
    assert [app.app_id for app in apps] == ["A1", "A2"]
    assert [app.api_url for app in apps] == [SLACK_API_URL, "http://slack.test/"]
    assert configured({"SLACK": []}).slack == ()


def test_a_change_of_the_setting_is_seen_at_once() -> None:
    before = get_settings()
    assert get_settings() is before, "the setting is read once"
    assert configured({"DATABASE": "other"}).database == "other"
    assert get_settings() == before


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "must be a dict"),
        ([], "must be a dict"),
        ({"STORE": {}}, "'STORE'"),
        ({"SLACK": {"SIGNING_SECRET": "s", "TOKEN": "t"}}, "'TOKEN'"),
        ({"SLACK": {}}, "SIGNING_SECRET"),
        ({"SLACK": {"SIGNING_SECRET": ""}}, "SIGNING_SECRET"),
        ({"SLACK": {"SIGNING_SECRET": " \n"}}, "SIGNING_SECRET"),
        ({"SLACK": {"SIGNING_SECRET": None}}, "SIGNING_SECRET"),
        ({"SLACK": {"SIGNING_SECRET": b"bytes"}}, "SIGNING_SECRET"),
        ({"SLACK": [APP, {"BOT": "support"}]}, "SIGNING_SECRET"),
        ({"SLACK": 7}, "SLACK"),
        ({"SLACK": None}, "SLACK"),
        ({"SLACK": "xoxb-the-token"}, "SLACK"),
        ({"SLACK": [7]}, "SLACK"),
        ({"STORES": ["botstate.stores.OrmStore"]}, "STORES"),
        ({"STORES": {"default": "botstate.stores.OrmStore"}}, "STORES"),
        ({"DATABASE": None}, "DATABASE"),
    ],
)
def test_a_wrong_shape_is_misconfigured_and_says_what(value: Any, said: str) -> None:
    with pytest.raises(BotStateMisconfigured, match=said) as refusal:
        configured(value)
    assert isinstance(refusal.value, ImproperlyConfigured)
    assert not isinstance(refusal.value, BotStateError), "a wrong setting is no error of a message"
    assert "xoxb" not in str(refusal.value), "no secret is told"


def test_no_secret_is_shown() -> None:
    shown = repr(configured({"SLACK": APP}))
    assert "the signing secret" not in shown
    assert "xoxb" not in shown


def test_a_store_that_is_not_configured_is_named() -> None:
    with override_settings(BOTSTATE={}), pytest.raises(BotStateMisconfigured, match=r"'missing'; it has \['default'\]"):
        _ = stores["missing"]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"BACKEND": "botstate.stores.NoSuchStore"}, "names no backend"),
        ({"BACKEND": "no.such.module"}, "names no backend"),
        ({"OPTIONS": {}}, "names no backend"),
        ({"BACKEND": "botstate.stores.OrmStore", "OPTIONS": {"colour": 1}}, "has a wrong option"),
    ],
)
def test_a_wrong_store_is_misconfigured_when_it_is_first_used(entry: dict[str, Any], said: str) -> None:
    with override_settings(BOTSTATE={"STORES": {"default": entry}}), pytest.raises(BotStateMisconfigured, match=said):
        _ = store.kv


def test_one_store_per_alias_and_a_new_one_for_a_new_setting() -> None:
    two = {alias: {"BACKEND": "botstate.stores.OrmStore", "OPTIONS": {"namespace": alias}} for alias in "ab"}
    with override_settings(BOTSTATE={"STORES": two}):
        assert list(stores) == ["a", "b"]
        assert stores["a"] is stores["a"]
        assert stores["a"] is not stores["b"]
        first = stores["a"]
    with override_settings(BOTSTATE={"STORES": two}):
        assert stores["a"] is not first


class Wrapping(MemoryStore):
    """A store that is made around another one."""

    def __init__(self, inner: str) -> None:
        super().__init__()
        self.inner = handler[inner]


def wrapping(inner: str) -> dict[str, Any]:
    return {"BACKEND": f"{__name__}.Wrapping", "OPTIONS": {"inner": inner}}


def test_a_store_may_ask_for_another_one_while_it_is_made() -> None:
    made = []
    two = {"outer": wrapping("inner"), "inner": {"BACKEND": "botstate.stores.MemoryStore"}}
    with override_settings(BOTSTATE={"STORES": two}):
        # In a thread that may be left alone: it waited for its own lock, for ever.
        thread = Thread(target=lambda: made.append(handler["outer"]), daemon=True)
        thread.start()
        thread.join(DEADLINE_S)
        assert made and made[0].inner is handler["inner"]


@pytest.mark.parametrize("inner_of_b", ["a", "b"])
def test_a_store_that_asks_for_itself_is_misconfigured(inner_of_b: str) -> None:
    circle = {"a": wrapping("b"), "b": wrapping(inner_of_b), "good": {"BACKEND": "botstate.stores.MemoryStore"}}
    with override_settings(BOTSTATE={"STORES": circle}):
        for _ in range(2):
            with pytest.raises(BotStateMisconfigured, match=f"{inner_of_b!r}.*asks for itself"):
                _ = handler["a"]
        assert isinstance(handler["good"], MemoryStore), "what cannot be made is in nobody's way"


def test_store_is_the_default_one() -> None:
    with override_settings(BOTSTATE={}):
        assert store.kv is stores["default"].kv
