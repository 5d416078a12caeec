"""Chats that REST is asked about, since frames do not tell everything, and when. Pure."""

from typing import Final

from hubbub_client.logs import Logs

FLOOR_EVERY: Final = 2.0  # seconds between two reads of a large chat's receipts
RECEIPT_CHATS: Final = 100
LOOKED_UP: Final = 50  # chats that are asked about after a replay


class Lookups:
    """What is wanted of which chat's record, and the receipts that a resume asks for."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self._when: dict[str, float] = {}
        self._asked: list[str] = []  # chats whose receipts this connection's resume asked for

    def want(self, chat_id: str, when: float) -> None:
        """Read it then, if nobody wants it earlier."""
        self._when.setdefault(chat_id, when)

    def due(self, now: float) -> list[str]:
        """The chats whose time has come."""
        due = [chat_id for chat_id, when in self._when.items() if when <= now]
        for chat_id in due:
            del self._when[chat_id]
        return due

    def deadline(self) -> float | None:
        """When the next one is due."""
        return min(self._when.values(), default=None)

    def lost(self) -> None:
        """The connection is gone: the next replay says what is wanted."""
        self._when.clear()

    def ask_receipts(self) -> list[str]:
        """The chats that a resume asks receipts of."""
        self._asked = self._receipt_chats()
        return self._asked

    def after_replay(self, now: float) -> None:
        """What the replay could not tell, of the chats where it matters."""
        chats = self._logs.chats.values()
        wanted = [chat.id for chat in chats if chat.uncertain]
        # Own messages, sent elsewhere, that were not known when receipts were asked for.
        unasked = [chat for chat in self._receipt_chats() if chat not in self._asked]
        for chat in chats:
            chat.partial = chat.id in unasked
        for chat_id in (wanted + unasked)[:LOOKED_UP]:
            self.want(chat_id, now)

    def want_floor(self, chat_id: str, seq: int, now: float) -> None:
        """A receipt of a group whose frames do not name its members: how far are all of them?"""
        chat = self._logs.chats.get(chat_id)
        if chat is not None and chat_id not in self._when and chat.wants_floor(seq):
            self._when[chat_id] = now + FLOOR_EVERY  # once for many receipts

    def _receipt_chats(self) -> list[str]:
        waiting = []
        for chat in self._logs.chats.values():
            message = chat.newest_unread_own(self._logs.user_id)
            if message is not None:
                waiting.append((message.created_at, chat.id))
        waiting.sort(reverse=True)
        return [chat_id for _, chat_id in waiting[:RECEIPT_CHATS]]
