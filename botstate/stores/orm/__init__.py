"""The ORM store: every facet as rows of the project's own database, on any database that Django knows."""
