"""The rows of a turn's life: claimed under the lease, ended under it."""

import random
import sysconfig
import traceback
from dataclasses import dataclass
from pathlib import Path

import botstate
from botstate import exact_json
from botstate.actions.snapshots import write_snapshots
from botstate.db.transactions import run_durable
from botstate.models import Delivery, ThreadState, Turn
from botstate.runtime.lease import Lease, require
from botstate.runtime.thread import Post, Thread
from botstate.threads.buffer import StoredState
from botstate.threads.states import write_state

FIRST_BACKOFF_US = 1_000_000
MAX_BACKOFF_US = 60 * 1_000_000
DIED_REASON = "its worker died"
_LIBRARIES = (
    str(Path(botstate.__file__).parent),
    *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
)


@dataclass(frozen=True, slots=True)
class ClaimedTurn:
    """A turn that is ours to run: its event as exact JSON text, and the state that it starts from."""

    id: int
    attempt: int
    event_text: str
    state: StoredState


def start_next_turn(using: str, lease: Lease, now_us: int, max_attempts: int) -> ClaimedTurn | None:
    """Mark the thread's next turn as running and return it, or None when none is due. Under the lease's lock.

    A turn that is found running lost its worker, and is run again, as long as attempts are left; else it is dead.
    """
    turns = Turn.objects.using(using).filter(thread_id=lease.thread_id).open().order_by("sequence")
    while (turn := turns.first()) is not None:
        if turn.attempts < max_attempts:
            return _start(using, lease, turn, now_us) if turn.due_us <= now_us else None
        turn.status, turn.reason, turn.finished_us = Turn.Status.DEAD, DIED_REASON, now_us
        turn.save(using=using, update_fields=["status", "reason", "finished_us"])
    return None


def end_done(using: str, lease: Lease, turn: ClaimedTurn, thread: Thread, retention_us: int) -> list[Delivery]:
    """Store what the turn did, and that it is done, in one fenced transaction; return its posts, to be sent.

    Raises TurnSuperseded, and StateInvalid where a state that moved on meanwhile cannot take the changes; then
    nothing was stored.
    """

    def end() -> list[Delivery]:
        now = require(using, lease)
        write_state(using, lease.thread_id, thread.state_buffer, now)
        deliveries = Delivery.objects.using(using).bulk_create(
            _delivery(lease.thread_id, turn.id, post, now) for post in thread.posts
        )
        controls = zip(deliveries, (post.controls for post in thread.posts), strict=True)
        write_snapshots(using, controls, now, retention_us)
        Turn.objects.using(using).filter(pk=turn.id).update(
            status=Turn.Status.DONE, finished_us=now, error_type="", error_place="", reason=""
        )
        return deliveries

    return run_durable(using, end, "ending a turn")


def end_failed(
    using: str, lease: Lease, turn: ClaimedTurn, error: BaseException, max_attempts: int
) -> Turn.Status | None:
    """Record a failed attempt: tried again after a backoff, or dead after the last one. Raises TurnSuperseded.

    Returns None, and records nothing, where the turn has ended well after all: the error was then that of a
    connection that broke while it brought the answer to the COMMIT.
    """
    is_last = turn.attempt >= max_attempts
    status = Turn.Status.DEAD if is_last else Turn.Status.FAILED

    def end() -> bool:
        now = require(using, lease)
        running = Turn.objects.using(using).filter(pk=turn.id, status=Turn.Status.RUNNING, fence=lease.fence)
        changed = running.update(
            status=status,
            due_us=now + backoff_us(turn.attempt),
            finished_us=now if is_last else None,
            error_type=type(error).__qualname__[:200],
            error_place=place_of(error)[:300],
        )
        return changed > 0

    return status if run_durable(using, end, "ending a turn") else None


def backoff_us(attempt: int) -> int:
    """Return how long to wait after failed attempt number `attempt`: 1 s, doubling up to 60 s, with jitter."""
    longest = min(FIRST_BACKOFF_US * 2 ** (attempt - 1), MAX_BACKOFF_US)
    return random.randint(longest // 2, longest)


def place_of(error: BaseException) -> str:
    """Return "file.py:line in function" of where the error came from; never its message, which may quote people.

    That is the innermost line that is neither botstate's nor a library's, because a bot's author looks for their own.
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(_LIBRARIES)]
    found = (own or frames)[-1:]
    return f"{Path(found[0].filename).name}:{found[0].lineno} in {found[0].name}" if found else ""


def _start(using: str, lease: Lease, turn: Turn, now: int) -> ClaimedTurn:
    turn.status = Turn.Status.RUNNING
    turn.attempts += 1
    turn.fence, turn.started_us = lease.fence, now
    turn.save(using=using, update_fields=["status", "attempts", "fence", "started_us"])
    return ClaimedTurn(turn.pk, turn.attempts, turn.event, _stored_state(using, lease.thread_id))


def _stored_state(using: str, thread_id: int) -> StoredState:
    row = ThreadState.objects.using(using).filter(pk=thread_id).first()
    return StoredState(None, 0) if row is None else StoredState(row.value, row.version)


def _delivery(thread_id: int, turn_id: int, post: Post, now_us: int) -> Delivery:
    return Delivery(
        thread_id=thread_id,
        turn_id=turn_id,
        position=post.position,
        kind=post.kind,
        payload=exact_json.dumps(post.payload, "message"),
        user=post.user,
        channel=post.channel,
        created_us=now_us,
    )
