"""The promises, checked on the evidence of a run. Each check returns what contradicts it; no I/O."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from soak.errands import Errand, serial_state
from soak.evidence import Attempt, Entry, Evidence

#: SQLite's clock counts milliseconds.
CLOCK_TOLERANCE_US = 2_000


@dataclass(frozen=True)
class Violation:
    """What went wrong with one event, post, thread or lease; several may be about the same subject."""

    subject: str
    why: str


def find_losses(evidence: Evidence) -> list[Violation]:
    """An event that got its 200 and did not run to its end, or a post of it that was not sent."""
    return list(_lost_events(evidence)) + list(_lost_posts(evidence))


def find_repeats(evidence: Evidence) -> list[Violation]:
    """A turn that was done twice, or a post that was sent again after it was marked as sent (at most once: at all)."""
    return list(_repeated_turns(evidence)) + list(_repeated_posts(evidence))


def find_reorderings(evidence: Evidence) -> list[Violation]:
    """An event that was begun, ended or answered before one of its thread that was accepted earlier."""
    return [
        *_out_of_order(_ran_in_state(evidence), "the state has it"),
        *_out_of_order(_done_in_journal(evidence), "it was done"),
        *_out_of_order(_posted(evidence), "it was posted"),
        *_begun_early(evidence),
    ]


def find_overlaps(evidence: Evidence) -> list[Violation]:
    """A lease that was taken while another's lived, a handler beside another, or a turn ended without its lease."""
    return [*_leases_taken_early(evidence), *_handlers_at_once(evidence), *_ends_without_lease(evidence)]


def find_wrong_states(evidence: Evidence) -> list[Violation]:
    """A thread whose state is not what running its events one after another leaves."""
    wrong = []
    for number, errands in _by_thread(evidence.accepted).items():
        expected, found = serial_state(errands), evidence.states.get(number)
        if found != expected:
            wrong.append(Violation(f"thread {number:03d}", f"its state is {found}, not {expected}"))
    return wrong


CHECKS: dict[str, Callable[[Evidence], list[Violation]]] = {
    "wrong states": find_wrong_states,
    "repeats": find_repeats,
    "reorderings": find_reorderings,
    "overlapping leases": find_overlaps,
    "losses": find_losses,
}


def repeated_unmarked(evidence: Evidence) -> int:
    """Return how many posts were sent again because the worker ended between the acknowledgement and the mark."""
    times = Counter(call.text for call in evidence.calls)
    limits = _sends_before_mark(evidence)
    repeatable = {text: count for text, count in times.items() if _thread_of(text) not in evidence.at_most_once}
    return sum(min(count, limits.get(text, 1)) - 1 for text, count in repeatable.items())


def given_up(evidence: Evidence) -> int:
    """Return how many posts of the bot that sends at most once were given up, sent or not: nobody could know."""
    return sum(post.status == "failed" and _thread_of(post.text) in evidence.at_most_once for post in evidence.posts)


def unfinished_attempts(evidence: Evidence) -> int:
    """Return how many handlers were killed at work."""
    return sum(attempt.ended is None for attempt in evidence.attempts)


def _thread_of(text: str) -> int:
    """Return the number of the thread that a post belongs to."""
    return int(text.partition("-")[0])


def _by_thread(errands: Iterable[Errand]) -> dict[int, list[Errand]]:
    threads: dict[int, list[Errand]] = defaultdict(list)
    for errand in errands:
        threads[errand.thread].append(errand)
    return threads


def _lost_events(evidence: Evidence) -> Iterator[Violation]:
    turns = {turn.errand.name: turn for turn in evidence.turns}
    finished = {attempt.name for attempt in evidence.attempts if attempt.ended is not None}
    seen_done = {entry.row_id for entry in _newly_done(evidence)}
    for errand in evidence.accepted:
        turn = turns.get(errand.name)
        if turn is None:
            yield Violation(errand.name, "accepted, and it has no turn")
        elif turn.status != "done":
            yield Violation(errand.name, f"accepted, and its turn is {turn.status}")
        elif errand.name not in finished:
            yield Violation(errand.name, "its turn is done, and no handler came to its end")
        elif turn.id not in seen_done:
            yield Violation(errand.name, "its turn is done, and the journal does not say when")
        if errand.number not in evidence.states.get(errand.thread, {}).get("ran", []):
            yield Violation(errand.name, "accepted, and the state does not have it")


