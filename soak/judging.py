"""From a run's outcome to its figures."""

from soak import checks
from soak.results import Result
from soak.run import Outcome

SHOWN = 20


def judge(name: str, outcome: Outcome, seconds: float) -> Result:
    """Check the evidence and count what contradicts the promises."""
    evidence = outcome.evidence
    found = {check: find(evidence) for check, find in checks.CHECKS.items()}
    details = [f"{check}: {each.subject}: {each.why}" for check, all_of_it in found.items() for each in all_of_it]
    return Result(
        name=name,
        planned=outcome.planned,
        accepted=len(outcome.answers.accepted),
        turns=sum(turn.status == "done" for turn in evidence.turns),
        attempts=len(evidence.attempts),
        killed=checks.unfinished_attempts(evidence),
        repeated_unmarked=checks.repeated_unmarked(evidence),
        given_up=checks.given_up(evidence),
        violations={check: len({each.subject for each in all_of_it}) for check, all_of_it in found.items()},
        details=details[:SHOWN] + ([f"and {len(details) - SHOWN} more"] if len(details) > SHOWN else []),
        notes=_notes(outcome),
        unfinished=outcome.unfinished,
        seconds=seconds,
    )


def _notes(outcome: Outcome) -> list[str]:
    faults = ", ".join(f"{action} {count}" for action, count in sorted(outcome.faults.items()))
    answers = ", ".join(f"{said}: {count}" for said, count in outcome.answers.counts.most_common())
    notes = [f"faults: {faults}", f"answers: {answers}"]
    if outcome.ended_by_themselves:
        notes.append(f"ended by themselves, and started again: {', '.join(outcome.ended_by_themselves)}")
    return notes
