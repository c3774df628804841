"""Teams: which activities were sent by us."""

from datetime import UTC, datetime

import pydantic

from botstate.caches.cache import MirroredCache
from botstate.caches.values import Frozen, Values, checked_id, joined
from botstate.contracts.stores import StateStore
from botstate.keyed.operations import naming
from botstate.types import Duration

NAMESPACE = "teams.sent-messages"
MAX_ENTRIES = 20_000
TTL = "24h"


class SentMessage(Frozen):
    """What is stored of an activity."""

    sent_at: pydantic.AwareDatetime


class TeamsSentMessages:
    """The activities that we sent lately, so that a reply or reaction to one can be told from others.

    account, conversation, activity: 1 to 300 characters each; space around them is dropped, and so is what follows a
    ";" in a conversation (";messageid=..."), which names a thread in a channel. Accounts are apart.
    max_entries: in memory, 20,000 by default, and, unless `max_persisted` says otherwise, in the store. ttl: 24 hours.
    store: as for `MirroredCache`, which `cache` is. Every method has an `a` twin; a failing store is never raised.
    Source: OpenClaw's sent-message cache of msteams.
    """

    def __init__(
        self,
        *,
        max_entries: int = MAX_ENTRIES,
        max_persisted: int | None = None,
        ttl: Duration = TTL,
        store: str | StateStore | None = None,
    ) -> None:
        self.cache = MirroredCache(
            "teams", NAMESPACE, max_entries=max_entries, max_persisted=max_persisted, ttl=ttl, store=store
        )
        self._values = Values(NAMESPACE, SentMessage)

    def record(self, account: str, conversation: str, activity: str) -> None:
        """Remember that we have sent the activity, now."""
        self.cache.register(_key("record", account, conversation, activity), self._sent_now())

    async def arecord(self, account: str, conversation: str, activity: str) -> None:
        """Async twin of `record`."""
        await self.cache.aregister(_key("record", account, conversation, activity), self._sent_now())

    def was_sent(self, account: str, conversation: str, activity: str) -> bool:
        """True if we have sent the activity within the ttl."""
        return self.sent_at(account, conversation, activity) is not None

    async def awas_sent(self, account: str, conversation: str, activity: str) -> bool:
        """Async twin of `was_sent`."""
        return await self.asent_at(account, conversation, activity) is not None

    def sent_at(self, account: str, conversation: str, activity: str) -> datetime | None:
        """Return when we sent the activity, by the clock of the host that recorded it; None if we did not."""
        sent = self._values.load(self.cache.lookup(_key("sent_at", account, conversation, activity)))
        return None if sent is None else sent.sent_at

    async def asent_at(self, account: str, conversation: str, activity: str) -> datetime | None:
        """Async twin of `sent_at`."""
        sent = self._values.load(await self.cache.alookup(_key("sent_at", account, conversation, activity)))
        return None if sent is None else sent.sent_at

    def close(self, timeout: float = 5.0) -> bool:
        """End the cache's thread, as `MirroredCache.close` does."""
        return self.cache.close(timeout)

    async def aclose(self, timeout: float = 5.0) -> bool:  # noqa: ASYNC109
        """Async twin of `close`."""
        return await self.cache.aclose(timeout)

    def _sent_now(self) -> object:
        return self._values.dump(SentMessage(sent_at=datetime.now(UTC)))


def _key(operation: str, account: str, conversation: str, activity: str) -> str:
    with naming(operation):
        account = checked_id(account, "account")
        whole = checked_id(conversation, "conversation")
        return joined(account, checked_id(whole.partition(";")[0], "conversation"), checked_id(activity, "activity"))
