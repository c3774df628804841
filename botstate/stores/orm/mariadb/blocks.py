"""Making one statement of several: MariaDB's compound statement, which needs neither a procedure nor a privilege.

Within one, each inner statement has its own time and, at READ COMMITTED, its own snapshot. So the row is locked by the
first, and the clock and what the row guards are read by later ones, whatever the isolation level.
"""

from dataclasses import dataclass

#: The server's clock in microseconds since 1970. It stands still within a statement, also while that waits for a row.
_CLOCK = "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))"


@dataclass(frozen=True, slots=True)
class Block:
    """One statement in two forms: `alone` commits by itself, `joined` leaves that to the caller's transaction."""

    alone: str
    joined: str


def plain(sql: str) -> Block:
    """Return a Block of a single statement, which is alike in both forms. {clock} stands for the server's clock."""
    sql = _filled(sql, {"clock": _CLOCK})
    return Block(sql, sql)


def block(variables: str, body: str, result: str, glance: str = "", **fragments: str) -> Block:
    """Return a Block that runs `body` in one transaction and has `result` as its only row.

    variables: their declarations; all are null at first. No name may be that of a column, which it would hide.
    glance: a statement that sets `is_taken` where there is nothing to do, which is found without a lock or a
    transaction. The caller's transaction may look at an old snapshot, so `joined` does without.
    fragments: what the body's {names} stand for. {clock} stands for the server's clock.
    """
    body = _filled(body.strip(), {**fragments, "clock": _CLOCK})
    own = f"START TRANSACTION;\n{body}\nCOMMIT;"
    if glance:
        own = f"{_filled(glance.strip(), {'clock': _CLOCK})}\nIF is_taken IS NULL THEN\n{own}\nEND IF;"
    return Block(_compound(variables, own, result), _compound(variables, body, result))


def lock_or_create(table: str, columns: str, variables: str, fresh: str) -> str:
    """Return statements that lock the row of %(digest)s and read its `columns` into `variables`.

    fresh: what the columns of a new row hold. The first variable must be of a column that is never null.
    """
    names = {
        "table": table,
        "columns": columns,
        "variables": variables,
        "fresh": fresh,
        "first": variables.partition(",")[0],
        "lock": _LOCK,
    }
    return _filled(_filled(_LOCK_OR_CREATE, names), names)


_LOCK = "SELECT {columns} INTO {variables} FROM {table} WHERE digest = %(digest)s FOR UPDATE;"
# Where another's insert came first, ON DUPLICATE KEY locks its row exclusively, as IGNORE would not.
_LOCK_OR_CREATE = """
{lock}
IF {first} IS NULL THEN
  INSERT INTO {table} (digest, namespace, label, {columns}) VALUES (%(digest)s, %(namespace)s, %(label)s, {fresh})
  ON DUPLICATE KEY UPDATE label = {table}.label;
  {lock}
END IF;"""


def _compound(variables: str, statements: str, result: str) -> str:
    return f"BEGIN NOT ATOMIC\n{variables}\n{statements}\nSELECT {result};\nEND"


def _filled(sql: str, fragments: dict[str, str]) -> str:
    for name, fragment in fragments.items():
        sql = sql.replace(f"{{{name}}}", fragment)
    return sql
