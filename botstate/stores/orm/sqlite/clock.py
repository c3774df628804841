"""The store's clock as a function of SQLite's, `botstate_now()`."""

from typing import Any

from botstate.db.clock import host_now_us

#: Where a connection notes which of the driver's connections knows the function.
_TAUGHT = "_botstate_clock"


def teach_clock(connection: Any) -> None:
    """Let the statements of an open Django connection call `botstate_now()`, microseconds since 1970.

    A parameter would hold the time from before the statement waited for the database's lock.
    """
    raw = connection.connection
    if connection.__dict__.get(_TAUGHT) is not raw:
        raw.create_function("botstate_now", 0, host_now_us)
        connection.__dict__[_TAUGHT] = raw
