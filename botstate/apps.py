"""The Django app."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class BotstateConfig(AppConfig):
    """Registers the checks and imports every installed app's `bots.py`."""

    name = "botstate"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from botstate import checks  # noqa: F401

        autodiscover_modules("bots")
