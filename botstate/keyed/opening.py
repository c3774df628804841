"""Opening a keyed store."""

from botstate.contracts.stores import StateStore
from botstate.keyed.operations import naming
from botstate.keyed.store import KeyedStore, Overflow
from botstate.types import Duration


def open_keyed_store(
    namespace: str,
    max_entries: int | None = None,
    default_ttl: Duration | None = None,
    overflow: Overflow = "evict-oldest",
    retained: bool = False,
    *,
    store: str | StateStore = "default",
) -> KeyedStore:
    """Open the entries of `namespace`; made without any I/O, and as often as you like.

    namespace: 1 to 255 characters. Namespaces of one store are apart; a bound is a namespace's own.
    max_entries: at least 1, the most live entries that there are after a write; None for no bound.
    default_ttl: a duration, for writes that name none; None lets them live until they are removed.
    overflow: what a new entry does to a full namespace: "evict-oldest" drops what was written longest ago,
    "reject-new" makes it raise LimitExceeded, and still lets live entries be written anew.
    retained: for what must not be dropped: there is no bound and no ttl, and an entry with either is a ValueError.
    Retained entries are apart from others of the same namespace, so that nothing can evict them.
    store: an alias of BOTSTATE["STORES"], or a store.
    Raises ValueError for a bad argument. A store that is not there, or has no keyed entries, is BotStateMisconfigured
    when it is first used.
    """
    with naming("open"):
        return KeyedStore(namespace, max_entries, default_ttl, overflow, retained, store=store)
