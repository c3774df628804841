"""Scratch databases of one run, made and dropped here, and Django's settings for them.

Each SQL server gets twins: "ours" is measured, "recorder" is where a call's statements are written down, "floor" is
where they are played again, and "peers" is the peers'. "small" and "large" are for the flatness.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pymysql
import redis

POSTGRESQL_URL = os.environ.get("BENCH_POSTGRESQL_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
MARIADB_URL = os.environ.get("BENCH_MARIADB_URL", "mysql://root@127.0.0.1:3306/")
REDIS_URL = os.environ.get("BENCH_REDIS_URL", "redis://127.0.0.1:6379/15")

SQL_STORES = ("sqlite", "postgresql", "mariadb")
STORES = ("memory", "redis", *SQL_STORES)
ROLES = ("ours", "recorder", "floor", "peers", "small", "large")
NAMESPACE = "bench"
#: What a run's keys in Redis begin with, ours and the peers'.
REDIS_PREFIXES = ("botstate:bench", "bench-peers:")


def name_of(run: str, role: str) -> str:
    """Return the scratch database's name on a server."""
    return f"botstate_bench_{run}_{role}"


def url_of_postgresql(run: str, role: str) -> str:
    """Return where a scratch database on PostgreSQL is."""
    return urlsplit(POSTGRESQL_URL)._replace(path=f"/{name_of(run, role)}").geturl()


def configure(run: str) -> None:
    """Set Django up, with an alias such as "postgresql_ours" for every scratch database of `run`."""
    import django  # noqa: PLC0415
    from django.conf import settings  # noqa: PLC0415

    pymysql.install_as_MySQLdb()
    aliases = {f"{store}_{role}": _alias(store, run, role) for store in SQL_STORES for role in ROLES}
    settings.configure(
        INSTALLED_APPS=["botstate"],
        DATABASES={"default": {}, **aliases},
        CACHES={
            "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
            "redis": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": REDIS_URL},
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    django.setup()


def create(store: str, run: str, role: str) -> None:
    """Make a scratch database with botstate's tables; a no-op for what has no databases."""
    from django.core.management import call_command  # noqa: PLC0415

    if store not in SQL_STORES:
        return
    _on_server(store, f"CREATE DATABASE {name_of(run, role)}")
    if store == "sqlite":
        _folder(run).mkdir(exist_ok=True)
    if role != "peers":
        call_command("migrate", database=f"{store}_{role}", verbosity=0)


def drop_all(run: str, created: list[tuple[str, str]]) -> None:
    """Drop what `create` made, and every key of the benchmark in Redis."""
    from django.db import connections  # noqa: PLC0415

    connections.close_all()
    for store, role in created:
        force = " WITH (FORCE)" if store == "postgresql" else ""
        _on_server(store, f"DROP DATABASE IF EXISTS {name_of(run, role)}{force}")
    shutil.rmtree(_folder(run), ignore_errors=True)


def drop_keys() -> None:
    """Delete the benchmark's keys from Redis."""
    with redis.Redis.from_url(REDIS_URL) as client:
        for prefix in REDIS_PREFIXES:
            for key in client.scan_iter(match=f"{prefix}*", count=1_000):
                client.unlink(key)


def problem_with(store: str) -> str | None:
    """Return None if the store's server answers, else why it does not."""
    try:
        if store == "postgresql":
            psycopg.connect(POSTGRESQL_URL, connect_timeout=3).close()
        elif store == "mariadb":
            _connect_to_mariadb().close()
        elif store == "redis":
            with redis.Redis.from_url(REDIS_URL) as client:
                client.ping()
    except (psycopg.Error, pymysql.Error, redis.RedisError) as error:
        return str(error).strip().splitlines()[-1]
    return None


def version_of(store: str) -> str:
    """Return the version of what the store stands on, for people."""
    import sqlite3  # noqa: PLC0415

    if store == "postgresql":
        with psycopg.connect(POSTGRESQL_URL) as connection:
            number, commit = (
                connection.execute(f"SHOW {name}").fetchone() for name in ("server_version", "synchronous_commit")
            )
        return f"PostgreSQL {str(number and number[0]).split()[0]}, synchronous_commit {commit and commit[0]}"
    if store == "mariadb":
        with _connect_to_mariadb() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT VERSION()")
            return f"MariaDB {cursor.fetchone()[0].split('-')[0]}"
    if store == "redis":
        with redis.Redis.from_url(REDIS_URL) as client:
            return f"Redis {client.info('server')['redis_version']}"
    return f"SQLite {sqlite3.sqlite_version}, WAL" if store == "sqlite" else "this process"


def _alias(store: str, run: str, role: str) -> dict[str, Any]:
    if store == "sqlite":
        options = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
        }
        name = str(_folder(run) / f"{role}.sqlite3")
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": name, "OPTIONS": options}
    parts = urlsplit(POSTGRESQL_URL if store == "postgresql" else MARIADB_URL)
    return {
        "ENGINE": f"django.db.backends.{'postgresql' if store == 'postgresql' else 'mysql'}",
        "NAME": name_of(run, role),
        "HOST": parts.hostname or "127.0.0.1",
        "PORT": str(parts.port or (5432 if store == "postgresql" else 3306)),
        "USER": parts.username or "",
        "PASSWORD": parts.password or "",
        "OPTIONS": {} if store == "postgresql" else {"charset": "utf8mb4"},
    }


def _on_server(store: str, sql: str) -> None:
    if store == "postgresql":
        with psycopg.connect(POSTGRESQL_URL, autocommit=True) as connection:
            connection.execute(sql)
    elif store == "mariadb":
        with _connect_to_mariadb() as connection, connection.cursor() as cursor:
            cursor.execute(f"{sql} CHARACTER SET utf8mb4" if sql.startswith("CREATE") else sql)


def _connect_to_mariadb() -> Any:
    parts = urlsplit(MARIADB_URL)
    return pymysql.connect(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 3306,
        user=parts.username or "root",
        password=parts.password or "",
        connect_timeout=3,
    )


def _folder(run: str) -> Path:
    return Path(tempfile.gettempdir()) / f"botstate-bench-{run}"
