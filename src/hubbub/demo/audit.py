"""Whether the server keeps its word: what was acknowledged is there, once, in order (G1 to G3).

Compared are what the bots were told with what the store has, read by the visitor, who is a member
of every chat.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from hubbub_client import Api, Event, MessageAccepted, MessageArrived
from hubbub_protocol.frames import Message

MOST_REMEMBERED: Final = 200_000
"""Sends whose id is remembered: more than are under way while a server is away."""


class Audit:
    """A witness of the bots. The figures are of everything since it began."""

    def __init__(self, places: Mapping[str, int]) -> None:
        """`places`: where each chat's log ends now, by id."""
        self.acknowledged = 0
        self.doubled = 0
        self.disordered = 0
        self.lost = 0
        self._places = dict(places)
        self._checking = asyncio.Lock()
        self._acked: set[str] = set()
        """Acknowledged, not seen in the store yet."""
        self._stored: set[str] = set()
        """Seen in the store, not acknowledged yet."""
        self._sends: OrderedDict[str, tuple[int, str]] = OrderedDict()
        self._count = 0
        self._seen: dict[tuple[str, str], int] = {}
        self._own: dict[tuple[str, str], int] = {}

    # ── what the bots are told ──

    def sent(self, username: str, chat_id: str, client_id: str) -> None:
        """See Witness."""
        self._count += 1
        _, known = self._sends.get(client_id, (0, ""))  # it may be answered already
        self._sends[client_id] = (self._count, known)
        if len(self._sends) > MOST_REMEMBERED:
            self._sends.popitem(last=False)

    def heard(self, username: str, event: Event) -> None:
        """See Witness."""
        if isinstance(event, MessageAccepted):
            self.acknowledged += 1
            self._named(event.client_id, event.id)
            if event.id in self._stored:
                self._stored.discard(event.id)
            else:
                self._acked.add(event.id)
        elif isinstance(event, MessageArrived):
            self._arrived(username, event.message)

    def _arrived(self, username: str, message: Message) -> None:
        key = (username, message.chat_id)
        if message.seq <= self._seen.get(key, 0):
            self.disordered += 1
        self._seen[key] = max(message.seq, self._seen.get(key, 0))
        if message.client_id is not None and message.client_id in self._sends:
            number = self._named(message.client_id, message.id)
            if number < self._own.get(key, 0):
                self.disordered += 1
            self._own[key] = max(number, self._own.get(key, 0))

    def _named(self, client_id: str, message_id: str) -> int:
        """A send has this id; its number. Another id than before: it is there twice."""
        number, known = self._sends.get(client_id, (0, ""))
        if known and known != message_id:
            self.doubled += 1
        self._sends[client_id] = (number, message_id)
        return number

    # ── what the store has ──

    async def check(self, api: Api) -> None:
        """Read on in every chat, and compare. Raises Refused, Unreachable: then try again."""
        async with self._checking:  # two at once would take the same page twice
            due = set(self._acked)
            for chat_id in self._places:
                await self._read_on(api, chat_id)
            lost = due & self._acked  # acknowledged before the reading began, and not there
            self.lost += len(lost)
            self._acked -= lost

    async def _read_on(self, api: Api, chat_id: str) -> None:
        more = True
        while more:
            page = await api.events(chat_id, self._places[chat_id])
            for event in page.events:
                assert isinstance(event, Message)
                if event.seq != self._places[chat_id] + 1:
                    self.disordered += 1
                self._places[chat_id] = event.seq
                if event.id in self._acked:
                    self._acked.discard(event.id)
                elif event.client_id is None:  # not the reader's own
                    self._stored.add(event.id)
            more = page.has_more

    def settled(self) -> None:
        """Everything was answered: what nobody was told of by then was stored once too often."""
        self.doubled += len(self._stored)
        self._stored.clear()
