"""Where the changes and posts of a turn go: into a buffer until the turn ends, or into the database at once."""

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

from botstate import exact_json
from botstate.actions.resolving import hot_controls
from botstate.actions.snapshots import drop_oldest, refresh_snapshots, write_snapshots
from botstate.db.transactions import run_durable, run_statement
from botstate.exceptions import StateConflict, StateInvalid
from botstate.models import Delivery
from botstate.runtime.choices import store_choice
from botstate.runtime.lease import Lease, require_to_refer
from botstate.runtime.posts import Post, Posted
from botstate.threads.buffer import StateBuffer, StoredState
from botstate.threads.schema import StateSchema
from botstate.threads.states import read_state, run_and_write, write_state

logger = logging.getLogger("botstate.runtime")

#: The oldest go beyond that; a click on one of them has expired.
MAX_CONTROLS_PER_THREAD = 2_000
Change = Callable[[StateBuffer], None]


class Journal(ABC):
    """What a turn has done. `state` holds the thread's state with the turn's own changes.

    The threads of a handler may share it: what they do is done one at a time.
    """

    #: True if its methods wait for the database or the platform.
    does_io: ClassVar[bool]

    def __init__(self, turn_id: int, state: StateBuffer) -> None:
        self.turn_id = turn_id
        self.state = state
        self._next_position = 0
        self._lock = threading.RLock()

    def change_state(self, change: Change) -> None:
        """Make a change of the state. Raises what it raises, StateInvalid, StateConflict, TurnSuperseded."""
        with self._lock:
            self._change_state(change)

    def add(self, make: Callable[[int], Post]) -> Posted:
        """Take the post that `make` returns for its position, and return its handle."""
        with self._lock:
            post = make(self._next_position)
            self._next_position += 1
            self._add(post)
        return Posted.of_turn(self.turn_id, post.position)

    @abstractmethod
    def _change_state(self, change: Change) -> None: ...

    @abstractmethod
    def _add(self, post: Post) -> None: ...


class BufferedJournal(Journal):
    """Keeps everything until `store`. A message of the turn's own is changed where it lies, for nobody has seen it."""

    does_io = False

    def __init__(self, turn_id: int, state: StateBuffer) -> None:
        super().__init__(turn_id, state)
        self._posts: dict[Posted, Post] = {}
        self._changes: dict[Posted, Posted] = {}

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to store."""
        return not self._posts and not self.state.is_changed

    def _change_state(self, change: Change) -> None:
        change(self.state)

    def store(self, using: str, lease: Lease, now_us: int, retention_us: int) -> list[tuple[Delivery, Post]]:
        """Store state and posts; belongs in the turn's fenced transaction, as `write_state` does, and raises as it."""
        write_state(using, lease.thread_id, self.state, now_us)
        return store_posts(
            using, lease.thread_id, self.turn_id, list(self._posts.values()), now_us=now_us, retention_us=retention_us
        )

    def _add(self, post: Post) -> None:
        made = Posted.of_turn(self.turn_id, post.position)
        if post.target is None:
            self._posts[made] = post
        elif post.target in self._posts:
            self._change_own(post.target, post)
        else:
            # Of several changes of one message that was sent before, the last is all that people need to see.
            earlier = self._posts.get(self._changes.get(post.target, made))
            if earlier is not None and earlier.kind == "delete":
                # What is deleted stays so; the platform will say that it cannot be changed.
                del self._changes[post.target]
            self._posts[self._changes.setdefault(post.target, made)] = post

    def _change_own(self, own: Posted, post: Post) -> None:
        if post.kind == "delete":
            del self._posts[own]
        else:
            self._posts[own] = replace(self._posts[own], payload=post.payload, controls=post.controls)


