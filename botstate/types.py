"""Type aliases shared by every layer."""

from datetime import timedelta
from typing import Any

#: What `botstate.exact_json` accepts: None, bool, int, float, str, list and dict with str keys, nested.
Json = Any

#: Seconds (int or float), a timedelta, or a string such as "500ms", "30s", "5m", "12h", "30d".
Duration = int | float | timedelta | str