def _lost_posts(evidence: Evidence) -> Iterator[Violation]:
    statuses = {post.text: post.status for post in evidence.posts}
    acknowledged = {call.text for call in evidence.calls}
    for errand in evidence.accepted:
        for text in errand.post_texts:
            status = statuses.get(text, "missing")
            if status not in ("sent", "failed"):
                yield Violation(text, f"its turn is done, and the post is {status}")
            elif errand.thread not in evidence.at_most_once and (status != "sent" or text not in acknowledged):
                seen = "acknowledged" if text in acknowledged else "never acknowledged"
                yield Violation(text, f"the post is {status}, and was {seen}")


def _repeated_turns(evidence: Evidence) -> Iterator[Violation]:
    names = {turn.id: turn.errand.name for turn in evidence.turns}
    for name, count in Counter(names.values()).items():
        if count > 1:
            yield Violation(name, f"it has {count} turns")
    done = Counter(entry.row_id for entry in _newly_done(evidence))
    for turn_id, count in done.items():
        if count > 1:
            yield Violation(names.get(turn_id, f"turn {turn_id}"), f"its turn was done {count} times")
    for number, state in evidence.states.items():
        for ran, count in Counter(state.get("ran", [])).items():
            if count > 1:
                yield Violation(f"{number:03d}-{ran:03d}", f"the state has it {count} times")


def _repeated_posts(evidence: Evidence) -> Iterator[Violation]:
    for text, count in Counter(post.text for post in evidence.posts).items():
        if count > 1:
            yield Violation(text, f"it is {count} posts")
    limits = _sends_before_mark(evidence)
    for text, count in Counter(call.text for call in evidence.calls).items():
        if _thread_of(text) in evidence.at_most_once:
            if count > 1:
                yield Violation(text, f"at most once, and it was sent {count} times")
        elif count > limits.get(text, 1):
            yield Violation(text, f"sent {count} times, though marked after {limits.get(text, 1)} at the latest")


def _sends_before_mark(evidence: Evidence) -> dict[str, int]:
    """Return how often each post may have been sent: the attempts that were begun before it was marked as sent."""
    texts = {post.id: post.text for post in evidence.posts}
    limits: dict[str, int] = {}
    marked: set[str] = set()
    for entry in evidence.journal:
        text = texts.get(entry.row_id) if entry.kind == "delivery" else None
        if text is None or text in marked:
            continue
        if entry.status == "sent":
            marked.add(text)
        limits[text] = max(limits.get(text, 1), entry.attempts)
    return limits


def _newly_done(evidence: Evidence) -> Iterator[Entry]:
    """Yield the changes that made a turn done."""
    statuses: dict[int, str] = {}
    for entry in evidence.journal:
        if entry.kind == "turn":
            if entry.status == "done" and statuses.get(entry.row_id) != "done":
                yield entry
            statuses[entry.row_id] = entry.status


def _ran_in_state(evidence: Evidence) -> dict[int, list[int]]:
    return {number: state.get("ran", []) for number, state in evidence.states.items()}


def _done_in_journal(evidence: Evidence) -> dict[int, list[int]]:
    errands = {turn.id: turn.errand for turn in evidence.turns}
    done = _by_thread([errands[entry.row_id] for entry in _newly_done(evidence) if entry.row_id in errands])
    return {number: [errand.number for errand in errands] for number, errands in done.items()}


def _posted(evidence: Evidence) -> dict[int, list[int]]:
    """Return each thread's events in the order in which their posts were first acknowledged."""
    threads: dict[int, list[int]] = defaultdict(list)
    for text in dict.fromkeys(call.text for call in evidence.calls):
        errand = Errand.from_text(f"{text.split()[0]} 0 0")
        threads[errand.thread].append(errand.number)
    return threads


def _out_of_order(threads: dict[int, list[int]], what: str) -> Iterator[Violation]:
    for thread, numbers in threads.items():
        for before, number in pairwise(numbers):
            if number < before:
                yield Violation(f"{thread:03d}-{number:03d}", f"{what} after {before:03d}")


