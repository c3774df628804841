"""A thread's state for its page, and in one line for the list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pydantic

from botstate import exact_json
from botstate.admin.state_rows import FieldRow, StateRows, changed_values, default_values
from botstate.admin.wording import in_brief, pairs, shortened, visible
from botstate.exceptions import StateInvalid
from botstate.models import ThreadState
from botstate.runtime.bot import Bot
from botstate.types import Json

MAX_RAW_CHARACTERS = 2_000


@dataclass
class StateView:
    """What a person sees of a state.

    model_name: empty where the bot declares no model, or is not there. does_fit: False when handlers get StateInvalid
    for it. problems: pydantic's words that belong to no row. raw: the stored text where it is no JSON, else empty.
    """

    model_name: str
    is_stored: bool
    does_fit: bool = True
    problems: list[str] = field(default_factory=list)
    rows: list[FieldRow] = field(default_factory=list)
    is_cut: bool = False
    raw: str = ""


def view_state(bot: Bot | None, stored: ThreadState | None) -> StateView:
    """Return the state field by field: the stored values whether or not they fit, the defaults where none is stored."""
    model = bot.schema.model if bot else None
    # A state that was cleared is none.
    stored = stored if stored and stored.value else None
    view = StateView(model_name=model.__name__ if model else "", is_stored=stored is not None)
    try:
        value: Json = _defaults(model) if stored is None else exact_json.loads(stored.value)
    except (ValueError, RecursionError):
        text = stored.value if stored else ""
        view.does_fit, view.raw = False, visible(text[:MAX_RAW_CHARACTERS])
        view.problems = ["the stored text is not JSON"]
        return view
    rows = StateRows()
    rows.add_state(model, value, is_stored=view.is_stored)
    errors = _errors(bot, stored)
    if errors is not None:
        view.does_fit = False
        view.problems = rows.add_problems(errors)
    view.rows, view.is_cut = rows.rows, rows.is_cut
    return view


def summarise(bot: Bot | None, stored: ThreadState) -> tuple[str, bool]:
    """Return a stored state's fields that differ from the defaults on one line, and whether the state fits."""
    if not stored.value:
        return "", True
    try:
        value = exact_json.loads(stored.value)
    except (ValueError, RecursionError):
        return shortened(stored.value, 60), False
    does_fit = _errors(bot, stored) is None
    if not isinstance(value, Mapping):
        return in_brief(value), does_fit
    return pairs(changed_values(bot.schema.model if bot else None, value), " · "), does_fit


def _defaults(model: type[pydantic.BaseModel] | None) -> dict[str, Json]:
    return default_values(model) if model else {}


def _errors(bot: Bot | None, stored: ThreadState | None) -> Sequence[Mapping[str, Any]] | None:
    """Return why a handler could not read this state, in pydantic's shape; None when it can."""
    if bot is None:
        return None
    try:
        if stored is None:
            bot.schema.initial()
        else:
            bot.schema.load(stored.value)
    except StateInvalid as error:
        return error.errors
    except Exception as error:  # The project's own validators may raise anything, and this page must open.
        return [{"loc": (), "msg": f"{type(error).__name__}: {error}"}]
    return None
