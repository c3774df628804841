"""The BOTSTATE setting, read once, typed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

from botstate.exceptions import BotStateMisconfigured

DEFAULT_STORES = {"default": {"BACKEND": "botstate.stores.OrmStore"}}
MAX_APP_ID_CHARACTERS = 64
MAX_TIMEOUT_S = 60
SLACK_API_URL = "https://slack.com/api/"


@dataclass(frozen=True)
class SlackApp:
    """One Slack app: whose requests are accepted, and which bot they are for."""

    signing_secret: str = field(repr=False)
    bot_token: str = field(repr=False, default="")
    bot: str | None = None
    app_id: str = ""
    api_url: str = SLACK_API_URL


@dataclass(frozen=True)
class ChannelCaches:
    """How the caches of one channel are kept. store: an alias of STORES. timeout_s: for one call to it."""

    persistent: bool = False
    store: str = "default"
    timeout_s: float = 1.0


@dataclass(frozen=True)
class Settings:
    """BOTSTATE with its defaults filled in."""

    database: str
    stores: Mapping[str, Mapping[str, Any]]
    slack: tuple[SlackApp, ...]
    caches: Mapping[str, ChannelCaches]

    def cache(self, channel: str) -> ChannelCaches:
        """Return how the caches of `channel` are kept; in memory alone where CACHES does not name it."""
        return self.caches.get(channel, _IN_MEMORY)


_IN_MEMORY = ChannelCaches()


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Return the BOTSTATE setting. Raises BotStateMisconfigured where its shape is wrong."""
    raw = getattr(settings, "BOTSTATE", {})
    if not isinstance(raw, Mapping):
        raise BotStateMisconfigured("BOTSTATE must be a dict")
    unknown = set(raw) - {"DATABASE", "STORES", "SLACK", "CACHES"}
    if unknown:
        raise BotStateMisconfigured(f"BOTSTATE has unknown keys: {', '.join(sorted(map(repr, unknown)))}")
    return Settings(
        database=_database(raw.get("DATABASE", "default")),
        stores=_stores(raw.get("STORES", DEFAULT_STORES)),
        slack=_slack_apps(raw.get("SLACK", ())),
        caches=_caches(raw.get("CACHES", {})),
    )


def _database(raw: Any) -> str:
    if not isinstance(raw, str):
        raise BotStateMisconfigured("BOTSTATE['DATABASE'] must be an alias of DATABASES")
    return raw


def _stores(raw: Any) -> Mapping[str, Mapping[str, Any]]:
    if not isinstance(raw, Mapping) or not all(isinstance(entry, Mapping) for entry in raw.values()):
        raise BotStateMisconfigured("BOTSTATE['STORES'] must be a dict of dicts")
    for alias, entry in raw.items():
        _check_store(alias, entry)
    return raw


def _check_store(alias: Any, entry: Mapping[str, Any]) -> None:
    where = f"BOTSTATE['STORES'][{alias!r}]"
    if not isinstance(alias, str):
        raise BotStateMisconfigured(f"{where}: a store's alias must be text")
    unknown = set(entry) - {"BACKEND", "OPTIONS"}
    if unknown:
        raise BotStateMisconfigured(f"{where} has unknown keys: {', '.join(sorted(map(repr, unknown)))}")
    if not isinstance(entry.get("OPTIONS", {}), Mapping):
        raise BotStateMisconfigured(f"{where}['OPTIONS'] must be a dict")


def _slack_apps(raw: Any) -> tuple[SlackApp, ...]:
    entries = [raw] if isinstance(raw, Mapping) else raw
    if not isinstance(entries, list | tuple) or not all(isinstance(entry, Mapping) for entry in entries):
        raise BotStateMisconfigured("BOTSTATE['SLACK'] must be a dict, or a list of dicts")
    return tuple(_slack_app(entry) for entry in entries)


def _slack_app(entry: Mapping[str, Any]) -> SlackApp:
    fields = {"SIGNING_SECRET", "BOT_TOKEN", "BOT", "APP_ID", "API_URL"}
    unknown = set(entry) - fields
    if unknown:
        raise BotStateMisconfigured(f"BOTSTATE['SLACK'] has unknown keys: {', '.join(sorted(map(repr, unknown)))}")
    secret = entry.get("SIGNING_SECRET")
    if not isinstance(secret, str) or not secret or secret != secret.strip():
        raise BotStateMisconfigured(
            "BOTSTATE['SLACK'] needs a SIGNING_SECRET that is not empty, with no space around it"
        )
    for name in ("BOT_TOKEN", "APP_ID", "API_URL"):
        if name in entry and not isinstance(entry[name], str):
            raise BotStateMisconfigured(f"BOTSTATE['SLACK'][{name!r}] must be text")
    if len(entry.get("APP_ID", "")) > MAX_APP_ID_CHARACTERS:
        raise BotStateMisconfigured(f"BOTSTATE['SLACK']['APP_ID'] may have at most {MAX_APP_ID_CHARACTERS} characters")
    if not entry.get("API_URL", SLACK_API_URL).startswith(("http://", "https://")):
        raise BotStateMisconfigured("BOTSTATE['SLACK']['API_URL'] must be an http or https URL")
    return SlackApp(**{name.lower(): value for name, value in entry.items()})


def _caches(raw: Any) -> Mapping[str, ChannelCaches]:
    if not isinstance(raw, Mapping) or not all(isinstance(entry, Mapping) for entry in raw.values()):
        raise BotStateMisconfigured("BOTSTATE['CACHES'] must be a dict of dicts, one per channel")
    return {channel: _channel_caches(channel, entry) for channel, entry in raw.items()}


def _channel_caches(channel: Any, entry: Mapping[str, Any]) -> ChannelCaches:
    where = f"BOTSTATE['CACHES'][{channel!r}]"
    unknown = set(entry) - {"PERSISTENT", "STORE", "TIMEOUT"}
    if unknown:
        raise BotStateMisconfigured(f"{where} has unknown keys: {', '.join(sorted(map(repr, unknown)))}")
    defaults = ChannelCaches()
    persistent = entry.get("PERSISTENT", defaults.persistent)
    if not isinstance(persistent, bool):
        raise BotStateMisconfigured(f"{where}['PERSISTENT'] must be True or False")
    store = entry.get("STORE", defaults.store)
    if not isinstance(store, str):
        raise BotStateMisconfigured(f"{where}['STORE'] must be an alias of BOTSTATE['STORES']")
    timeout_s = entry.get("TIMEOUT", defaults.timeout_s)
    if isinstance(timeout_s, bool) or not isinstance(timeout_s, int | float) or not 0 < timeout_s <= MAX_TIMEOUT_S:
        raise BotStateMisconfigured(f"{where}['TIMEOUT'] must be seconds, more than 0 and at most {MAX_TIMEOUT_S}")
    return ChannelCaches(persistent, store, float(timeout_s))


@receiver(setting_changed)
def _forget_settings(*, setting: str, **kwargs: Any) -> None:
    if setting == "BOTSTATE":
        get_settings.cache_clear()
