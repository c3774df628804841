"""The value that a handler gets: as it was posted, chosen from what was posted, or typed. Pure."""

from typing import Any

from botstate.actions.claiming import Action
from botstate.types import Json

#: Of a number of an option. Python refuses to read one of more than 4,300 digits.
MAX_DIGITS = 9


def choose_values(action: Action, sent: Json) -> Any:
    """Return a control's value: a Button's as posted; of a Select's posted options, those whose numbers were `sent`.

    Of an Input and of a modal it is what was sent: a text, or the values by name, of which those of a posted list of
    options are looked up. Raises nothing: a number that no option has is None.
    """
    if action.event == "onSelect":
        return _chosen(action.value, sent)
    if isinstance(sent, dict):
        options = action.value if isinstance(action.value, dict) else {}
        return {name: _chosen(options[name], value) if name in options else value for name, value in sent.items()}
    return sent if action.event == "onSubmit" else action.value


def _chosen(options: Json, sent: Json) -> Json:
    if isinstance(sent, list):
        return [_chosen(options, item) for item in sent]
    if not isinstance(options, list) or not isinstance(sent, str) or not sent.isdecimal() or len(sent) > MAX_DIGITS:
        return None
    number = int(sent)
    return options[number] if number < len(options) else None
