"""How many replies the messages of a chat have. Pure."""

from bisect import bisect_right, insort
from typing import Final

from hubbub_protocol.frames import Message
from hubbub_protocol.rest import Replies

COUNTED: Final = 1_000
"""As far as replies are counted."""
REMEMBERED: Final = 1_000
"""Threads of a chat for which more is known than the replies that are held."""


class Threads:
    """Replies by the message that began their thread: those that are held, after those before.

    Of a message that is held all replies are; of others REST has to say how many came before.
    """

    def __init__(self) -> None:
        self._held: dict[str, list[tuple[int, str]]] = {}  # seq, created_at
        self._before: dict[str, Replies] = {}

    def of(self, root_id: str) -> Replies | None:
        """The replies of a thread, as far as they are known; None without any."""
        before, held = self._before.get(root_id), self._held.get(root_id, [])
        if before is None:
            return Replies(min(COUNTED, len(held)), *held[-1]) if held else None
        fresh = held[bisect_right(held, (before.seq, "~")) :]
        if not fresh:
            return before
        return Replies(min(COUNTED, before.count + len(fresh)), *fresh[-1])

    def take(self, message: Message) -> None:
        """A message is held from now on."""
        if message.thread_id is not None:
            insort(self._held.setdefault(message.thread_id, []), (message.seq, message.created_at))

    def drop(self, message: Message) -> None:
        """The oldest message is not held any more."""
        root_id = message.thread_id
        held = self._held.get(root_id or "")
        if root_id is None or not held:
            return
        seq, at = held.pop(0)
        if not held:
            del self._held[root_id]
        before = self._before.get(root_id)
        if before is None or seq > before.seq:
            count = 1 if before is None else min(COUNTED, before.count + 1)
            self._remember(root_id, Replies(count, seq, at))

    def hide(self, message: Message, whole: bool) -> None:
        """The user has deleted a reply for himself. `whole`: all of the thread's are held."""
        root_id, place = message.thread_id or "", (message.seq, message.created_at)
        held, before = self._held.get(root_id, []), self._before.get(root_id)
        if place in held:
            held.remove(place)
            if not held:
                del self._held[root_id]
        if before is not None and (whole or before.count == 1):
            del self._before[root_id]
        elif before is not None and message.seq <= before.seq:
            self._before[root_id] = Replies(before.count - 1, before.seq, before.last_at)

    def learn(self, root_id: str, replies: Replies | None) -> None:
        """REST says so; what came since is added."""
        before = self._before.get(root_id)
        if replies is not None and (before is None or replies.seq >= before.seq):
            self._remember(root_id, replies)

    def forget(self) -> None:
        """There may be replies that did not come."""
        self._before.clear()

    def _remember(self, root_id: str, replies: Replies) -> None:
        self._before.pop(root_id, None)
        self._before[root_id] = replies
        if len(self._before) > REMEMBERED:
            del self._before[next(iter(self._before))]
