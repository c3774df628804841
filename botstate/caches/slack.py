"""Slack: the threads in which the bot takes part."""

from botstate.caches.cache import MirroredCache
from botstate.caches.values import joined
from botstate.contracts.addresses import check_text
from botstate.contracts.stores import StateStore
from botstate.keyed.operations import naming

IN_MEMORY = 5_000
PERSISTED = 1_000
MAX_ID_CHARACTERS = 200


class SlackThreadParticipation:
    """Which threads the bot has spoken in, without a ttl.

    account: whose participation it is, such as the bot's name. team: the workspace; without it two workspaces of an
    organisation could be taken for one. channel, thread_ts: Slack's. Each is text of 1 to 200 characters, else
    BadArgument. max_entries: in memory, 5,000 by default. max_persisted: in the store, 1,000. store: as for
    `MirroredCache`, which `cache` is; see there for what is persisted, and what a failing store means.
    Source: OpenClaw's Slack thread participation.
    """

    def __init__(
        self,
        *,
        max_entries: int = IN_MEMORY,
        max_persisted: int = PERSISTED,
        store: str | StateStore | None = None,
    ) -> None:
        self.cache = MirroredCache(
            "slack", "slack.thread-participation", max_entries=max_entries, max_persisted=max_persisted, store=store
        )

    def record(self, account: str, team: str, channel: str, thread_ts: str) -> None:
        """Remember that the bot has taken part in the thread."""
        self.cache.register(_key("record", account, team, channel, thread_ts), True)

    async def arecord(self, account: str, team: str, channel: str, thread_ts: str) -> None:
        """Async twin of `record`."""
        await self.cache.aregister(_key("record", account, team, channel, thread_ts), True)

    def has_participated(self, account: str, team: str, channel: str, thread_ts: str) -> bool:
        """True if the bot is known to have taken part in the thread."""
        return self.cache.lookup(_key("has_participated", account, team, channel, thread_ts)) is True

    async def ahas_participated(self, account: str, team: str, channel: str, thread_ts: str) -> bool:
        """Async twin of `has_participated`."""
        return await self.cache.alookup(_key("has_participated", account, team, channel, thread_ts)) is True

    def forget(self) -> None:
        """Empty the memory, as a restart does."""
        self.cache.forget()

    def close(self, timeout: float = 5.0) -> bool:
        """End the cache's thread, as `MirroredCache.close` does."""
        return self.cache.close(timeout)

    async def aclose(self, timeout: float = 5.0) -> bool:  # noqa: ASYNC109
        """Async twin of `close`."""
        return await self.cache.aclose(timeout)


def _key(operation: str, account: str, team: str, channel: str, thread_ts: str) -> str:
    parts = {"account": account, "team": team, "channel": channel, "thread_ts": thread_ts}
    with naming(operation):
        for name, part in parts.items():
            check_text(part, name, MAX_ID_CHARACTERS)
    return joined(account, team, channel, thread_ts)


#: What the Slack runtime knows in this process.
participation = SlackThreadParticipation()
