"""Durable actions: ids, snapshots of posted controls, and the way back from a click to its handler."""

from botstate.actions.minting import mint_id

__all__ = ["mint_id"]
