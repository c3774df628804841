"""Tests of the fast path; there is nothing to collect on another database."""

from django.conf import settings

collect_ignore_glob = [] if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3") else ["test_*.py"]
