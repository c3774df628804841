"""A PostgreSQL and a PgBouncer of a test's own, on free ports of this machine, as an unprivileged user."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from tests.stores.faults.programs import pgbouncer, postgresql_folder
from tests.stores.ports import free_port
from tests.stores.waiting import until

ROOT = Path(__file__).parent.parent.parent.parent
STOPPED_WITHIN_S = 20
#: Whom the servers run as where the tests run as root, which neither of them accepts.
ACCOUNT = "postgres"


def as_account() -> dict[str, Any]:
    """Return the arguments of `subprocess` that let a server run as somebody whom it accepts."""
    return {"user": ACCOUNT, "group": ACCOUNT, "extra_groups": []} if os.getuid() == 0 else {}


class Folder:
    """A folder for a server's files; not pytest's tmp_path, into which only the tests' own user may look."""

    def __enter__(self) -> Path:
        self._path = Path(tempfile.mkdtemp(prefix="botstate-faults-"))
        if os.getuid() == 0:
            shutil.chown(self._path, ACCOUNT, ACCOUNT)
        return self._path

    def __exit__(self, *exc_info: object) -> None:
        shutil.rmtree(self._path, ignore_errors=True)


class _Server:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def _start(self, *command: str) -> None:
        log = self.folder / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **as_account()
            )
        until(self._answers, f"{command[0]} answers; see what it says:\n{log.read_text()}")

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"it ended: {(self.folder / 'log').read_text()}"
        with suppress(psycopg.OperationalError):
            psycopg.connect(self.dsn, connect_timeout=2).close()
            return True
        return False

    def _stop(self, with_signal: int) -> None:
        if self._process is None:
            return
        self._process.send_signal(with_signal)
        try:
            self._process.wait(STOPPED_WITHIN_S)
        finally:
            self._process.kill()
            self._process = None

    @property
    def dsn(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"

    @property
    def settings(self) -> dict[str, Any]:
        """What DATABASES says of it."""
        return {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": "127.0.0.1",
            "PORT": self.port,
            "USER": "postgres",
            "PASSWORD": "",
            "NAME": "postgres",
            "OPTIONS": {},
        }


class Cluster(_Server):
    """A PostgreSQL whose files are in `folder`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._data = folder / "data"
        programs = postgresql_folder()
        assert programs is not None
        self._postgres = str(programs / "postgres")
        initdb = [programs / "initdb", "--pgdata", self._data, "--username", "postgres", "--auth", "trust"]
        subprocess.run(
            [*initdb, "--encoding", "UTF8", "--no-locale", "--no-sync"],
            cwd=folder,
            check=True,
            capture_output=True,
            **as_account(),
        )

    def start(self) -> None:
        """Start it and wait until it answers. It is not synced to the disk: this machine does not fall over."""
        options = ("fsync=off", "listen_addresses=127.0.0.1", "unix_socket_directories=", "shared_buffers=16MB")
        self._start(
            self._postgres, "-D", str(self._data), "-p", str(self.port), *(w for o in options for w in ("-c", o))
        )

    def stop_at_once(self) -> None:
        """Let it end as in an immediate shutdown: it finishes nothing, and recovers when it is started again."""
        self._stop(signal.SIGQUIT)

    def migrate(self) -> None:
        """Run `manage.py migrate` as a project would."""
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "botstate", "--verbosity", "0"],
            cwd=ROOT,
            env=os.environ
            | {
                "DJANGO_SETTINGS_MODULE": "botproject.settings",
                "DATABASE_URL": f"postgresql://postgres@127.0.0.1:{self.port}/postgres",
            },
            check=True,
        )


class Bouncer(_Server):
    """A PgBouncer in front of a cluster, with `pool_size` connections to it."""

    def __init__(self, folder: Path, cluster: Cluster, pool_size: int, mode: str = "transaction") -> None:
        super().__init__(folder)
        (folder / "users.txt").write_text('"postgres" ""\n')
        self._ini = folder / "pgbouncer.ini"
        self._ini.write_text(
            "[databases]\n"
            f"postgres = host=127.0.0.1 port={cluster.port}\n"
            "[pgbouncer]\n"
            "listen_addr = 127.0.0.1\n"
            f"listen_port = {self.port}\n"
            "unix_socket_dir =\n"
            "auth_type = trust\n"
            f"auth_file = {folder}/users.txt\n"
            f"pool_mode = {mode}\n"
            f"default_pool_size = {pool_size}\n"
        )

    def start(self) -> None:
        """Start it and wait until the cluster answers through it."""
        program = pgbouncer()
        assert program is not None
        self._start(program, str(self._ini))

    def stop(self) -> None:
        """Let it end."""
        self._stop(signal.SIGTERM)
