"""Who types where, and when to say so. Pure."""

from typing import Final

from hubbub_client.events import TypingChanged

EXPIRY: Final = 6.0  # seconds (spec section 6)
REPEAT: Final = 3.0  # how often going on typing is said again
CAPACITY: Final = 1_000


class Typers:
    """Others' typing, which expires, and the user's own, which is repeated now and then."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, str], float] = {}
        self._said: dict[str, float] = {}

    def heard(self, chat_id: str, user_id: str, is_typing: bool, now: float) -> list[TypingChanged]:
        """A `typing` frame, or (not typing) a message of that user."""
        key = (chat_id, user_id)
        before = key in self._until
        if is_typing and (before or len(self._until) < CAPACITY):
            self._until[key] = now + EXPIRY
        else:
            self._until.pop(key, None)
        after = key in self._until
        return [] if before == after else [TypingChanged(chat_id, user_id, after)]

    def expire(self, now: float) -> list[TypingChanged]:
        """Whose time is over."""
        over = [key for key, until in self._until.items() if until <= now]
        for key in over:
            del self._until[key]
        return [TypingChanged(chat_id, user_id, False) for chat_id, user_id in over]

    def forget(self, chat_id: str | None = None) -> list[TypingChanged]:
        """The chat (or with None the connection) is gone."""
        gone = [key for key in self._until if chat_id in (None, key[0])]
        for key in gone:
            del self._until[key]
        if chat_id is None:
            self._said.clear()
        return [TypingChanged(chat, user_id, False) for chat, user_id in gone]

    def say(self, chat_id: str, is_typing: bool, now: float) -> bool:
        """The user types or stopped: whether to tell the server."""
        said = self._said.get(chat_id)
        if is_typing:
            if said is not None and now - said < REPEAT:
                return False
            self._said[chat_id] = now
            return True
        return self._said.pop(chat_id, None) is not None

    def deadline(self) -> float | None:
        """When the next one expires."""
        return min(self._until.values(), default=None)
