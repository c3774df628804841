"""Durable, typed, inspectable state for chat bots, as a Django app."""

from botstate.runtime.bot import Bot
from botstate.stores import store, stores
from botstate.ui.handlers import bind

__version__ = "0.1.0"

__all__ = ["Bot", "bind", "store", "stores"]
