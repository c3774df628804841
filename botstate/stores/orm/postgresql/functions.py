"""The database functions of the ORM store's fast path."""

from botstate.db.postgresql.functions import FunctionSet

STORE_FUNCTIONS = FunctionSet("botstate.stores.orm.postgresql", "botstate_kventry")
#: Apart, as their tables came later. They use the clock of the others.
KEYED_FUNCTIONS = FunctionSet("botstate.stores.orm.postgresql", "botstate_keyedhead", "keyed_functions.sql")