class ImmediateJournal(Journal):
    """Makes each write a fenced transaction of its own, and sends what it posts with `send_due`; then calls `rest`.

    A turn that runs again posts nothing twice: what it posted at the same position before stands. After a change that
    was refused, the state reads as it is stored then.
    """

    does_io = True

    def __init__(
        self,
        turn_id: int,
        schema: StateSchema,
        stored: StoredState,
        *,
        using: str,
        lease: Lease,
        retention_us: int,
        send_due: Callable[[], None],
        rest: Callable[[], None],
    ) -> None:
        super().__init__(turn_id, StateBuffer(schema, stored))
        self._stored = stored
        self._using = using
        self._lease = lease
        self._schema = schema
        self._retention_us = retention_us
        self._send_due = send_due
        self._rest = rest

    def _change_state(self, change: Change) -> None:
        try:
            self._hold(self._write_state(change))
        except (StateConflict, StateInvalid):
            # The handler would meet the same again, if it could not see what is stored now.
            self._hold(run_statement(self._using, lambda: read_state(self._using, self._lease.thread_id)))
            raise
        finally:
            self._rest()

    def _write_state(self, change: Change) -> StoredState:
        changed = StateBuffer(self._schema, self._stored)
        change(changed)

        def write() -> StoredState | None:
            now = require_to_refer(self._using, self._lease)
            return write_state(self._using, self._lease.thread_id, changed, now)

        return run_and_write(self._using, changed, write, "changing a thread's state") or self._stored

    def _hold(self, stored: StoredState) -> None:
        if stored != self._stored:
            self._stored, self.state = stored, StateBuffer(self._schema, stored)

    def _add(self, post: Post) -> None:
        def write() -> list[tuple[Delivery, Post]]:
            now = require_to_refer(self._using, self._lease)
            posted = Delivery.objects.using(self._using).filter(turn_id=self.turn_id, position=post.position).first()
            if posted is not None:
                _note_difference(posted, post)
                return []
            return store_posts(
                self._using, self._lease.thread_id, self.turn_id, [post], now_us=now, retention_us=self._retention_us
            )

        remember_controls(run_durable(self._using, write, "posting a message"))
        self._send_due()
        self._rest()


def store_posts(
    using: str, thread_id: int, turn_id: int, posts: Sequence[Post], *, now_us: int, retention_us: int
) -> list[tuple[Delivery, Post]]:
    """Store posts as deliveries, with the snapshots of their controls; belongs in the turn's fenced transaction.

    The controls of an update are those of the message that it changes.
    """
    rows = Delivery.objects.using(using)
    stored = []
    for post in posts:
        target = None if post.target is None else rows.filter(thread_id=thread_id, **post.target.named()).first()
        stored.append((_delivery(thread_id, turn_id, post, target, now_us), post, target))
    rows.bulk_create([delivery for delivery, _, _ in stored])
    fresh = [(delivery, post) for delivery, post, target in stored if target is None]
    # What is asked can be answered for as long as it is waited for.
    longest_us = max([retention_us, *(post.choice.timeout_us or 0 for _, post in fresh if post.choice)])
    write_snapshots(using, [(delivery, post.controls) for delivery, post in fresh], now_us, longest_us)
    for delivery, post in fresh:
        if post.choice is not None:
            store_choice(using, delivery, post.choice, now_us)
    changed = [(target, post.controls) for _, post, target in stored if target is not None]
    refresh_snapshots(using, changed, now_us, retention_us)
    if any(post.controls for post in posts):
        drop_oldest(using, thread_id, MAX_CONTROLS_PER_THREAD)
    return [(target or delivery, post) for delivery, post, target in stored]


def remember_controls(stored: Sequence[tuple[Delivery, Post]]) -> None:
    """Keep the handlers of posted controls at hand in this process."""
    for delivery, post in stored:
        for control in post.controls:
            hot_controls.remember(delivery.pk, control)


def _delivery(thread_id: int, turn_id: int, post: Post, target: Delivery | None, now_us: int) -> Delivery:
    return Delivery(
        thread_id=thread_id,
        turn_id=turn_id,
        position=post.position,
        kind=post.kind,
        target=None if target is None else target.pk,
        payload=exact_json.dumps(post.payload, "message"),
        user=post.user,
        channel=post.channel,
        created_us=now_us,
    )


def _note_difference(posted: Delivery, post: Post) -> None:
    if posted.kind != post.kind or posted.payload != exact_json.dumps(post.payload, "message"):
        logger.warning("delivery %s stands, though its turn, run again, would post something else", posted.pk)
