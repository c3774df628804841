"""Database servers of a run's own, on free ports of this machine."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Protocol

import pymysql

from botproject.demo.processes import Program
from botproject.demo.waiting import wait_until
from tests.stores.faults.programs import postgresql_folder
from tests.stores.faults.servers import Cluster, Folder
from tests.stores.ports import free_port

READY_WITHIN_S = 60
#: Debian puts servers where an ordinary PATH does not look.
SERVERS_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"


class Database(Protocol):
    """A server that is stopped in the middle of what it does, and recovers when it is started again."""

    url: str

    def start(self) -> None:
        """Start it and wait until it answers."""

    def stop(self) -> None:
        """Let it end at once."""

    def close(self) -> None:
        """Stop it for good and delete its files."""


class PostgreSQL:
    """A PostgreSQL that is stopped by an immediate shutdown."""

    def __init__(self, directory: Path) -> None:
        # Not in the run's directory, into which the account of PostgreSQL may not look.
        self._folder = Folder()
        self._cluster = Cluster(self._folder.__enter__())
        self.url = f"postgresql://postgres@127.0.0.1:{self._cluster.port}/postgres"

    @staticmethod
    def problem() -> str | None:
        """Return None if its programs are here, else which one is not."""
        return None if postgresql_folder() else "PostgreSQL (initdb) is not installed"

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._cluster.start()

    def stop(self) -> None:
        """Let it end at once."""
        self._cluster.stop_at_once()

    def close(self) -> None:
        """Stop it for good and delete its files."""
        self.stop()
        self._folder.__exit__()


class MariaDB:
    """A MariaDB that is stopped by kill -9."""

    def __init__(self, directory: Path) -> None:
        self._data = directory / "mariadb"
        self._port = free_port()
        self.url = f"mysql://root@127.0.0.1:{self._port}/soak"
        user = ["--user=root"] if os.getuid() == 0 else []
        subprocess.run(
            [
                _found("mariadb-install-db"),
                "--no-defaults",
                f"--datadir={self._data}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                *user,
            ],
            check=True,
            capture_output=True,
        )
        self._program = Program(
            "mariadb",
            [
                _found("mariadbd"),
                "--no-defaults",
                f"--datadir={self._data}",
                "--bind-address=127.0.0.1",
                f"--port={self._port}",
                f"--socket={self._data / 'socket'}",
                f"--pid-file={self._data / 'pid'}",
                # What is committed is with the operating system, which does not fall over here.
                "--innodb-flush-log-at-trx-commit=2",
                "--innodb-buffer-pool-size=64M",
                *user,
            ],
            directory=directory,
            environment=os.environ,
            logs=directory / "logs",
        )

    @staticmethod
    def problem() -> str | None:
        """Return None if its programs are here, else which one is not."""
        missing = [name for name in ("mariadb-install-db", "mariadbd") if not shutil.which(name, path=SERVERS_PATH)]
        return f"MariaDB ({missing[0]}) is not installed" if missing else None

    def start(self) -> None:
        """Start it and wait until it answers; the database is made the first time."""
        self._program.start()
        wait_until(self._answers, "MariaDB's answer", READY_WITHIN_S)

    def stop(self) -> None:
        """Let it end at once."""
        self._program.kill()

    def close(self) -> None:
        """Stop it for good; its files are the run's."""
        self.stop()

    def _answers(self) -> bool:
        self._program.require_running()
        try:
            connection = pymysql.connect(host="127.0.0.1", port=self._port, user="root", connect_timeout=2)
        except pymysql.Error:
            return False
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE IF NOT EXISTS soak CHARACTER SET utf8mb4")
        return True


def _found(name: str) -> str:
    found = shutil.which(name, path=SERVERS_PATH)
    if found is None:
        raise FileNotFoundError(name)
    return found
