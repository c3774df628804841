"""What a process does to the world, step by step, and names for it that say the verb and the table."""

import re
from typing import Any

_TABLE = r"[`\"]?(?:botstate_)?(\w+?)[`\"]?"
_FUNCTION = re.compile(r"SELECT .*?(botstate_(?:accept|ignore|begin|advance|next_work)\w*)\(")
_CLOCK = re.compile(r"clock_timestamp\(\)|UTC_TIMESTAMP")
_WRITES = (
    re.compile(rf"(INSERT)(?: OR IGNORE| IGNORE)? INTO {_TABLE}[ (]"),
    re.compile(rf"(UPDATE) {_TABLE} "),
    re.compile(rf"(DELETE) FROM {_TABLE}(?: |$)"),
)
_READ = re.compile(rf"(SELECT).*? FROM {_TABLE}(?: |$)", re.DOTALL)
_READS = ("SELECT", "BEGIN", "SET")
_SETTING = re.compile(r"SET (?:LOCAL|SESSION) (\w+)")


def name_of(sql: str) -> str:
    """Return a statement's verb and table, such as "UPDATE turn"; not its whole text, which means nothing to people."""
    called = _FUNCTION.match(sql)
    if called:
        return called[1]
    for pattern in _WRITES:
        written = pattern.match(sql)
        if written:
            return f"{written[1]} {written[2]}"
    read = _READ.match(sql)
    if read:
        return f"SELECT {read[2]}" + (" FOR UPDATE" if "FOR UPDATE" in sql else "")
    if _CLOCK.search(sql):
        return "SELECT the clock"
    setting = _SETTING.match(sql)
    return f"SET {setting[1]}" if setting else sql.split(maxsplit=1)[0]


class Died(BaseException):
    """The process is dead. Not an Exception, because nothing in it may catch this."""


class Process:
    """One process's steps. It dies right before step number `dies_at`, from 0; None: it lives to its end.

    What one does between two steps nobody else can see, so a death after one step is a death before the next. That
    holds for what was sent and whose answer was not read too: a server does what it was sent, whoever reads the answer.
    counts_reads: False takes what changes nothing for anybody else, such as a SELECT, for no step either.
    """

    def __init__(self, dies_at: int | None, counts_reads: bool) -> None:
        self.steps: list[str] = []
        self.is_dead = False
        self._dies_at = dies_at
        self._counts_reads = counts_reads
        self._written: list[str] = []

    def step(self, name: str) -> None:
        """Come to a step. Raises Died, at this one and at every later one, when it is time."""
        self._require_alive()
        if len(self.steps) == self._dies_at:
            self.is_dead = True
            self.die()
            raise Died
        self.steps.append(name)

    def die(self) -> None:
        """Be killed."""

    def execute(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """Wrap the execution of a statement, as Django's execute_wrapper wants it."""
        name = name_of(sql)
        verb, _, table = name.partition(" ")
        self._step(name, is_read=verb in _READS)
        if verb in ("INSERT", "UPDATE", "DELETE") and table not in self._written:
            self._written.append(table)
        return execute(sql, params, many, context)

    def commit(self, commit: Any) -> Any:
        """Wrap a COMMIT, which no execute_wrapper sees. It is named after the tables that were written."""
        self._step(f"COMMIT {', '.join(self._written)}".strip(), is_read=not self._written)
        self._written.clear()
        return commit()

    def set_autocommit(self, set_autocommit: Any, autocommit: bool) -> None:
        """Wrap what begins and ends transactions for Django: no step, but the end of one would commit."""
        self._require_alive()
        set_autocommit(autocommit)

    def roll_back(self, roll_back: Any) -> Any:
        """Wrap a ROLLBACK."""
        self._step("ROLLBACK", is_read=not self._written)
        self._written.clear()
        return roll_back()

    def _step(self, name: str, is_read: bool) -> None:
        if is_read and not self._counts_reads:
            self._require_alive()
        else:
            self.step(name)

    def _require_alive(self) -> None:
        if self.is_dead:
            raise Died
