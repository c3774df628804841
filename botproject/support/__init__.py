"""An example app with a bot in it."""
