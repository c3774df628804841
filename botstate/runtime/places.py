"""Where in the project's code something happened, for logs and the admin; never what was said there."""

import sys
import sysconfig
import traceback
from collections.abc import Sequence
from pathlib import Path

import botstate

_LIBRARIES = (
    str(Path(botstate.__file__).parent),
    *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
)


def place_of(error: BaseException) -> str:
    """Return "file.py:line in function" of where the error came from; never its message, which may quote people.

    That is the innermost line that is neither botstate's nor a library's, because a bot's author looks for their own.
    """
    return _innermost(traceback.extract_tb(error.__traceback__))


def place_of_thread(thread_ident: int) -> str:
    """Return where a running thread of this process is, as `place_of` does; empty where it is nowhere any more."""
    frame = sys._current_frames().get(thread_ident)
    return "" if frame is None else _innermost(traceback.extract_stack(frame))


def place_of_awaited(awaited: object) -> str:
    """Return where a coroutine that waits is, as `place_of` does; empty for what is none, or has ended."""
    frames = []
    while (frame := getattr(awaited, "cr_frame", None)) is not None:
        frames.append(traceback.FrameSummary(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name))
        awaited = getattr(awaited, "cr_await", None)
    return _innermost(frames)


def _innermost(frames: Sequence[traceback.FrameSummary]) -> str:
    own = [frame for frame in frames if not frame.filename.startswith(_LIBRARIES)]
    found = (own or frames)[-1:]
    return f"{Path(found[0].filename).name}:{found[0].lineno} in {found[0].name}" if found else ""
