"""Brokers of a run's own, on free ports of this machine: they can be flushed, and stopped by kill -9."""

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import amqp
import redis

from botproject.demo.processes import Program
from botproject.demo.waiting import wait_until
from soak.databases import SERVERS_PATH
from tests.stores.ports import free_port

READY_WITHIN_S = 60
RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
QUEUE = "celery"


class Broker(Protocol):
    """What carries the rings."""

    url: str

    def start(self) -> None:
        """Start it; it may answer later."""

    def wait(self) -> None:
        """Wait until it answers."""

    def stop(self) -> None:
        """Let it end at once."""

    def flush(self) -> bool:
        """Throw away what waits in it; False if it did not answer."""

    def close(self) -> None:
        """Stop it for good."""


class Files:
    """Files of the example project's transport, in the run's directory; there is nothing to start or stop."""

    url = "filesystem://"

    def __init__(self, directory: Path) -> None:
        self._messages = directory / "broker" / "messages"

    def start(self) -> None:
        """Do nothing."""

    wait = stop = close = start

    def flush(self) -> bool:
        """Delete what waits."""
        for message in self._messages.glob("*.msg"):
            with suppress(FileNotFoundError):
                message.unlink()
        return True


class Redis:
    """A Redis that keeps nothing on disk, so that stopping it loses what it held."""

    def __init__(self, directory: Path) -> None:
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
        self._program = Program(
            "redis",
            ["redis-server", *options, "--dir", str(directory)],
            directory=directory,
            environment=os.environ,
            logs=directory / "logs",
        )

    @staticmethod
    def problem() -> str | None:
        """Return None if its program is here, else what is missing."""
        return None if shutil.which("redis-server") else "Redis (redis-server) is not installed"

    def start(self) -> None:
        """Start it."""
        self._program.start()

    def wait(self) -> None:
        """Wait until it answers."""
        wait_until(lambda: self._program.require_running() or self._ask("PING"), "Redis's answer", READY_WITHIN_S)

    def stop(self) -> None:
        """Let it end at once."""
        self._program.kill()

    def flush(self) -> bool:
        """Throw everything away."""
        return self._ask("FLUSHALL")

    def close(self) -> None:
        """Stop it for good."""
        self.stop()

    def _ask(self, command: str) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_connect_timeout=2, socket_timeout=2) as client:
                return bool(client.execute_command(command))
        except redis.RedisError:
            return False


class RabbitMQ:
    """A RabbitMQ node, and an epmd, with files, cookie, name and ports of their own.

    rabbitmqctl is not needed: it is flushed as any client could, and stopped by signals.
    """

    def __init__(self, directory: Path) -> None:
        home = directory / "rabbitmq"
        home.mkdir()
        (home / "enabled_plugins").write_text("[].")
        (home / "rabbitmq.conf").touch()
        self._port, epmd_port = free_port(), free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self._port}//"
        environment = {
            **os.environ,
            "PATH": SERVERS_PATH,
            "HOME": str(home),
            "ERL_EPMD_PORT": str(epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_FLAGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_NODENAME": f"soak{self._port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_PID_FILE": str(home / "pid"),
        }
        epmd = ["epmd", "-port", str(epmd_port), "-address", "127.0.0.1"]
        self._epmd, self._node = (
            Program(name, command, directory=home, environment=environment, logs=directory / "logs")
            for name, command in (("epmd", epmd), ("rabbitmq", [str(RABBITMQ)]))
        )

    @staticmethod
    def problem() -> str | None:
        """Return None if its programs are here, else what is missing."""
        has_all = RABBITMQ.exists() and shutil.which("epmd", path=SERVERS_PATH)
        return None if has_all else f"RabbitMQ ({RABBITMQ}, epmd) is not installed"

    def start(self) -> None:
        """Start it; it takes some seconds until it answers."""
        if not self._epmd.pids():
            self._epmd.start()
        self._node.start()

    def wait(self) -> None:
        """Wait until it answers."""
        wait_until(lambda: self._node.require_running() or self._answers(), "RabbitMQ's answer", READY_WITHIN_S)

    def stop(self) -> None:
        """Let it end at once."""
        self._node.kill()

    def flush(self) -> bool:
        """Throw away what waits in Celery's queue."""
        try:
            with self._connection() as connection:
                connection.channel().queue_purge(QUEUE)
        except (OSError, amqp.AMQPError):
            return False
        return True

    def close(self) -> None:
        """Stop it for good."""
        self._node.kill()
        self._epmd.kill()

    def _answers(self) -> bool:
        try:
            with self._connection():
                return True
        except (OSError, amqp.AMQPError):
            return False

    def _connection(self) -> amqp.Connection:
        address = f"127.0.0.1:{self._port}"
        return amqp.Connection(address, connect_timeout=2, read_timeout=5, write_timeout=5)
