"""Columns for a digest of 128 bits, and for bytes that can be put in order."""

from typing import Any
from uuid import UUID

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class DigestField(models.UUIDField):
    """128 bits as a uuid.UUID: PostgreSQL's uuid type, 32 hex digits elsewhere.

    Not MariaDB's uuid type, which refuses a quarter of all values: those whose version and variant no standard knows.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """Return the column's type; on MySQL and MariaDB one that no collation reaches."""
        if connection.vendor == "mysql":
            return "char(32) CHARACTER SET ascii COLLATE ascii_bin"
        return super().db_type(connection)

    def rel_db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """Return the type of a foreign key's column: the same."""
        return self.db_type(connection)

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        """Return what the driver is given."""
        prepared_value = super().get_db_prep_value(value, connection, prepared)
        return (
            prepared_value.hex if connection.vendor == "mysql" and isinstance(prepared_value, UUID) else prepared_value
        )

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> UUID | None:
        """Return the digest that a row holds."""
        return UUID(value) if isinstance(value, str) else value


class BytesField(models.BinaryField):
    """Bytes that are compared one by one, from 0 to `max_length` of them, on every database; may be indexed.

    PostgreSQL's bytea, SQLite's blob; a varbinary on MySQL and MariaDB, whose blobs have no plain index.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """Return the column's type."""
        if connection.vendor == "mysql":
            return f"varbinary({self.max_length})"
        return super().db_type(connection)
