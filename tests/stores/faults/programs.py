"""The programs that fault tests start, and the Debian packages that they come in."""

import shutil
from collections.abc import Callable
from pathlib import Path

PACKAGES = {"postgresql": "postgresql", "pgbouncer": "pgbouncer", "faketime": "faketime"}


def postgresql_folder() -> Path | None:
    """Return the folder with initdb and postgres: the newest of Debian's, else the one in PATH."""
    versions = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    if versions:
        return max(versions, key=lambda path: int(path.parent.name))
    found = shutil.which("initdb")
    return Path(found).parent if found else None


def pgbouncer() -> str | None:
    """Return the program; Debian's is in a folder that PATH need not have."""
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")


_FINDERS: dict[str, Callable[[], object]] = {
    "postgresql": postgresql_folder,
    "pgbouncer": pgbouncer,
    "faketime": lambda: shutil.which("faketime"),
}


def problem(name: str) -> str | None:
    """Return None if the program is there, else what to do about it."""
    if _FINDERS[name]() is None:
        return f"{name} is not installed; it comes with Debian's package {PACKAGES[name]}"
    return None
