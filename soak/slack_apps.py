"""The two Slack apps of a run: one for each bot."""

BOTS = ("soak", "soak_once")


def secret_of(bot: str, secret: str) -> str:
    """Return the signing secret of a bot's app, made of the run's."""
    return f"{secret} of {bot}"
