"""`python -m tests`: the suite on SQLite, and on every database server that answers.

PostgreSQL is looked for at BOTSTATE_TEST_POSTGRESQL_URL, else on its standard local port. What was skipped is said in
the last lines; with CI=true a missing server is a failure. Arguments go to pytest.
"""

import os
import subprocess
import sys

import psycopg

POSTGRESQL_URL = os.environ.get("BOTSTATE_TEST_POSTGRESQL_URL", "postgresql://postgres@127.0.0.1:5432/postgres")


def run_pytest(database_url: str | None, *arguments: str) -> bool:
    """Run the suite on one database; True if it passed."""
    environment = dict(os.environ)
    environment.pop("BOTSTATE_TEST_DATABASE_URL", None)
    if database_url is not None:
        environment["BOTSTATE_TEST_DATABASE_URL"] = database_url
    command = [sys.executable, "-m", "pytest", "-n", "2", "-q", *arguments, *sys.argv[1:]]
    return subprocess.run(command, env=environment, check=False).returncode == 0


def postgresql_answers() -> str | None:
    """Return None if the server answers, else why it does not."""
    try:
        psycopg.connect(POSTGRESQL_URL, connect_timeout=3).close()
    except psycopg.Error as error:
        return str(error).strip().splitlines()[-1]
    return None


def main() -> int:
    """Run everything and say what was not run."""
    print("== SQLite", flush=True)
    passed = run_pytest(None)
    problem = postgresql_answers()
    if problem is None:
        print("== PostgreSQL", flush=True)
        # What does not touch the database has run above.
        passed &= run_pytest(POSTGRESQL_URL, "-m", "not once")
        print("== Skipped: nothing.")
    else:
        print(f"== Skipped: everything on PostgreSQL, which does not answer: {problem}")
        passed &= os.environ.get("CI") != "true"
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
