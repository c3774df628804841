"""The stores behind `botstate.store` and `botstate.stores`.

Backends are imported when they are first used, so that this package can be imported before Django's models are ready.
"""

from typing import TYPE_CHECKING, Any

from botstate.stores.handler import StoreHandler, StoreProxy

if TYPE_CHECKING:
    from botstate.stores.orm.store import OrmStore

stores = StoreHandler()
store = StoreProxy(stores, "default")

__all__ = ["OrmStore", "store", "stores"]


def __getattr__(name: str) -> Any:
    if name == "OrmStore":
        from botstate.stores.orm.store import OrmStore

        return OrmStore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
