"""Settings of the tests: the example project's, on the database named by BOTSTATE_TEST_DATABASE_URL."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("BOTPROJECT_VAR", str(Path(tempfile.gettempdir()) / f"botstate-tests-{os.getuid()}"))
if "BOTSTATE_TEST_DATABASE_URL" in os.environ:
    os.environ["DATABASE_URL"] = os.environ["BOTSTATE_TEST_DATABASE_URL"]
else:
    os.environ.pop("DATABASE_URL", None)

from botproject.settings import *  # noqa: F403
from botproject.settings import DATABASES, VAR

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, so that other threads and processes of a test see it too.
    DATABASES["default"]["TEST"] = {"NAME": str(VAR / "test.sqlite3")}
elif DATABASES["default"]["ENGINE"].endswith("mysql"):
    # Else each connection of PyMySQL's loads every certificate of the machine, which takes it 30 ms.
    DATABASES["default"]["OPTIONS"]["ssl_disabled"] = True
DATABASES["default"]["CONN_MAX_AGE"] = 0

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {}
SIGNING_SECRET = "tests' signing secret"
BOTSTATE = {
    "SLACK": {
        "BOT": "helper",
        "SIGNING_SECRET": SIGNING_SECRET,
        "BOT_TOKEN": "xoxb-tests",
        "API_URL": "http://127.0.0.1:9/",
    }
}
