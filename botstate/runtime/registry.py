"""The bots of this project, by name."""

from typing import TYPE_CHECKING

from botstate.exceptions import BotStateMisconfigured

if TYPE_CHECKING:
    from botstate.runtime.bot import Bot


class BotRegistry:
    """Every Bot adds itself here when it is made; `bots.py` modules are imported when Django starts."""

    def __init__(self) -> None:
        self._bots: dict[str, Bot] = {}
        #: Names that were given to more than one bot: an error of `manage.py check`.
        self.duplicates: set[str] = set()

    def add(self, bot: "Bot") -> None:
        """Register a bot; a second one of the same name takes the first one's place and is reported."""
        if bot.name in self._bots:
            self.duplicates.add(bot.name)
        self._bots[bot.name] = bot

    def remove(self, name: str) -> None:
        """Forget a bot, for tests."""
        self._bots.pop(name, None)
        self.duplicates.discard(name)

    def get(self, name: str) -> "Bot | None":
        """Return the bot of this name, or None."""
        return self._bots.get(name)

    def names(self) -> list[str]:
        """Return the names of all bots, in the order in which they were made."""
        return list(self._bots)

    def for_app(self, name: str | None) -> "Bot":
        """Return the bot that a platform's app belongs to; None stands for the only one there is.

        Raises BotStateMisconfigured when there is no such bot.
        """
        if name is None:
            if len(self._bots) != 1:
                raise BotStateMisconfigured(
                    f"an app without BOT needs exactly one bot, and there are {len(self._bots)}: {self.names()}"
                )
            return next(iter(self._bots.values()))
        bot = self._bots.get(name)
        if bot is None:
            raise BotStateMisconfigured(f"there is no bot {name!r}; bots.py modules define {self.names()}")
        return bot


bots = BotRegistry()
