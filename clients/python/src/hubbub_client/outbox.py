"""Messages that the server has not answered yet, in the order of sending. Pure."""

from random import Random
from typing import Final

from msgspec.structs import replace

from hubbub_client.backoff import Backoff
from hubbub_client.errors import OutboxFull
from hubbub_protocol.frames import Send

CAPACITY: Final = 10_000
IN_FLIGHT: Final = 32  # under the server's burst, so that a long outbox is not refused in rows

Target = str | tuple[str, ...]


class Entry:
    """One message. `sent`: handed to the present connection and not refused since."""

    __slots__ = ("attempts", "send", "sent", "target")

    def __init__(self, send: Send) -> None:
        self.send = send
        self.target: Target = send.chat_id or tuple(sorted(set(send.recipient_ids or ())))
        self.attempts = 0
        self.sent = False


class _Hold:
    __slots__ = ("backoff", "first", "until")

    def __init__(self, random: Random, first: str) -> None:
        self.backoff = Backoff(random)
        self.first = first  # the refused message that the others wait behind
        self.until = 0.0


class Outbox:
    """Keeps each chat's messages in order over refusals and lost connections (G3).

    After a retryable refusal the refused message and all later ones to the same chat are held,
    then sent again in order. Times are seconds of the caller's clock.
    """

    def __init__(
        self, random: Random, capacity: int = CAPACITY, in_flight: int = IN_FLIGHT
    ) -> None:
        self._random = random
        self._capacity = capacity
        self._limit = in_flight
        self._entries: dict[str, Entry] = {}
        self._holds: dict[Target, _Hold] = {}
        self._chat_of: dict[Target, str] = {}
        self._in_flight = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, client_id: str) -> bool:
        return client_id in self._entries

    def sends(self) -> list[Send]:
        """All messages, in order."""
        return [entry.send for entry in self._entries.values()]

    def add(self, send: Send, force: bool = False) -> None:
        """Put a message at the end. Raises OutboxFull, unless `force` (loaded from storage)."""
        if len(self._entries) >= self._capacity and not force:
            raise OutboxFull(f"{self._capacity} messages wait for the server already")
        self._entries[send.client_id] = Entry(send)

    def settle(self, client_id: str, chat_id: str | None = None) -> bool:
        """The server answered for good; `chat_id`: where the message went. False: not ours."""
        entry = self._entries.pop(client_id, None)
        if entry is None:
            return False
        self._in_flight -= entry.sent
        if chat_id is not None:
            if isinstance(entry.target, tuple):
                self._chat_of[entry.target] = chat_id
            key = self._key(entry)
            hold = self._holds.get(key)
            # One that was sent before the refusal opens nothing.
            if hold is not None and hold.first not in self._entries:
                del self._holds[key]
        if not self._entries:
            self._holds.clear()
        return True

    def refuse(self, client_id: str, retry_after: float | None, now: float) -> bool:
        """The server will take the message later. False: not ours."""
        refused = self._entries.get(client_id)
        if refused is None:
            return False
        key = self._key(refused)
        hold = self._holds.get(key)
        if hold is None:
            hold = self._holds[key] = _Hold(self._random, client_id)
        if refused.sent:
            hold.until = max(hold.until, now + hold.backoff.delay(retry_after))
            self._take_back(client_id, key)
            if self._is_before(client_id, hold.first):
                hold.first = client_id
        elif retry_after is not None:  # an echo: it was held already, behind an earlier one
            hold.until = max(hold.until, now + retry_after)
        return True

    def due(self, now: float) -> list[Send]:
        """What to send now, in order; counted as sent.

        Recipients whose chat is not known yet may be those of any chat: between such a message
        and one that names a chat, the later waits until the earlier is answered.
        """
        out: list[Send] = []
        kinds: set[bool] = set()  # of those before: whether their chats are known
        for entry in self._entries.values():
            if self._in_flight >= self._limit:
                break
            key = self._key(entry)
            is_known = isinstance(key, str)
            waits = (not is_known) in kinds
            kinds.add(is_known)
            hold = self._holds.get(key)
            if entry.sent or waits or (hold is not None and hold.until > now):
                continue
            entry.sent = True
            entry.attempts += 1
            self._in_flight += 1
            out.append(_by_chat(entry.send, key))
        return out

    def lost(self) -> None:
        """The connection is gone: everything is to be sent again on the next."""
        for entry in self._entries.values():
            entry.sent = False
        self._in_flight = 0

    def deadline(self, now: float) -> float | None:
        """When the next hold ends, if one does after `now`."""
        held = (hold.until for hold in self._holds.values() if hold.until > now)
        return min(held, default=None)

    def _key(self, entry: Entry) -> Target:
        # A direct chat may be addressed by its peer first and by its id later.
        return self._chat_of.get(entry.target, entry.target)

    def _is_before(self, client_id: str, other: str) -> bool:
        return next((c for c in self._entries if c in (client_id, other)), other) == client_id

    def _take_back(self, client_id: str, key: Target) -> None:
        found = False
        for entry in self._entries.values():
            found = found or entry.send.client_id == client_id
            if found and entry.sent and self._key(entry) == key:
                entry.sent = False
                self._in_flight -= 1


def _by_chat(send: Send, key: Target) -> Send:
    """The same message to the direct chat itself, once that is known.

    So the server sees that it goes where others go, and keeps their order.
    """
    if isinstance(key, str) and len(send.recipient_ids or ()) == 1:
        return replace(send, chat_id=key, recipient_ids=None)
    return send
