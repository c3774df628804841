"""The ORM store's fast path on MariaDB: every operation is one statement."""
