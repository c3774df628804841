"""The ORM store's fast path on SQLite: SQL by hand through Django's cursor, as few statements as can be."""
