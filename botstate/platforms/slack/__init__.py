"""Slack: verifying and parsing what it sends, rendering and sending what it shows."""
