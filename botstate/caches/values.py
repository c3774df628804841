"""What the registries share: the keys and the values that they give their caches."""

import logging
from contextlib import suppress
from typing import Generic, TypeVar

import pydantic

from botstate import exact_json
from botstate.contracts.addresses import check_text
from botstate.contracts.facet import DEFAULT_MAX_VALUE_BYTES
from botstate.types import Json

logger = logging.getLogger("botstate.caches")

#: The longest of the identifiers that a key is made of.
MAX_ID_CHARACTERS = 300


class Frozen(pydantic.BaseModel):
    """A model of what is stored: immutable, exact, and silent about what it refuses, which is what people wrote."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


T = TypeVar("T", bound=Frozen)


class Values(Generic[T]):
    """Instances of `model` as JSON with a version, and back.

    What cannot be read any more, of another version or shape, is logged once per kind, without what it is, and absent.
    """

    def __init__(self, name: str, model: type[T], version: int = 1) -> None:
        self._name = name
        self._model = model
        self._version = version
        self._logged: set[str] = set()

    def dump(self, instance: T) -> Json:
        """Return what is stored. Raises ValueError where it takes too many bytes."""
        value = {"version": self._version, "value": instance.model_dump(mode="json", exclude_none=True)}
        exact_json.dumps_within(value, DEFAULT_MAX_VALUE_BYTES)
        return value

    def load(self, value: Json) -> T | None:
        """Return the instance, or None for what is absent: for None itself, and for what cannot be read."""
        if value is None:
            return None
        kind = "shape"
        if isinstance(value, dict) and set(value) == {"version", "value"}:
            if value["version"] == self._version:
                with suppress(ValueError):
                    return self._model.model_validate(value["value"])
            else:
                kind = "version"
        self._log(kind)
        return None

    def _log(self, kind: str) -> None:
        if kind not in self._logged:
            self._logged.add(kind)
            logger.warning("the cache %s has an entry of another %s: it counts as absent, as do more", self._name, kind)


def checked_id(text: object, what: str, longest: int = MAX_ID_CHARACTERS) -> str:
    """Return an identifier without the space around it. Raises ValueError unless it has 1 to `longest` characters."""
    stripped = text.strip() if isinstance(text, str) else text
    check_text(stripped, what, longest)
    return str(stripped)


def joined(*parts: str) -> str:
    """Return a key that no other parts have: each is preceded by its length."""
    return "".join(f"{len(part)}:{part}" for part in parts)
