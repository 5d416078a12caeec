"""A group's settings as its member's client holds them: read once, then followed. Pure."""

from typing import Any

from msgspec import Struct, convert
from msgspec.structs import asdict

from hubbub_protocol.frames import Media, Message
from hubbub_protocol.rest import Chat as ChatRecord
from hubbub_protocol.rest import Posting, Visibility


class Settings(Struct, frozen=True):
    """What owners and admins say of a group (spec section 1.3)."""

    title: str | None = None
    description: str = ""
    picture: Media | None = None
    posting: Posting = "all"
    slow_seconds: int = 0
    history: str = "joined"
    visibility: Visibility = "private"


class Followed:
    """`now` is None while they are not known.

    `_at`: the newest position that could have changed them. What REST says of an earlier one, since
    its answer was slower than the log, is not taken.
    """

    def __init__(self) -> None:
        self.now: Settings | None = None
        self._at = 0

    def learn(self, record: ChatRecord) -> bool:
        """What REST says of the chat at its position. True: that is news."""
        if record.seq < self._at:
            return False
        return self._set(record.seq, {name: getattr(record, name) for name in FIELDS})

    def fold(self, message: Message) -> bool:
        """A message of the log, in the order of positions. True: it changed the settings."""
        said = message.system
        if said is None or said.get("kind") != "chat_changed" or message.seq <= self._at:
            return False
        if self.now is None:
            self._at = message.seq
            return False
        named = {name: said[name] for name in FIELDS if name in said}
        return self._set(message.seq, asdict(self.now) | named)

    def skipped(self, position: int) -> None:
        """The log was passed over up to there: a change may lie in it."""
        if position > self._at:
            self.now, self._at = None, position

    def _set(self, at: int, values: dict[str, Any]) -> bool:
        before = self.now
        self.now, self._at = convert(values, Settings), at
        return self.now != before


FIELDS = Settings.__struct_fields__
