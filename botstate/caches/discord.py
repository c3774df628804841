"""Discord: the components and modals of messages."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Generic, Literal, Self, TypeVar

import pydantic

from botstate.caches.cache import MirroredCache
from botstate.caches.values import Frozen, Values, checked_id
from botstate.contracts.stores import StateStore
from botstate.durations import optional_microseconds
from botstate.keyed.operations import naming
from botstate.types import Duration, Json

COMPONENTS_NAMESPACE = "discord.components"
MODALS_NAMESPACE = "discord.modals"
MAX_ENTRIES = 10_000
TTL = "30m"
#: Discord's bound on a `custom_id`, which an id is a part of.
MAX_ENTRY_ID_CHARACTERS = 100
MAX_REFERENCE_CHARACTERS = 512

Kind = Literal["button", "select", "modal-trigger"]
SelectType = Literal["string", "user", "role", "mentionable", "channel"]
FieldType = Literal["text", "checkbox", "radio", "select", "role-select", "user-select"]

#: The form in which ids are looked up as well: what is space at their ends is not the same to everybody.
EntryId = Annotated[str, pydantic.AfterValidator(lambda text: checked_id(text, "an id", MAX_ENTRY_ID_CHARACTERS))]
#: Whom or what an entry belongs to.
Reference = Annotated[str, pydantic.AfterValidator(lambda text: checked_id(text, "it", MAX_REFERENCE_CHARACTERS))]
#: What people read, or a component carries; Discord's own bounds are below.
Text = Annotated[str, pydantic.StringConstraints(max_length=4_000)]
Count = Annotated[int, pydantic.Field(ge=0)]


class Option(Frozen):
    """A choice that a select or a modal's field offers."""

    value: Text
    label: Text
    description: Text | None = None


class ModalField(Frozen):
    """A field of a modal, whose values arrive under `id` and are called `name`."""

    id: EntryId
    name: Reference
    label: Text
    type: FieldType
    description: Text | None = None
    placeholder: Text | None = None
    required: bool = False
    options: tuple[Option, ...] = ()
    min_values: Count | None = None
    max_values: Count | None = None
    min_length: Count | None = None
    max_length: Count | None = None
    style: Literal["short", "paragraph"] | None = None


class _Entry(Frozen):
    """allowed_users: whom it is for; empty is everybody. reusable: it is not consumed.

    callback_data: what a use of it means, in the bot's own words. `register` sets the times, and `message_id` where it
    is given one.
    """

    id: EntryId
    callback_data: Text | None = None
    allowed_users: tuple[Reference, ...] = ()
    session: Reference | None = None
    agent: Reference | None = None
    account: Reference | None = None
    message_id: Reference | None = None
    reusable: bool = False
    created_at: pydantic.AwareDatetime | None = None
    expires_at: pydantic.AwareDatetime | None = None


class ComponentEntry(_Entry):
    """A button, a select, or a button that opens a modal.

    A select has a `select_type`, and options where that is "string"; a modal trigger has a `modal_id`.
    """

    kind: Kind
    label: Text
    select_type: SelectType | None = None
    options: tuple[Option, ...] = ()
    modal_id: EntryId | None = None

    @pydantic.model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        if (self.select_type is not None) != (self.kind == "select"):
            raise ValueError("a select needs a select_type, and nothing else has one")
        if bool(self.options) != (self.select_type == "string"):
            raise ValueError("a select of strings needs options, and nothing else has any")
        if (self.modal_id is not None) != (self.kind == "modal-trigger"):
            raise ValueError("a modal-trigger needs a modal_id, and nothing else has one")
        return self


class ModalEntry(_Entry):
    """A modal, which a trigger opens."""

    title: Text
    fields: tuple[ModalField, ...]


E = TypeVar("E", ComponentEntry, ModalEntry)


