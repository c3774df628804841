"""What a project may have set for its sessions changes no answer."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections, transaction

from botstate.stores import OrmStore
from tests.stores.aliases import temporary_store
from tests.stores.faults.operations import ALL, Stocked

pytestmark = pytest.mark.django_db(transaction=True)

ALIAS = "session"
MODES = (
    "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,IGNORE_SPACE,NO_UNSIGNED_SUBTRACTION,HIGH_NOT_PRECEDENCE,"
    "PAD_CHAR_TO_FULL_LENGTH,SIMULTANEOUS_ASSIGNMENT,NO_ZERO_DATE"
)
SESSIONS: dict[str, dict[str, Any]] = {
    "no sql_mode": {"sql_mode": ""},
    "every sql_mode": {"sql_mode": MODES},
    "latin1": {"charset": "latin1"},
    "another collation": {"charset": "utf8mb4", "init_command": "SET collation_connection = utf8mb4_bin"},
    "repeatable read": {"isolation_level": "repeatable read"},
    "serializable": {"isolation_level": "serializable"},
    "the server's isolation": {"isolation_level": None},
    "another time zone": {"init_command": "SET time_zone = '+05:45'"},
    "no autocommit by default": {"init_command": "SET autocommit = 0"},
}
VALUE = {"%s": "100% \\ ' \" \x00 é \U0001f600", "n": [1.0, 2**70, -0.0, None]}


def answers(store: OrmStore) -> dict[str, Any]:
    """Return what every primitive gives, without what is new each time."""
    had = Stocked(store)
    given = {name: call(had) for name, call in ALL.items()}
    given |= {name: type(given[name]) for name in ("lock.acquire", "dedup.claim", "queue.claim")}
    store.kv.set("key % ' \\", VALUE)
    store.list.append("key % ' \\", VALUE)
    store.queue.enqueue("key % ' \\", VALUE)
    got = [store.kv.consume("key % ' \\"), store.list.range("key % ' \\"), store.queue.dequeue("key % ' \\")]
    return given | {"values": repr(got)}


def test_the_session_s_settings_change_no_answer() -> None:
    expected = answers(OrmStore())
    assert expected["values"] == repr([VALUE, [VALUE], VALUE])
    for name, options in SESSIONS.items():
        with temporary_store(ALIAS, OPTIONS=connection.settings_dict["OPTIONS"] | options) as store:
            assert answers(store) == expected, name


@pytest.mark.parametrize(
    ("modes", "named"),
    [
        ("EMPTY_STRING_IS_NULL", "EMPTY_STRING_IS_NULL"),
        ("ORACLE", "ORACLE"),
        (MODES, None),
        ("STRICT_TRANS_TABLES", None),
    ],
)
def test_a_mode_that_no_store_works_with_is_found(modes: str, named: str | None) -> None:
    with temporary_store(ALIAS, OPTIONS=connection.settings_dict["OPTIONS"] | {"sql_mode": modes}) as store:
        found = store.examine()
    assert [line for line in found if f"sql_mode {named}" in line] == found, found
    assert len(found) == (named is not None)


def test_mysql_is_given_nothing_that_only_mariadb_knows() -> None:
    def refuse(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        assert "NOT ATOMIC" not in sql and "VALUES(" not in sql
        return execute(sql, *rest)

    with temporary_store(ALIAS) as store:
        connections[ALIAS].ensure_connection()
        connections[ALIAS].__dict__["mysql_is_mariadb"] = False
        with connections[ALIAS].execute_wrapper(refuse):
            assert answers(store) == answers(OrmStore())


@pytest.mark.parametrize("level", ["read committed", "repeatable read"])
def test_an_old_snapshot_of_the_caller_decides_no_write(level: str) -> None:
    other = OrmStore()
    options = connection.settings_dict["OPTIONS"] | {"isolation_level": level}
    with temporary_store(ALIAS, OPTIONS=options) as store:
        for value in range(3):
            other.queue.enqueue("queue", value)
            other.list.append("list", value)
        with transaction.atomic(using=ALIAS):
            assert store.kv.get("kv") is None, "the snapshot is taken"
            assert other.queue.dequeue("queue") == 0
            claim = other.queue.claim("queue", 60)
            assert claim is not None
            other.queue.enqueue("queue", 3)
            other.list.append("list", 3)
            other.kv.set("kv", "other's")
            assert other.dedup.seen("seen", 60) is False
            assert store.dedup.seen("seen", 60) is True
            assert store.kv.consume("kv") == "other's"
            assert store.list.append("list", 4, max_len=3) == 3
            assert store.queue.dequeue("queue") == 2
            assert store.queue.enqueue("queue", 4, max_size=2) == 2, "the oldest that waits was dropped"
        assert store.list.range("list") == [2, 3, 4]
        assert other.queue.ack("queue", claim.token)
        assert store.queue.dequeue("queue") == 4
        assert store.queue.depth("queue") == 0


def test_a_claim_that_ended_since_the_snapshot_is_not_seen() -> None:
    other = OrmStore()
    options = connection.settings_dict["OPTIONS"] | {"isolation_level": "repeatable read"}
    with temporary_store(ALIAS, OPTIONS=options) as store:
        token = other.dedup.claim("key", 60) or ""
        with transaction.atomic(using=ALIAS):
            assert store.dedup.check("key") == "claimed"
            assert other.dedup.release("key", token)
            assert store.dedup.seen("key", 60) is False
