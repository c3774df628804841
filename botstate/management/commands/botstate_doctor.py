"""`manage.py botstate_doctor`: ask the live servers what `manage.py check` must not."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from botstate.exceptions import StoreError
from botstate.runtime.examination import examine_runtime
from botstate.stores import stores


class Command(BaseCommand):
    """Prints what is wrong, a line each, and ends with exit code 1 if anything is."""

    help = "Ask the databases, the stores and the bots what is wrong with them."
    # A database without its migrations is one of the findings.
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """It takes none."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Examine every store, then the runtime."""
        findings = 0
        examinations = [(f"store {alias!r}", stores[alias].examine) for alias in stores]
        for name, examine in [*examinations, ("runtime", examine_runtime)]:
            try:
                found = examine()
            except StoreError as error:
                found = [f"it could not be examined: {error}"]
            for finding in found:
                self.stdout.write(self.style.WARNING(f"✗ {name}: {finding}"))
            if not found:
                self.stdout.write(self.style.SUCCESS(f"✓ {name}"))
            findings += len(found)
        if findings:
            raise CommandError(f"{findings} found", returncode=1)
