"""Which servers a run can be on."""

from dataclasses import dataclass

from soak.brokers import RabbitMQ, Redis
from soak.databases import MariaDB, PostgreSQL


@dataclass(frozen=True)
class Combination:
    """A database server and a broker."""

    database: type[PostgreSQL] | type[MariaDB]
    broker: type[Redis] | type[RabbitMQ]

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.database.__name__} with {self.broker.__name__}"

    def problem(self) -> str | None:
        """Return None if its programs are installed, else what is missing."""
        return self.database.problem() or self.broker.problem()


COMBINATIONS = {
    "postgresql+redis": Combination(PostgreSQL, Redis),
    "postgresql+rabbitmq": Combination(PostgreSQL, RabbitMQ),
    "mariadb+redis": Combination(MariaDB, Redis),
}