def _begun_early(evidence: Evidence) -> Iterator[Violation]:
    """Yield events whose handler began before that of an earlier event had ended for good."""
    fences, ended_by = _fences(evidence)
    first_start: dict[str, float] = {}
    last_end: dict[str, float] = {}
    for attempt in evidence.attempts:
        first_start.setdefault(attempt.name, attempt.started)
        if attempt.ended is not None and fences.get(_key(attempt)) == ended_by.get(attempt.name):
            last_end[attempt.name] = attempt.ended
    for errands in _by_thread(evidence.accepted).values():
        for before, errand in pairwise(errands):
            started, ended = first_start.get(errand.name), last_end.get(before.name)
            if started is not None and ended is not None and started < ended:
                yield Violation(errand.name, f"it began {ended - started:.3f} s before {before.name} had ended")


def _leases_taken_early(evidence: Evidence) -> Iterator[Violation]:
    held: dict[int, Entry] = {}
    for entry in evidence.journal:
        if entry.kind != "lease":
            continue
        before = held.get(entry.row_id)
        if before is not None and entry.fence != before.fence and before.status == "held":
            left_us = before.expires_us - entry.at_us
            if left_us > CLOCK_TOLERANCE_US:
                why = f"fence {entry.fence} took it {left_us} µs before fence {before.fence} had ended"
                yield Violation(f"lease of thread {entry.row_id}", why)
        if before is not None and entry.fence < before.fence:
            yield Violation(f"lease of thread {entry.row_id}", f"its fence fell from {before.fence} to {entry.fence}")
        held[entry.row_id] = entry


def _handlers_at_once(evidence: Evidence) -> Iterator[Violation]:
    """Yield handlers that began while another of their thread was at work, and had not been fenced out."""
    fences, ended_by = _fences(evidence)
    threads: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in evidence.attempts:
        threads[attempt.name.partition("-")[0]].append(attempt)
    for attempts in threads.values():
        for position, attempt in enumerate(attempts):
            for later in attempts[position + 1 :]:
                if attempt.ended is None or later.started >= attempt.ended:
                    continue
                fence, later_fence = fences.get(_key(attempt), 0), fences.get(_key(later), 0)
                is_fenced_out = fence < later_fence and ended_by.get(attempt.name) != fence
                if not is_fenced_out:
                    why = f"began while {attempt.name} was at work (fences {fence} and {later_fence})"
                    yield Violation(later.name, why)


def _fences(evidence: Evidence) -> tuple[dict[tuple[str, int], int], dict[str, int]]:
    """Return the fence of every attempt of every event, and the fence that ended each event."""
    names = {turn.id: turn.errand.name for turn in evidence.turns}
    fences: dict[tuple[str, int], int] = {}
    ended_by: dict[str, int] = {}
    for entry in evidence.journal:
        if entry.kind == "turn" and entry.row_id in names:
            name = names[entry.row_id]
            if entry.status == "running":
                fences[name, entry.attempts] = entry.fence
            elif entry.status == "done":
                ended_by[name] = entry.fence
    return fences, ended_by


def _key(attempt: Attempt) -> tuple[str, int]:
    return attempt.name, attempt.attempt


def _ends_without_lease(evidence: Evidence) -> Iterator[Violation]:
    """Yield turns that were begun or ended by a worker whose lease another one had taken over."""
    names = {turn.id: turn.errand.name for turn in evidence.turns}
    fences: dict[int, int] = {}
    for entry in evidence.journal:
        if entry.kind == "lease":
            fences[entry.row_id] = entry.fence
        elif entry.kind == "turn" and entry.status in ("running", "done"):
            fence = fences.get(entry.thread_id, 0)
            if fence == 0 and entry.status == "done":
                yield Violation(names.get(entry.row_id, f"turn {entry.row_id}"), "done though nobody took a lease")
            if fence > entry.fence:
                name = names.get(entry.row_id, f"turn {entry.row_id}")
                yield Violation(name, f"{entry.status} with fence {entry.fence}, while the lease was at {fence}")
