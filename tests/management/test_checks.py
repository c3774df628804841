"""`manage.py check`: each mistake has its id and a hint, and nothing asks a server."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import connections

from botstate import Bot
from tests.stores.faults.aliases import own_alias

pytestmark = pytest.mark.once

SLACK = {"SIGNING_SECRET": "s", "BOT": "helper"}
STORE = {"BACKEND": "botstate.stores.OrmStore"}
MEMORY = {"BACKEND": "botstate.stores.MemoryStore"}


@pytest.mark.parametrize(
    ("botstate", "expected"),
    [
        ([], "botstate.E001"),
        ({"UNKNOWN": 1}, "botstate.E001"),
        ({"DATABASE": "none such"}, "botstate.E002"),
        ({"STORES": {}}, "botstate.E003"),
        ({"STORES": {"default": {"BACKEND": "no.such.Store"}}}, "botstate.E003"),
        ({"STORES": {"default": {"BACKEND": 5}}}, "botstate.E003"),
        ({"STORES": {"default": STORE | {"OPTIONS": {"colour": "red"}}}}, "botstate.E003"),
        ({"STORES": {"default": STORE | {"OPTIONS": {"using": "none such"}}}}, "botstate.E003"),
        ({"STORES": {"default": STORE | {"OPTIONS": {"namespace": "n" * 256}}}}, "botstate.E003"),
        ({"STORES": {"default": {"BACKEND": "botstate.stores.RedisStore"}}}, "botstate.E003"),
        ({"STORES": {"default": STORE | {"OPTIONS": {"prepare": "no"}}}}, "botstate.E003"),
        ({"STORES": {"default": STORE | {"OPTIONS": {"portable": 1}}}}, "botstate.E003"),
        ({"STORES": {"default": STORE | {"OPTIONS": {"using": ["default"]}}}}, "botstate.E003"),
        ({"STORES": {"default": STORE | {"OPTIONS": {5: 1}}}}, "botstate.E003"),
        ({"STORES": {"default": MEMORY | {"OPTIONS": {"clock": "now"}}}}, "botstate.E003"),
        ({"STORES": {"default": {"BACKEND": "builtins.dict"}}}, "botstate.E003"),
        ({"STORES": {"default": {"BACKEND": "botstate.stores.handler.StoreHandler"}}}, "botstate.E003"),
        ({"STORES": {"default": STORE | {"OPTION": {"using": "default"}}}}, "botstate.E001"),
        ({"STORES": {"default": STORE | {"OPTIONS": None}}}, "botstate.E001"),
        ({"STORES": {"default": STORE | {"OPTIONS": ["using"]}}}, "botstate.E001"),
        ({"STORES": {"default": STORE | {"OPTIONS": "using"}}}, "botstate.E001"),
        ({"STORES": {"default": STORE, 5: STORE}, "CACHES": {"slack": {"STORE": "q"}}}, "botstate.E001"),
        ({"SLACK": SLACK | {"BOT": "none such"}}, "botstate.E005"),
        # The example project's bot is there too, so there is no only one.
        ({"SLACK": {"SIGNING_SECRET": "s"}}, "botstate.E005"),
        ({"SLACK": [SLACK, SLACK]}, "botstate.E006"),
        ({"CACHES": {"slack": {"STORE": "none such"}}}, "botstate.E007"),
        ({"CACHES": []}, "botstate.E001"),
        ({"CACHES": {"slack": True}}, "botstate.E001"),
        ({"CACHES": {"slack": {"PERSIST": True}}}, "botstate.E001"),
        ({"CACHES": {"slack": {"PERSISTENT": "yes"}}}, "botstate.E001"),
        ({"CACHES": {"slack": {"STORE": None}}}, "botstate.E001"),
        ({"CACHES": {"slack": {"TIMEOUT": 0}}}, "botstate.E001"),
        ({"CACHES": {"slack": {"TIMEOUT": 61}}}, "botstate.E001"),
        ({"CACHES": {"slack": {"TIMEOUT": True}}}, "botstate.E001"),
        ({"SLACK": [SLACK, SLACK | {"SIGNING_SECRET": "other"}]}, "botstate.E006"),
    ],
)
def test_each_mistake_has_its_id_and_a_hint(
    make_bot: Callable[..., Bot], settings: Any, botstate: Any, expected: str
) -> None:
    make_bot()
    settings.BOTSTATE = botstate
    found = [message for message in run_checks(tags=["botstate"]) if message.id == expected]
    assert found
    assert all(message.hint for message in found)


@pytest.mark.parametrize("options", [{"bogus": 1}, {"protocol": "three"}], ids=str)
def test_a_redis_alias_whose_connections_cannot_be_made(
    make_bot: Callable[..., Bot], settings: Any, options: dict[str, Any]
) -> None:
    make_bot()
    # No other alias has this URL: django-redis keeps a pool for each.
    where = f"redis://127.0.0.1:6379/0?client_name={'-'.join(options)}"
    pool = {"CONNECTION_POOL_KWARGS": options}
    redis = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": where, "OPTIONS": pool}
    settings.CACHES = settings.CACHES | {"redis": redis}
    store = {"BACKEND": "botstate.stores.RedisStore", "OPTIONS": {"cache": "redis"}}
    settings.BOTSTATE = {"STORES": {"default": store}}
    (found,) = [message for message in run_checks(tags=["botstate"]) if message.id == "botstate.E003"]
    assert "'redis'" in found.msg
    assert found.hint


def test_a_right_setting_is_not_found_fault_with(make_bot: Callable[..., Bot], settings: Any) -> None:
    make_bot()
    settings.BOTSTATE = {"SLACK": [SLACK, SLACK | {"SIGNING_SECRET": "other", "APP_ID": "A2"}]}
    assert run_checks(tags=["botstate"]) == []


def test_two_bots_of_one_name(make_bot: Callable[..., Bot], settings: Any) -> None:
    make_bot()
    Bot("helper")
    settings.BOTSTATE = {"SLACK": SLACK}
    assert [message.id for message in run_checks(tags=["botstate"])] == ["botstate.E004"]


@pytest.mark.needs("sqlite")
def test_sqlite_that_begins_deferred(
    make_bot: Callable[..., Bot], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_bot()
    settings.BOTSTATE = {"SLACK": SLACK}
    monkeypatch.setitem(connections["default"].settings_dict, "OPTIONS", {})
    assert [message.id for message in run_checks(tags=["botstate"])] == ["botstate.W001"]


@pytest.mark.needs("sqlite")
@pytest.mark.parametrize(
    "stores",
    [
        None,
        {"default": STORE},
        {"default": STORE | {"OPTIONS": {"using": "default"}}},
        {"default": MEMORY, "kept": STORE | {"OPTIONS": {"namespace": "kept"}}},
    ],
    ids=["no stores", "no options", "named", "a second one"],
)
def test_a_store_on_sqlite_that_begins_deferred(
    make_bot: Callable[..., Bot], settings: Any, monkeypatch: pytest.MonkeyPatch, stores: Any
) -> None:
    make_bot()
    monkeypatch.setitem(connections["default"].settings_dict, "OPTIONS", {})
    with own_alias("other", OPTIONS={"transaction_mode": "IMMEDIATE"}):
        settings.BOTSTATE = {"DATABASE": "other"} | ({} if stores is None else {"STORES": stores})
        (found,) = run_checks(tags=["botstate"])
        assert found.id == "botstate.W001"
        assert "'default'" in found.msg
        settings.BOTSTATE = {"DATABASE": "other", "STORES": {"default": MEMORY}}
        assert run_checks(tags=["botstate"]) == [], "no store is on it"


@pytest.mark.needs("sqlite")
def test_sqlites_transaction_mode_may_be_in_lower_case(
    make_bot: Callable[..., Bot], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Django writes it in capitals itself."""
    make_bot()
    settings.BOTSTATE = {"SLACK": SLACK}
    for mode, expected in (("immediate", []), ("deferred", ["botstate.W001"]), (None, ["botstate.W001"])):
        monkeypatch.setitem(connections["default"].settings_dict, "OPTIONS", {"transaction_mode": mode})
        assert [message.id for message in run_checks(tags=["botstate"])] == expected, mode
