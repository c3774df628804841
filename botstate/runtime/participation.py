"""Whether a plain message is said where the bot takes part."""

import logging

from botstate.contracts.events import Event, Origin
from botstate.contracts.platforms import Platform, Sent
from botstate.db.transactions import run_statement
from botstate.models import Delivery
from botstate.runtime.addresses import message_digest, thread_digest
from botstate.runtime.platforms import get_platform

logger = logging.getLogger("botstate.runtime")


def takes_part(using: str, event: Event) -> bool:
    """True for a message to the bot alone, and in a conversation in which it has posted, or which its post began.

    What the platform remembers spares a query. What it does not know, because a process is new, or its cache's store is
    away, the messages that were sent say.
    """
    platform = get_platform(event.origin.platform)
    if _is_remembered(platform, event):
        return True
    sent = Delivery.objects.using(using).filter(kind="post", status=Delivery.Status.SENT)
    posted = [sent.filter(thread__digest=thread_digest(event.origin, event.conversation), channel=event.channel)]
    root = platform.root_of(event.conversation)
    if root is not None:
        posted.append(sent.filter(message_digest=message_digest(event.origin, root.channel, root.ref)))
    # Two statements, because no index serves either of two conditions on two tables.
    if not any(run_statement(using, rows.exists) for rows in posted):
        return False
    remember(platform, event.origin, event.conversation)
    return True


def remember(platform: Platform, origin: Origin, conversation: str, sent: Sent | None = None) -> None:
    """Let a platform remember where the bot takes part. Never raises: a message that was sent must not fail for it."""
    try:
        platform.record_participation(origin, conversation, sent)
    except Exception as error:
        _log(origin, error)


def _is_remembered(platform: Platform, event: Event) -> bool:
    try:
        return platform.takes_part(event)
    except Exception as error:
        _log(event.origin, error)
        return False


def _log(origin: Origin, error: Exception) -> None:
    # Without its text, which may quote what people wrote.
    kind = type(error).__qualname__
    logger.error("%s: the memory of where the bot takes part failed with %s", origin.platform, kind)
