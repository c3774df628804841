"""What a bot's state may be: a pydantic model, or any JSON object.

Pure: from JSON text to a state and back. The text is the truth; a state that would not load again is never written.
"""

from collections.abc import Mapping
from typing import Any

import pydantic

from botstate import exact_json
from botstate.exceptions import BotStateMisconfigured, NotSerializable, StateInvalid

State = Any


class StateSchema:
    """Loads, merges and dumps the state of one bot's threads."""

    def __init__(self, model: type[pydantic.BaseModel] | None) -> None:
        if model is not None and not (isinstance(model, type) and issubclass(model, pydantic.BaseModel)):
            raise BotStateMisconfigured("a bot's state must be a pydantic model class")
        if model is not None:
            _require_object(model)
        self.model = model

    def initial(self) -> State:
        """Return the state of a thread that has none stored. Raises StateInvalid where the model needs arguments."""
        return {} if self.model is None else _validated(self.model, {})

    def load(self, text: str) -> State:
        """Return the state that `dump` wrote. Raises StateInvalid when the schema has changed under it."""
        return self._loaded(text, "the stored state does not fit")

    def dump(self, state: State) -> str:
        """Return `state` as exact JSON text that loads again. Raises StateInvalid, NotSerializable."""
        if self.model is None:
            return exact_json.dumps(state, "state")
        name = self.model.__name__
        try:
            # Pydantic would warn of odd values in its own words, which quote them.
            written = state.model_dump(mode="json", round_trip=True, by_alias=False, warnings=False)
        except ValueError as error:
            raise NotSerializable(f"state {name} cannot be written as JSON ({type(error).__name__})") from None
        text = exact_json.dumps(written, f"state {name}")
        # Pydantic writes what JSON has no word for as something else: NaN as null, a tuple in an Any as a list.
        lost = _first_difference(state, self.load(text))
        if lost is not None:
            raise NotSerializable(f"field {lost!r} of state {name} does not survive being stored")
        return text

    def merge(self, state: State, patch: Mapping[str, Any]) -> State:
        """Return `state` with the top-level fields of `patch` replaced, validated. Raises StateInvalid."""
        if self.model is None:
            return {**state, **patch}
        fields = {name: getattr(state, name) for name in type(state).model_fields}
        extra = state.model_extra or {}
        return _validated(self.model, {**fields, **extra, **_by_name(self.model, patch)})

    def begin(self, patch: Mapping[str, Any]) -> State:
        """Return the first state of a thread: `patch` on the model's defaults, validated. Raises StateInvalid."""
        return dict(patch) if self.model is None else _validated(self.model, _by_name(self.model, patch))

    def fields(self, text: str, patch: Mapping[str, Any]) -> str:
        """Return the fields that `patch` names as exact JSON text, from the text of the state that it has made."""
        if self.model is None:
            return exact_json.dumps(dict(patch), "state")
        values: Any = exact_json.loads(text)
        return exact_json.dumps({name: values[name] for name in _by_name(self.model, patch)})

    def rewritten(self, text: str, fields: str) -> str:
        """Return the text of a state with the fields replaced that `fields` returned. Raises StateInvalid."""
        values: Any = exact_json.loads(self.dump(self.load(text)))
        replaced: Any = exact_json.loads(fields)
        return self.dump(self._loaded(exact_json.dumps({**values, **replaced}), "the state would not fit"))

    def replacement(self, value: Any) -> State:
        """Return `value`, a model instance or a mapping, as a whole validated state. Raises StateInvalid."""
        if self.model is None:
            if not isinstance(value, dict):
                raise StateInvalid(f"the state must be a dict, not {type(value).__name__}")
            return value
        if isinstance(value, self.model):
            return _validated(self.model, dict(value))
        if not isinstance(value, Mapping):
            raise StateInvalid(f"the state must be a {self.model.__name__} or a mapping, not {type(value).__name__}")
        return _validated(self.model, _by_name(self.model, value))

    def _loaded(self, text: str, problem: str) -> State:
        if self.model is None:
            return exact_json.loads(text)
        try:
            return self.model.model_validate_json(text, by_name=True, by_alias=True)
        except pydantic.ValidationError as error:
            raise _invalid(self.model, problem, error) from error


def _by_name(model: type[pydantic.BaseModel], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Turn aliases into names, and refuse what the model would silently ignore."""
    names = {field.alias: name for name, field in model.model_fields.items() if field.alias}
    named = {names.get(key, key): value for key, value in patch.items()}
    unknown = [key for key in named if key not in model.model_fields]
    if unknown and model.model_config.get("extra") != "allow":
        errors = [{"type": "extra_forbidden", "loc": (key,), "msg": "no such field"} for key in unknown]
        raise StateInvalid(f"{model.__name__} has no field {', '.join(map(repr, unknown))}", errors)
    return named


def _validated(model: type[pydantic.BaseModel], values: dict[str, Any]) -> State:
    try:
        return model.model_validate(values, by_name=True, by_alias=True)
    except pydantic.ValidationError as error:
        raise _invalid(model, "the state would not fit", error) from error


def _invalid(model: type[pydantic.BaseModel], what: str, error: pydantic.ValidationError) -> StateInvalid:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    places = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'state'}: {each['msg']}" for each in found[:5])
    errors = [dict(each) for each in found]
    return StateInvalid(f"{what} {model.__name__}: {places}", errors)


def _require_object(model: type[pydantic.BaseModel]) -> None:
    """Refuse models whose state could not be patched field by field, or whose fields would be mixed up."""
    if issubclass(model, pydantic.RootModel):
        raise BotStateMisconfigured(f"state {model.__name__} is a RootModel; a state has named fields")
    for name, field in model.model_fields.items():
        if field.alias in model.model_fields and field.alias != name:
            raise BotStateMisconfigured(f"the alias of state field {name!r} is the name of another field")


def _first_difference(state: pydantic.BaseModel, loaded: pydantic.BaseModel) -> str | None:
    """Return the first field in which the two differ, in value or in type, throughout; None where none does."""
    fields = {**dict(state), **(state.model_extra or {})}
    others = {**dict(loaded), **(loaded.model_extra or {})}
    return next((name for name, value in fields.items() if not _is_same(value, others.get(name))), None)


def _is_same(value: Any, other: Any) -> bool:
    """Equal in value and in type, throughout."""
    if type(value) is not type(other):
        return False
    if isinstance(value, pydantic.BaseModel):
        return _first_difference(value, other) is None
    if isinstance(value, dict):
        return value.keys() == other.keys() and all(_is_same(value[key], other[key]) for key in value)
    if isinstance(value, list | tuple):
        return len(value) == len(other) and all(map(_is_same, value, other))
    return bool(value == other)
