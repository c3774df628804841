"""The stores behind `botstate.store` and `botstate.stores`.

Backends are imported when they are first used, so that this package can be imported before Django's models are ready.
"""

from typing import TYPE_CHECKING, Any

from botstate.stores.handler import StoreHandler, StoreProxy

if TYPE_CHECKING:
    from botstate.stores.memory.store import MemoryStore
    from botstate.stores.orm.store import OrmStore
    from botstate.stores.redis.store import RedisStore

stores = StoreHandler()
store = StoreProxy(stores, "default")

__all__ = ["MemoryStore", "OrmStore", "RedisStore", "store", "stores"]


def __getattr__(name: str) -> Any:
    if name == "MemoryStore":
        from botstate.stores.memory.store import MemoryStore

        return MemoryStore
    if name == "OrmStore":
        from botstate.stores.orm.store import OrmStore

        return OrmStore
    if name == "RedisStore":
        from botstate.stores.redis.store import RedisStore

        return RedisStore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
