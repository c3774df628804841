"""A process that races on Redis; `RedisRacers` starts it. It takes the orders of `tests.stores.racer`.

BOTSTATE_RACE_DATABASE holds the settings' CACHES, BOTSTATE_RACE_NAMESPACE the store's namespace.
"""

import os
from functools import cache
from typing import Any

from tests.stores import racer


def configure(caches: dict[str, Any]) -> None:
    import django
    from django.conf import settings

    settings.configure(INSTALLED_APPS=["botstate"], CACHES=caches, USE_TZ=True)
    django.setup()


@cache
def store() -> Any:
    from botstate.stores import RedisStore

    return RedisStore(namespace=os.environ["BOTSTATE_RACE_NAMESPACE"])


if __name__ == "__main__":
    vars(racer).update(configure=configure, store=store)
    racer.main()
