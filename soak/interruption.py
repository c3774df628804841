"""The first Ctrl-C, or SIGTERM, ends everything in order; the next ones must not disturb that."""

import signal
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def heed_once() -> None:
    """Raise KeyboardInterrupt at the first signal, and ignore every other one from then on."""
    for number in SIGNALS:
        signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt
