"""Python's annotations as people read them, and what they say about the parts of a value. Pure."""

import json
import types
from collections.abc import Collection, Mapping
from enum import Enum
from typing import Annotated, Any, ForwardRef, Literal, Union, get_args, get_origin

import pydantic

from botstate.types import Json

MAX_CHOICES = 12
MAX_DEPTH = 6


def type_text(annotation: Any, depth: int = 0) -> str:
    """Return an annotation in source form: `"triage" | "waiting"`, `int | None`, `list[Line]`."""
    bare = _bare(annotation)
    if bare is None or bare is types.NoneType:
        return "None"
    if depth >= MAX_DEPTH:
        return "…"
    origin, arguments = get_origin(bare), get_args(bare)
    if origin is Literal:
        return _choices(arguments)
    if origin in (Union, types.UnionType):
        return " | ".join(dict.fromkeys(type_text(argument, depth + 1) for argument in arguments))
    if isinstance(bare, type) and issubclass(bare, Enum):
        return _choices(tuple(member.value for member in bare))
    if origin is not None and arguments:
        inner = ", ".join("..." if argument is ... else type_text(argument, depth + 1) for argument in arguments)
        return f"{_name(origin)}[{inner}]"
    return _name(bare)


def model_of(annotation: Any, value: Mapping[str, Json]) -> type[pydantic.BaseModel] | None:
    """Return the pydantic model that a stored object is one of, or None where the annotation does not tell.

    Of several, the first that takes the value.
    """
    classes = [arm for arm in _arms(annotation) if isinstance(arm, type) and issubclass(arm, pydantic.BaseModel)]
    models = [arm for arm in classes if not issubclass(arm, pydantic.RootModel)]
    if len(models) <= 1:
        return models[0] if models else None
    return next((model for model in models if _takes(model, value)), None)


def part_annotation(annotation: Any, kind: type[list[Any]] | type[dict[Any, Any]]) -> Any:
    """Return what annotates the items of a list, or the values of a dict; Any where the annotation does not tell."""
    for arm in _arms(annotation):
        origin, arguments = get_origin(arm), get_args(arm)
        if not isinstance(origin, type) or not arguments:
            continue
        if kind is dict and issubclass(origin, Mapping):
            return arguments[-1]
        if kind is list and issubclass(origin, Collection) and not issubclass(origin, Mapping):
            return arguments[0] if len(set(arguments) - {...}) == 1 else Any
    return Any


def _arms(annotation: Any) -> list[Any]:
    bare = _bare(annotation)
    if get_origin(bare) in (Union, types.UnionType):
        return [arm for argument in get_args(bare) for arm in _arms(argument)]
    return [bare]


def _bare(annotation: Any) -> Any:
    """Return the annotation without its metadata and its alias."""
    for _ in range(MAX_DEPTH):
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif hasattr(annotation, "__value__"):
            annotation = annotation.__value__
        else:
            break
    return annotation


def _takes(model: type[pydantic.BaseModel], value: Mapping[str, Json]) -> bool:
    try:
        model.model_validate(value, by_name=True, by_alias=True)
    except Exception:  # The project's own validators may raise anything, and this page must open.
        return False
    return True


def _choices(values: tuple[Any, ...]) -> str:
    shown = [json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value) for value in values]
    return " | ".join(shown[:MAX_CHOICES] + (["…"] if len(shown) > MAX_CHOICES else []))


def _name(annotation: Any) -> str:
    if isinstance(annotation, str):
        return annotation
    if isinstance(annotation, ForwardRef):
        return annotation.__forward_arg__
    return str(getattr(annotation, "__name__", annotation))
