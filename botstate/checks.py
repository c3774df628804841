"""`manage.py check`: what is wrong with the settings, with an id and a hint. No I/O."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from celery import current_app
from django.apps import AppConfig
from django.core import checks
from django.core.checks import CheckMessage, Error, register
from django.db import DEFAULT_DB_ALIAS, connections

from botstate.conf import Settings, get_settings
from botstate.exceptions import BotStateMisconfigured
from botstate.runtime.registry import bots
from botstate.stores import OrmStore, stores


@register("botstate")
def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """E001 to E007, W001, W002."""
    try:
        settings = get_settings()
    except BotStateMisconfigured as error:
        return [Error(str(error), hint="See docs/settings.md.", id="botstate.E001")]
    return [
        *_check_database(settings),
        *_check_stores(settings),
        *_check_caches(settings),
        *_check_bots(settings),
        *_check_beat(),
    ]


def _check_database(settings: Settings) -> list[CheckMessage]:
    if settings.database not in connections:
        return [
            Error(
                f"BOTSTATE['DATABASE'] is {settings.database!r}, which DATABASES does not have.",
                hint="Name an alias of DATABASES.",
                id="botstate.E002",
            )
        ]
    return [_check_sqlite(alias) for alias in _database_aliases(settings) if _begins_deferred(alias)]


def _database_aliases(settings: Settings) -> list[str]:
    """Return the runtime's database and those of the stores, each once."""
    return sorted({settings.database, *_databases_of_stores(settings)})


def _databases_of_stores(settings: Settings) -> Iterator[str]:
    for alias, entry in settings.stores.items():
        # `_check_stores` tells of those that cannot be made.
        with suppress(BotStateMisconfigured, ValueError):
            if isinstance(stores[alias], OrmStore):
                yield entry.get("OPTIONS", {}).get("using", DEFAULT_DB_ALIAS)


def _begins_deferred(alias: str) -> bool:
    configured = connections[alias].settings_dict
    is_sqlite = configured["ENGINE"].endswith("sqlite3")
    # Django itself writes the mode in capitals.
    return bool(is_sqlite and str(configured["OPTIONS"].get("transaction_mode")).upper() != "IMMEDIATE")


def _check_sqlite(alias: str) -> CheckMessage:
    return checks.Warning(
        f"The SQLite database {alias!r} does not begin its transactions IMMEDIATE.",
        hint='Set OPTIONS to {"transaction_mode": "IMMEDIATE", "timeout": 2, ...}; see docs/settings.md.',
        id="botstate.W001",
    )


def _check_stores(settings: Settings) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if "default" not in settings.stores:
        found.append(
            Error("BOTSTATE['STORES'] has no 'default'.", hint="`botstate.store` is that one.", id="botstate.E003")
        )
    for alias in settings.stores:
        try:
            stores[alias]
        except (BotStateMisconfigured, ValueError) as error:
            found.append(Error(str(error), hint="See docs/settings.md.", id="botstate.E003"))
    return found


def _check_caches(settings: Settings) -> list[CheckMessage]:
    return [
        Error(
            f"BOTSTATE['CACHES'][{channel!r}] names the store {caches.store!r}, which STORES does not have.",
            hint=f"Name one of {', '.join(map(repr, sorted(settings.stores)))} as its STORE.",
            id="botstate.E007",
        )
        for channel, caches in settings.caches.items()
        if caches.store not in settings.stores
    ]


def _check_bots(settings: Settings) -> list[CheckMessage]:
    found: list[CheckMessage] = [
        Error(f"Two bots are named {name!r}.", hint="Give each Bot a name of its own.", id="botstate.E004")
        for name in sorted(bots.duplicates)
    ]
    claimed: set[tuple[str, str]] = set()
    for app in settings.slack:
        try:
            bot_name = bots.for_app(app.bot).name
        except BotStateMisconfigured as error:
            found.append(Error(str(error), hint="Set BOT in BOTSTATE['SLACK'] to a bot's name.", id="botstate.E005"))
            continue
        claims = {("secret", app.signing_secret), (f"bot {bot_name}", app.app_id)}
        if claims & claimed:
            found.append(
                Error(
                    "Two entries of BOTSTATE['SLACK'] claim one app.",
                    hint="Give each app once; where one bot has several apps, give each its APP_ID.",
                    id="botstate.E006",
                )
            )
        claimed |= claims
    return found


def _check_beat() -> list[CheckMessage]:
    scheduled = {entry.get("task") for entry in (current_app.conf.beat_schedule or {}).values()}
    if "botstate.redeliver" in scheduled:
        return []
    return [
        checks.Warning(
            "Celery's beat_schedule does not run botstate.redeliver.",
            hint="Add botstate.tasks.BEAT_SCHEDULE to it: what a dead worker left waits for ever without it.",
            id="botstate.W002",
        )
    ]
