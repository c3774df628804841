"""The runtime on PostgreSQL: its common cases, one statement each."""
