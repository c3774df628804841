"""The database functions of the runtime's fast path."""

from botstate.db.postgresql.functions import FunctionSet

RUNTIME_FUNCTIONS = FunctionSet("botstate.runtime.postgresql", "botstate_turn")
