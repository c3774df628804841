"""`stores["alias"]`, one store per alias, thread and process; `store` stands for the default one."""

from collections.abc import Iterator
from threading import RLock
from typing import Any

from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from botstate.conf import get_settings
from botstate.contracts.stores import StateStore
from botstate.exceptions import BotStateMisconfigured


class StoreHandler:
    """The stores of BOTSTATE["STORES"] by alias, made when first asked for. Safe to share between threads."""

    def __init__(self) -> None:
        self._stores: dict[str, StateStore] = {}
        # The same thread may come again: a store's constructor may ask for another store, which it stands in front of.
        self._making = RLock()
        self._half_made: set[str] = set()
        setting_changed.connect(self._forget)

    def __getitem__(self, alias: str) -> StateStore:
        found = self._stores.get(alias)
        if found is not None:
            return found
        with self._making:
            if alias not in self._stores:
                self._stores[alias] = self._make_once(alias)
            return self._stores[alias]

    def __iter__(self) -> Iterator[str]:
        return iter(get_settings().stores)

    def _make_once(self, alias: str) -> StateStore:
        if alias in self._half_made:
            raise BotStateMisconfigured(f"BOTSTATE['STORES'][{alias!r}] asks for itself while it is made")
        self._half_made.add(alias)
        try:
            return self._make(alias)
        finally:
            self._half_made.discard(alias)

    def _make(self, alias: str) -> StateStore:
        configured = get_settings().stores
        if alias not in configured:
            raise BotStateMisconfigured(f"BOTSTATE['STORES'] has no store {alias!r}; it has {sorted(configured)}")
        entry = configured[alias]
        try:
            backend = import_string(entry["BACKEND"])
        except (ImportError, KeyError, AttributeError, TypeError) as error:
            raise BotStateMisconfigured(f"BOTSTATE['STORES'][{alias!r}] names no backend: {error}") from error
        try:
            made = backend(**entry.get("OPTIONS", {}))
        except TypeError as error:
            raise BotStateMisconfigured(f"BOTSTATE['STORES'][{alias!r}] has a wrong option: {error}") from error
        if not isinstance(made, StateStore):
            raise BotStateMisconfigured(f"BOTSTATE['STORES'][{alias!r}] names a backend that is no StateStore")
        return made

    def _forget(self, *, setting: str, **kwargs: Any) -> None:
        if setting == "BOTSTATE":
            self._stores.clear()


class StoreProxy:
    """One alias's store, looked up at each use, so that it can be imported before settings are ready."""

    def __init__(self, handler: StoreHandler, alias: str) -> None:
        self._handler = handler
        self._alias = alias

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handler[self._alias], name)
