"""Matrix: reactions that decide approvals."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Final, Literal, get_args

import pydantic

from botstate.caches.cache import MirroredCache
from botstate.caches.values import MAX_ID_CHARACTERS, Frozen, Values, checked_id, joined
from botstate.contracts.stores import StateStore
from botstate.exceptions import shown
from botstate.keyed.operations import naming
from botstate.types import Duration

Decision = Literal["allow-once", "allow-always", "deny"]

NAMESPACE = "matrix.approval-reactions"
MAX_ENTRIES = 1_000
TTL = "24h"
#: Clients send an emoji with one or without: that of pictures, or that of text.
_VARIATION_SELECTORS = ("", "\N{VARIATION SELECTOR-16}", "\N{VARIATION SELECTOR-15}")


@dataclass(frozen=True, slots=True)
class Binding:
    """A reaction to offer. native_key: what clients that know of approvals send in place of the emoji."""

    decision: Decision
    emoji: str
    native_key: str
    label: str


BINDINGS: Final = (
    Binding("allow-once", "✅", "approval.allow_once", "Allow once"),
    Binding("allow-always", "♾️", "approval.allow_always", "Allow always"),
    Binding("deny", "❌", "approval.deny", "Deny"),
)
_DECISIONS: dict[str, Decision] = {
    **{binding.emoji[0] + selector: binding.decision for binding in BINDINGS for selector in _VARIATION_SELECTORS},
    **{binding.native_key: binding.decision for binding in BINDINGS},
}


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a reaction decides, and for which approval."""

    approval_id: str
    decision: Decision


class ApprovalTarget(Frozen):
    """What is stored of an event that asks for approval."""

    approval_id: Annotated[str, pydantic.StringConstraints(min_length=1, max_length=MAX_ID_CHARACTERS)]
    allowed: Annotated[tuple[Decision, ...], pydantic.Field(min_length=1)]


class MatrixApprovals:
    """The events that ask for approval, and what a reaction to one decides.

    room, event, approval_id: 1 to 300 characters each; space around them is dropped. allowed: some of "allow-once",
    "allow-always" and "deny". max_entries: in memory, 1,000 by default, and, unless `max_persisted` says otherwise, in
    the store. ttl: 24 hours. store: as for `MirroredCache`, which `cache` is. Every method that may ask the store has
    an `a` twin; a failing store is never raised. Whether a person may decide is the caller's to ask.
    Source: OpenClaw's approval reactions of matrix.
    """

    def __init__(
        self,
        *,
        max_entries: int = MAX_ENTRIES,
        max_persisted: int | None = None,
        ttl: Duration = TTL,
        store: str | StateStore | None = None,
    ) -> None:
        self.cache = MirroredCache(
            "matrix", NAMESPACE, max_entries=max_entries, max_persisted=max_persisted, ttl=ttl, store=store
        )
        self._values = Values(NAMESPACE, ApprovalTarget)

    @staticmethod
    def bindings(allowed: Iterable[Decision]) -> list[Binding]:
        """Return the reactions to offer, in the order of `BINDINGS`. Raises BadArgument for none, or an unknown one."""
        return _bindings("bindings", allowed)

    @staticmethod
    def hint(allowed: Iterable[Decision]) -> str:
        """Return what to tell people: "React here: ✅ Allow once, ❌ Deny". Raises BadArgument as `bindings` does."""
        bindings = _bindings("hint", allowed)
        return "React here: " + ", ".join(f"{binding.emoji} {binding.label}" for binding in bindings)

    def register(
        self, room: str, event: str, approval_id: str, allowed: Iterable[Decision], ttl: Duration | None = None
    ) -> None:
        """Let reactions to the event decide the approval, in place of what they decided before."""
        self.cache.register(_key("register", room, event), self._target(approval_id, allowed), ttl)

    async def aregister(
        self, room: str, event: str, approval_id: str, allowed: Iterable[Decision], ttl: Duration | None = None
    ) -> None:
        """Async twin of `register`."""
        await self.cache.aregister(_key("register", room, event), self._target(approval_id, allowed), ttl)

    def resolve(self, room: str, event: str, reaction: object) -> Resolution | None:
        """Return what the reaction decides: an allowed decision's emoji or native key; None for anything else.

        The event stays registered, so that of two reactions both resolve; `delete` it once the approval is decided.
        """
        key, decision = _key("resolve", room, event), _decision(reaction)
        return None if decision is None else self._resolution(self.cache.lookup(key), decision)

    async def aresolve(self, room: str, event: str, reaction: object) -> Resolution | None:
        """Async twin of `resolve`."""
        key, decision = _key("resolve", room, event), _decision(reaction)
        return None if decision is None else self._resolution(await self.cache.alookup(key), decision)

    def delete(self, room: str, event: str) -> bool:
        """Let reactions to the event decide nothing any more; True if they did."""
        return self.cache.delete(_key("delete", room, event))

    async def adelete(self, room: str, event: str) -> bool:
        """Async twin of `delete`."""
        return await self.cache.adelete(_key("delete", room, event))

    def close(self, timeout: float = 5.0) -> bool:
        """End the cache's thread, as `MirroredCache.close` does."""
        return self.cache.close(timeout)

    async def aclose(self, timeout: float = 5.0) -> bool:  # noqa: ASYNC109
        """Async twin of `close`."""
        return await self.cache.aclose(timeout)

    def _target(self, approval_id: str, allowed: Iterable[Decision]) -> object:
        decisions = tuple(binding.decision for binding in _bindings("register", allowed))
        with naming("register"):
            approval_id = checked_id(approval_id, "approval_id")
        return self._values.dump(ApprovalTarget(approval_id=approval_id, allowed=decisions))

    def _resolution(self, value: object, decision: Decision) -> Resolution | None:
        target = self._values.load(value)
        if target is None or decision not in target.allowed:
            return None
        return Resolution(target.approval_id, decision)


def _key(operation: str, room: str, event: str) -> str:
    with naming(operation):
        return joined(checked_id(room, "room"), checked_id(event, "event"))


def _bindings(operation: str, allowed: Iterable[Decision]) -> list[Binding]:
    with naming(operation):
        if isinstance(allowed, str) or not isinstance(allowed, Iterable):
            raise ValueError(f"allowed must be a list of decisions, not {type(allowed).__name__}")
        decisions = list(allowed)
        if not decisions:
            raise ValueError("allowed must have at least one decision")
        for decision in decisions:
            if decision not in get_args(Decision):
                raise ValueError(f"a decision must be one of {', '.join(get_args(Decision))}, not {shown(decision)}")
    return [binding for binding in BINDINGS if binding.decision in decisions]


def _decision(reaction: object) -> Decision | None:
    """Return what a reaction stands for. It is what anybody wrote, so it may be anything."""
    if not isinstance(reaction, str):
        return None
    return _DECISIONS.get(reaction.strip())
