"""Fifty processes that use one control at once: `python -m tests.runtime.fifty ORDER`, whose JSON the test writes.

The process that forks them was started anew, and never had the database open: what it opened before, SQLite's record of
locks among it, would be theirs too, and SQLite forbids that.
"""

import json
import multiprocessing
import os
import sys
from typing import Any

PROCESSES = 50
WITHIN_S = 60


def define_card(bot: Any, is_whole_message: bool) -> Any:
    """Define the message that is clicked on."""
    from botstate.ui import Actions, Button, Message

    @bot.component
    def Card() -> Any:
        buttons = [Button(f"B{n}", on_click=nothing, key=f"b{n}", once=not is_whole_message) for n in range(2)]
        return Message(Actions(buttons), once=is_whole_message)

    return Card


def nothing(thread: Any, click: Any) -> None: ...


def claim(bot: Any, order: dict[str, Any], number: int, barrier: Any, outcomes: Any) -> None:
    """Claim a control when every process is there, and say how that went."""
    from botstate.actions.claiming import Claim, claim_action
    from botstate.db.transactions import run_statement
    from botstate.exceptions import ActionConsumed
    from botstate.models import Delivery

    controls = order["controls"]
    try:
        run_statement("default", Delivery.objects.count)
        barrier.wait(WITHIN_S)
        claimed = Claim(order["delivery"], controls[number % len(controls)], 1000 + number, "U1")
        claim_action("default", claimed, bot.components)
        outcomes.put(claimed.turn_id)
    except ActionConsumed:
        outcomes.put("consumed")
    except BaseException as error:
        outcomes.put(f"{error!r} from {error.__cause__!r}")


def main() -> None:
    """Write the outcomes as JSON."""
    from tests.caches.registry_process import configure

    order = json.loads(sys.argv[1])
    configure(json.loads(os.environ["BOTSTATE_RACE_DATABASE"]))
    from botstate import Bot

    bot = Bot("helper")
    define_card(bot, order["is_whole_message"])
    fork = multiprocessing.get_context("fork")
    barrier, outcomes = fork.Barrier(PROCESSES), fork.Queue()
    processes = [fork.Process(target=claim, args=(bot, order, n, barrier, outcomes)) for n in range(PROCESSES)]
    for process in processes:
        process.start()
    sys.stdout.write(json.dumps([outcomes.get(timeout=2 * WITHIN_S) for _ in processes]))
    for process in processes:
        process.join(WITHIN_S)


if __name__ == "__main__":
    main()
