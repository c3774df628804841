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
        from botstate.runtime.postgresql.functions import RUNTIME_FUNCTIONS
        from botstate.stores.orm.postgresql.functions import KEYED_FUNCTIONS, STORE_FUNCTIONS

        post_migrate.connect(STORE_FUNCTIONS.restore, sender=self, dispatch_uid="botstate.store_functions")
        post_migrate.connect(KEYED_FUNCTIONS.restore, sender=self, dispatch_uid="botstate.keyed_functions")
        post_migrate.connect(RUNTIME_FUNCTIONS.restore, sender=self, dispatch_uid="botstate.runtime_functions")
        autodiscover_modules("bots")
