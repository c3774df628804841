"""A support desk: a mention opens a refund ticket, a button decides it."""

from typing import Any, Literal

import pydantic

from botstate import Bot, bind
from botstate.runtime.messages import Click, IncomingMessage
from botstate.runtime.thread import Thread
from botstate.ui import Actions, Button, Header, Message, Section


class TicketFlow(pydantic.BaseModel):
    """Where a thread's ticket is."""

    stage: Literal["triage", "waiting", "resolved"] = "triage"
    ticket_id: int | None = None
    assignee: str | None = None
    decided_by: str | None = None
    messages: int = 0


bot = Bot("support", state=TicketFlow, on_lock_conflict="queue", lock_ttl=5)


@bot.component
def ApprovalCard(ticket_id: int, amount: float) -> Any:
    """Ask whether a ticket's refund is approved."""
    return Message(
        Header(f"Ticket {ticket_id}"),
        Section(f"Refund *{amount:.2f} €* to the customer?"),
        Actions(
            Button("Approve", on_click=approve, value={"ok": True}, key="approve", style="primary", once=True),
            Button("Hand to on-call", on_click=bind(assign, {"to": "on-call"}), key="assign"),
        ),
    )


@bot.on_mention
def triage(thread: Thread, message: IncomingMessage) -> None:
    """Open a ticket the first time, and say where it is after that."""
    state = thread.state()
    if state.stage == "triage":
        thread.set_state(stage="waiting", ticket_id=7, messages=state.messages + 1)
        thread.post(ApprovalCard(ticket_id=7, amount=12.5))
    else:
        thread.set_state(messages=state.messages + 1)
        thread.post(f"Ticket {state.ticket_id} is {state.stage}.")


def approve(thread: Thread, click: Click) -> None:
    """Close the ticket."""
    if click.value == {"ok": True}:
        thread.set_state(stage="resolved", decided_by=click.user)
        thread.post(f"Ticket {thread.state().ticket_id} was approved by <@{click.user}>.")


def assign(thread: Thread, click: Click, to: str) -> None:
    """Hand the ticket to somebody."""
    thread.set_state(assignee=to)
    thread.post(f"Ticket {thread.state().ticket_id} is with {to}.")
