"""Database aliases that every thread has, for servers that are not the test database's."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from django.db import connections


@contextmanager
def own_alias(alias: str, **settings: Any) -> Iterator[None]:
    """Let DATABASES have an alias that is like "default" but for `settings`."""
    connections.settings[alias] = deepcopy(connections["default"].settings_dict) | settings
    try:
        yield
    finally:
        connections[alias].close()
        del connections[alias]
        del connections.settings[alias]
