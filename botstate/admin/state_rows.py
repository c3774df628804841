"""A stored state as rows: one per field, those of nested models and lists below it. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pydantic

from botstate.admin.annotations import model_of, part_annotation, type_text
from botstate.admin.wording import ELLIPSIS, counted, in_brief, scalar, visible
from botstate.types import Json

MAX_ROWS = 300
MAX_DEPTH = 5
MAX_ITEMS = 50
MAX_TEXT_CHARACTERS = 2_000
#: What a row may be called, from the outermost field inward: a field's name and its aliases.
Names = tuple[frozenset[str], ...]


@dataclass
class FieldRow:
    """One field, item or entry.

    value: plain text, None where there is nothing to show. problems: why the stored value does not fit.
    """

    names: Names
    label: str
    type: str
    value: str | None
    description: str = ""
    is_default: bool = False
    is_stored: bool = True
    is_unknown: bool = False
    is_container: bool = False
    problems: list[str] = field(default_factory=list)

    @property
    def depth(self) -> int:
        """How many fields this one stands within."""
        return len(self.names) - 1


class StateRows:
    """Collects the rows of one state, bounded in number and in depth; `is_cut` once something was left out."""

    def __init__(self) -> None:
        self.rows: list[FieldRow] = []
        self.is_cut = False

    def add_state(self, model: type[pydantic.BaseModel] | None, value: Json, *, is_stored: bool) -> None:
        """Add a whole state. model: None where its fields have no known types."""
        if isinstance(value, dict) and model is not None and not issubclass(model, pydantic.RootModel):
            self._add_model((), model, value, is_stored=is_stored)
        elif isinstance(value, dict):
            for name, part in value.items():
                self._add(_row((_names(name),), name, Any, part), Any, part)
        else:
            self._add(_row((_names("root"),), "(state)", model or Any, value), model or Any, value)

    def add_problems(self, errors: Sequence[Mapping[str, Any]]) -> list[str]:
        """Put pydantic's errors beside the rows that they are about; return those that are about none."""
        homeless: list[str] = []
        for error in errors:
            place = [str(part) for part in error.get("loc", ())]
            row = self._row_at(place)
            rest = place if row is None else place[len(row.names) :]
            text = ": ".join(filter(None, (".".join(rest), str(error.get("msg", "")))))
            (homeless if row is None else row.problems).append(visible(text))
        return homeless

    def _row_at(self, place: list[str]) -> FieldRow | None:
        """Return the innermost row on the way to `place`."""
        fitting = [
            row
            for row in self.rows
            if len(row.names) <= len(place)
            and all(part in names for part, names in zip(place, row.names, strict=False))
        ]
        return max(fitting, key=lambda row: len(row.names), default=None)

    def _add_model(
        self, outer: Names, model: type[pydantic.BaseModel], values: Mapping[str, Json], *, is_stored: bool
    ) -> None:
        defaults = default_values(model)
        known: set[str] = set()
        for name, info in model.model_fields.items():
            names = _names(name, info.alias, info.validation_alias)
            known |= names
            key = next((key for key in (name, *names) if key in values), None)
            value = defaults.get(name) if key is None else values[key]
            row = _row((*outer, names), name, info.annotation, value)
            row.description = info.description or ""
            row.is_stored = is_stored and key is not None
            row.is_default = name in defaults and _is_same(value, defaults[name])
            if key is None and name not in defaults:
                row.value = None
            self._add(row, info.annotation, value)
        for key, value in values.items():
            if key not in known:
                row = _row((*outer, _names(key)), key, Any, value)
                row.is_unknown = True
                self._add(row, Any, value)

    def _add(self, row: FieldRow, annotation: Any, value: Json) -> None:
        """Add a value's own row and those of its parts."""
        if not self._append(row) or not isinstance(value, list | dict) or not value:
            return
        if row.depth >= MAX_DEPTH:
            row.value, row.is_container, self.is_cut = in_brief(value), False, True
            return
        if isinstance(value, dict) and (model := model_of(annotation, value)) is not None:
            self._add_model(row.names, model, value, is_stored=row.is_stored)
            return
        parts = [(key, key, part) for key, part in value.items()] if isinstance(value, dict) else _items(value)
        self.is_cut |= len(parts) > MAX_ITEMS
        inner = part_annotation(annotation, type(value))
        for name, label, part in parts[:MAX_ITEMS]:
            child = _row((*row.names, _names(name)), label, inner, part)
            child.is_stored = row.is_stored
            self._add(child, inner, part)

    def _append(self, row: FieldRow) -> bool:
        if len(self.rows) >= MAX_ROWS:
            self.is_cut = True
            return False
        self.rows.append(row)
        return True


def default_values(model: type[pydantic.BaseModel]) -> dict[str, Json]:
    """Return the model's defaults as JSON, by field name; required fields are left out. Empty where that fails."""
    try:
        made = model.model_construct()
        return made.model_dump(mode="json", round_trip=True, by_alias=False, warnings=False)
    except Exception:  # A default factory or a serializer of the project's may raise anything.
        return {}


def changed_values(model: type[pydantic.BaseModel] | None, value: Mapping[str, Json]) -> dict[str, Json]:
    """Return the fields that differ from the model's defaults."""
    defaults = {} if model is None else default_values(model)
    return {name: part for name, part in value.items() if name not in defaults or not _is_same(part, defaults[name])}


def _row(names: Names, label: str, annotation: Any, value: Json) -> FieldRow:
    return FieldRow(
        names=names,
        label=visible(label),
        # What no annotation tells, the value says itself.
        type=type(value).__name__ if annotation is Any else type_text(annotation),
        value=_value_text(value),
        is_container=isinstance(value, list | dict),
    )


def _items(value: list[Json]) -> list[tuple[str, str, Json]]:
    return [(str(index), f"[{index}]", item) for index, item in enumerate(value[: MAX_ITEMS + 1])]


def _value_text(value: Json) -> str:
    if isinstance(value, list):
        return counted(len(value), "item")
    if isinstance(value, dict):
        return counted(len(value), "field")
    text = visible(scalar(value))
    if len(text) <= MAX_TEXT_CHARACTERS:
        return text
    return f"{text[:MAX_TEXT_CHARACTERS]}{ELLIPSIS} ({len(text):,} characters)"


def _names(*names: Any) -> frozenset[str]:
    return frozenset(name for name in names if isinstance(name, str))


def _is_same(value: Json, other: Json) -> bool:
    """Equal in value and in type: 1 is neither 1.0 nor True."""
    return json.dumps(value, sort_keys=True) == json.dumps(other, sort_keys=True)
