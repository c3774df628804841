"""Keyed stores: a collection of JSON values by key, in order of creation, with a bound and times-to-live.

    from botstate.keyed import open_keyed_store

    approvals = open_keyed_store("approvals", max_entries=1_000, default_ttl="24h")
    if approvals.register_if_absent(event_id, {"by": user}):
        ...

Source: OpenClaw's plugin state, `openKeyedStore`.
"""

from botstate.keyed.changing import UNCHANGED
from botstate.keyed.entries import Entry, FoundEntry
from botstate.keyed.opening import open_keyed_store
from botstate.keyed.store import KeyedStore

__all__ = ["UNCHANGED", "Entry", "FoundEntry", "KeyedStore", "open_keyed_store"]
