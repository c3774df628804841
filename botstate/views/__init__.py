"""Webhooks: verify, parse, accept, answer."""
