"""Django's settings of the site, of the worker, and of the parent that starts them."""

from urllib.parse import urlsplit

from bench.databases import POSTGRESQL_URL
from bench.runtime import environment
from bench.runtime.environment import told

_SERVER = urlsplit(POSTGRESQL_URL)

ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
SECRET_KEY = "only for the benchmarks"  # noqa: S105
# No middleware: what a project adds costs every contestant the same, and would flatter the ratios.
MIDDLEWARE: list[str] = []
INSTALLED_APPS = ["botstate", "bench.runtime"]
ROOT_URLCONF = "bench.runtime.urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": told(environment.DATABASE),
        "HOST": _SERVER.hostname or "127.0.0.1",
        "PORT": str(_SERVER.port or 5432),
        "USER": _SERVER.username or "",
        "PASSWORD": _SERVER.password or "",
        "CONN_MAX_AGE": 600,
    }
}
BOTSTATE = {
    "SLACK": {"BOT": told(environment.BOT) or environment.IDLE_BOT, "SIGNING_SECRET": environment.SECRET},
}

CELERY_BROKER_URL = told(environment.BROKER)
CELERY_BROKER_TRANSPORT_OPTIONS = {"global_keyprefix": told(environment.KEY_PREFIX)}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
# As docs/settings.md advises.
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# It would leave queues of its own in Redis.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
