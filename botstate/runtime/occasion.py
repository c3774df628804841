"""What a handler is called for: one event, in its turn, with everything at hand that answering it takes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from django.db.models import Exists, OuterRef

from botstate.actions.claiming import Action, Claim, claim_action
from botstate.contracts.events import Event
from botstate.db.transactions import run_statement
from botstate.exceptions import ActionExpired
from botstate.models import Delivery, Turn
from botstate.runtime.addresses import message_digest
from botstate.runtime.bot import Bot
from botstate.runtime.calls import Caller
from botstate.runtime.keys import was_posted_with
from botstate.runtime.posts import Posted
from botstate.runtime.thread import Thread
from botstate.runtime.turns import ClaimedTurn


@dataclass
class Occasion:
    """One event in its turn. skipped: the earlier messages that it stands for."""

    using: str
    bot: Bot
    event: Event
    thread: Thread
    turn: ClaimedTurn
    caller: Caller
    skipped: Sequence[Event] = field(default_factory=list)

    @property
    def action_id(self) -> str:
        """The id of the control, modal or shortcut that the event is about."""
        return str(self.event.data.get("action_id") or "")

    @cached_property
    def _found(self) -> tuple[int, bool] | None:
        """The delivery whose message the event is about, and whether it is of this turn's thread; None if none is."""
        if self.turn.posted is not None:
            return self.turn.posted, True
        # The event may have come before the message was marked as sent, and then perhaps to another thread.
        digest = message_digest(self.event.origin, self.event.channel, self.event.ref)
        own = Turn.objects.using(self.using).filter(pk=self.turn.id, thread_id=OuterRef("thread_id"))
        posted = Delivery.objects.using(self.using).filter(message_digest=digest).annotate(is_own=Exists(own))
        return run_statement(self.using, posted.values_list("pk", "is_own").first)

    @property
    def delivery_id(self) -> int | None:
        """The delivery whose message the event is about; None where the bot has not posted it to this thread."""
        return self._found[0] if self._found is not None and self._found[1] else None

    def has_posted(self, key: str) -> bool:
        """True if the bot has posted the event's message with a control of this key that has no handler of its own.

        Whether or not that can still be used. True also where the bot has posted the message to another thread: nothing
        of it is this one's to run. One more statement, or two.
        """
        if self._found is None:
            return False
        delivery_id, is_own = self._found
        return not is_own or was_posted_with(self.using, delivery_id, key)

    @property
    def message(self) -> Posted | None:
        """The handle of the message that the event is about."""
        return None if self.delivery_id is None else Posted.of_delivery(self.delivery_id)

    def claim(self, action_id: str) -> Action:
        """Claim a control of the message. Raises ActionExpired, ActionDenied, ActionConsumed."""
        if self.delivery_id is None:
            raise ActionExpired(f"no message of the bot's has the control {action_id!r:.80}")
        claim = Claim(self.delivery_id, action_id, self.turn.id, self.event.user)
        return claim_action(self.using, claim, self.bot.components)

    def tell(self, text: str) -> None:
        """Say something to the person alone, where they are."""
        self.thread.tell(text, user=self.event.user, channel=self.event.channel)
