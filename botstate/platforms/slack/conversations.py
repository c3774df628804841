"""A thread's key, as Slack needs it: a channel, and the thread in it if there is one."""


def split_conversation(key: str) -> tuple[str, str | None]:
    """Return (channel, thread ts or None)."""
    channel, _, thread_ts = key.partition(":")
    return channel, thread_ts or None
