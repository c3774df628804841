"""The Django app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class BotstateConfig(AppConfig):
    """Registers the checks, keeps the database functions and imports every installed app's `bots.py`."""

    name = "botstate"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from botstate import checks  # noqa: F401
        from botstate.stores.orm.postgresql.functions import restore_functions

        post_migrate.connect(restore_functions, sender=self, dispatch_uid="botstate.restore_functions")
        autodiscover_modules("bots")