class DiscordComponents:
    """The components and modals of the messages that we sent lately, by their ids.

    max_entries: of each of the two in memory, 10,000 by default, and, unless `max_persisted` says otherwise, in the
    store. ttl: 30 minutes. store: as for `MirroredCache`, which `components` and `modals` are. Every method has an `a`
    twin; a failing store is never raised. Whether a person is allowed to use what they clicked is the caller's to ask,
    best before it is consumed.
    Source: OpenClaw's components registry of discord.
    """

    def __init__(
        self,
        *,
        max_entries: int = MAX_ENTRIES,
        max_persisted: int | None = None,
        ttl: Duration = TTL,
        store: str | StateStore | None = None,
    ) -> None:
        self.components = MirroredCache(
            "discord", COMPONENTS_NAMESPACE, max_entries=max_entries, max_persisted=max_persisted, ttl=ttl, store=store
        )
        self.modals = MirroredCache(
            "discord", MODALS_NAMESPACE, max_entries=max_entries, max_persisted=max_persisted, ttl=ttl, store=store
        )
        self._components = _Entries("component", ComponentEntry, self.components)
        self._modals = _Entries("modal", ModalEntry, self.modals)
        self._ttl = ttl

    def register(
        self,
        components: Sequence[ComponentEntry] = (),
        modals: Sequence[ModalEntry] = (),
        message_id: str | None = None,
        ttl: Duration | None = None,
    ) -> None:
        """Register what belongs to one message, after all of it was checked. ttl: the registry's where left out.

        Raises BadArgument, and registers nothing, for an id that comes twice, an entry of over 1 MiB as JSON, or one of
        a subclass.
        """
        for cache, entry_id, value in self._prepared(components, modals, message_id, ttl):
            cache.register(entry_id, value, ttl)

    async def aregister(
        self,
        components: Sequence[ComponentEntry] = (),
        modals: Sequence[ModalEntry] = (),
        message_id: str | None = None,
        ttl: Duration | None = None,
    ) -> None:
        """Async twin of `register`."""
        for cache, entry_id, value in self._prepared(components, modals, message_id, ttl):
            await cache.aregister(entry_id, value, ttl)

    def resolve_component(self, id: str, consume: bool = True) -> ComponentEntry | None:
        """Return the component, which is gone then unless it is reusable or `consume` is false; None for none.

        Its message's other components stay. Of many that consume it one gets it, as with `MirroredCache.consume`.
        """
        return self._components.resolve(id, consume)

    async def aresolve_component(self, id: str, consume: bool = True) -> ComponentEntry | None:
        """Async twin of `resolve_component`."""
        return await self._components.aresolve(id, consume)

    def resolve_modal(self, id: str, consume: bool = True) -> ModalEntry | None:
        """Return the modal as `resolve_component` does a component."""
        return self._modals.resolve(id, consume)

    async def aresolve_modal(self, id: str, consume: bool = True) -> ModalEntry | None:
        """Async twin of `resolve_modal`."""
        return await self._modals.aresolve(id, consume)

    def close(self, timeout: float = 5.0) -> bool:
        """End the threads of both caches, each as `MirroredCache.close` does."""
        closed = [cache.close(timeout) for cache in (self.components, self.modals)]
        return all(closed)

    async def aclose(self, timeout: float = 5.0) -> bool:  # noqa: ASYNC109
        """Async twin of `close`."""
        closed = [await cache.aclose(timeout) for cache in (self.components, self.modals)]
        return all(closed)

    def _prepared(
        self,
        components: Sequence[ComponentEntry],
        modals: Sequence[ModalEntry],
        message_id: str | None,
        ttl: Duration | None,
    ) -> list[tuple[MirroredCache, str, Json]]:
        with naming("register"):
            ttl_us = optional_microseconds(self._ttl if ttl is None else ttl, "ttl") or 0
            now = datetime.now(UTC)
            common: dict[str, object] = {"created_at": now, "expires_at": now + timedelta(microseconds=ttl_us)}
            if message_id is not None:
                common["message_id"] = checked_id(message_id, "message_id", MAX_REFERENCE_CHARACTERS)
            # A trigger comes after the modal that it opens.
            return [*self._modals.prepared(modals, common), *self._components.prepared(components, common)]


class _Entries(Generic[E]):
    """The entries of one kind."""

    def __init__(self, what: str, model: type[E], cache: MirroredCache) -> None:
        self._what = what
        self._model: type[E] = model
        self._cache = cache
        self._values: Values[E] = Values(f"discord.{what}s", model)

    def prepared(self, entries: Sequence[E], common: dict[str, object]) -> list[tuple[MirroredCache, str, Json]]:
        """Check all entries and return what is to be written for them, with `common` in each."""
        if not isinstance(entries, Sequence):
            raise ValueError(f"{self._what}s must be a list, not {type(entries).__name__}")
        for entry in entries:
            # A field more, of a model of one's own, would be stored and never be read again.
            if type(entry) is not self._model:
                raise ValueError(f"a {self._what} must be a {self._model.__name__}, not {type(entry).__name__}")
        repeated = [entry_id for entry_id, count in Counter(entry.id for entry in entries).items() if count > 1]
        if repeated:
            raise ValueError(f"two {self._what}s have the id {repeated[0]!r}")
        return [(self._cache, entry.id, self._values.dump(entry.model_copy(update=common))) for entry in entries]

    def resolve(self, entry_id: str, consume: bool) -> E | None:
        """Return the entry, and consume it where it is to be."""
        entry_id = self._checked(entry_id)
        entry = self._values.load(self._cache.lookup(entry_id))
        if entry is None or entry.reusable or not consume:
            return entry
        return self._values.load(self._cache.consume(entry_id))

    async def aresolve(self, entry_id: str, consume: bool) -> E | None:
        """Async twin of `resolve`."""
        entry_id = self._checked(entry_id)
        entry = self._values.load(await self._cache.alookup(entry_id))
        if entry is None or entry.reusable or not consume:
            return entry
        return self._values.load(await self._cache.aconsume(entry_id))

    def _checked(self, entry_id: str) -> str:
        with naming(f"resolve_{self._what}"):
            return checked_id(entry_id, f"the id of a {self._what}", MAX_ENTRY_ID_CHARACTERS)
