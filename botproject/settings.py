"""Settings of the example project. Everything that differs between machines comes from the environment.

DATABASE_URL                       default: the SQLite file var/botproject.sqlite3
CELERY_BROKER_URL                  default: Celery's filesystem transport in var/broker
SLACK_SIGNING_SECRET, SLACK_BOT_TOKEN, SLACK_API_URL
SECRET_KEY, DEBUG, ALLOWED_HOSTS
BOTPROJECT_VAR                     where files go, default: var beside manage.py
"""

import os
from pathlib import Path
from typing import Any

import dj_database_url
import pymysql

from botstate.tasks import BEAT_SCHEDULE

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("BOTPROJECT_VAR", BASE_DIR / "var"))
VAR.mkdir(parents=True, exist_ok=True)

DEBUG = os.environ.get("DEBUG", "") == "1"
SECRET_KEY = os.environ.get("SECRET_KEY", "only for trying it out on your own machine")
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "127.0.0.1,localhost,testserver").split(",")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "botstate",
    "botproject.support",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "botproject.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "static/"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

#: Slack wants an answer within three seconds: a server that accepts connections and never answers must not hold one up.
CONNECT_WITHIN_S = 2
#: After which a connection whose packets are lost is given up.
UNANSWERED_WITHIN_MS = 10_000


def _database() -> dict[str, Any]:
    database: dict[str, Any] = dict(
        dj_database_url.config(default=f"sqlite:///{VAR / 'botproject.sqlite3'}", conn_max_age=60)
    )
    if database["ENGINE"].endswith("sqlite3"):
        # Writers queue for at most 2 s, and readers never wait for them.
        database["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 2,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
        }
    elif database["ENGINE"].endswith("mysql"):
        pymysql.install_as_MySQLdb()
        # PyMySQL waits for a greeting as long as for any answer.
        database["OPTIONS"] = {"charset": "utf8mb4", "connect_timeout": CONNECT_WITHIN_S, "read_timeout": 60}
    else:
        database["OPTIONS"] = {"connect_timeout": CONNECT_WITHIN_S, "tcp_user_timeout": UNANSWERED_WITHIN_MS}
    return database


DATABASES = {"default": _database()}

BOTSTATE = {
    "SLACK": {
        "BOT": "support",
        "SIGNING_SECRET": os.environ.get("SLACK_SIGNING_SECRET", "only for trying it out"),
        "BOT_TOKEN": os.environ.get("SLACK_BOT_TOKEN", "xoxb-only-for-trying-it-out"),
        "API_URL": os.environ.get("SLACK_API_URL", "https://slack.com/api/"),
    }
}

CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL", "filesystem://")
CELERY_BEAT_SCHEDULE = BEAT_SCHEDULE
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR / "celerybeat-schedule")
CELERY_TASK_IGNORE_RESULT = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
if CELERY_BROKER_URL == "filesystem://":
    BROKER_DIR = VAR / "broker"
    for folder in ("messages", "control", "processed"):
        (BROKER_DIR / folder).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(BROKER_DIR / "messages"),
        "data_folder_out": str(BROKER_DIR / "messages"),
        "control_folder": str(BROKER_DIR / "control"),
        "processed_folder": str(BROKER_DIR / "processed"),
        "store_processed": False,
        "polling_interval": 0.05,
    }

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
# The worker logs as the site does.
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
