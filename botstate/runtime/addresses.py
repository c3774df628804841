"""The digests by which events, threads and messages are found; origin first, so that workspaces are apart."""

from uuid import UUID

from botstate.contracts.addresses import digest_of
from botstate.contracts.events import Origin


def receipt_digest(origin: Origin, identity: str) -> UUID:
    """Return what makes an event's receipt unique."""
    return digest_of("receipt", origin.bot, origin.platform, origin.app, origin.workspace, identity)


def thread_digest(origin: Origin, conversation: str) -> UUID:
    """Return what makes a thread unique."""
    return digest_of("thread", origin.bot, origin.platform, origin.app, origin.workspace, conversation)


def message_digest(origin: Origin, channel: str, ref: str) -> UUID:
    """Return what a click finds its message's delivery by."""
    return digest_of("message", origin.bot, origin.platform, origin.app, origin.workspace, channel, ref)
