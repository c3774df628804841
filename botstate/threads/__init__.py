"""Typed per-thread state."""
