"""The ORM store's fast path on PostgreSQL: every operation is one statement and one round trip."""
