"""What this node makes of the others' news: its memory of chats and sessions keeps step."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from hubbub.delivery.away import Away
from hubbub.delivery.hub import Hub
from hubbub.delivery.presence import Presence
from hubbub.delivery.recent import Recent
from hubbub.delivery.replay import Replays
from hubbub.delivery.watchers import Watchers
from hubbub.domain.events import (
    AwayEvent,
    Event,
    OwnEvent,
    ReachedEvent,
    RevokedEvent,
    RowEvent,
    StanceEvent,
    UnsureEvent,
)
from hubbub.domain.own import MyChat
from hubbub.domain.roster import Roster
from hubbub.ports import Unavailable

AGAIN: Final = 1.0
"""Seconds until a store that is away is asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """See the module. `revoke` ends sessions that others have ended; `load` learns from the store
    which those are.
    """

    hub: Hub
    watchers: Watchers
    roster: Roster
    replays: Replays
    presence: Presence
    recent: Recent | None
    away: Away
    revoke: Callable[[Iterable[int]], None]
    load: Callable[[], Awaitable[None]]
    wake: Callable[[], object]
    """Take over what the store keeps for whoever comes to it: reactions that wait."""

    _unread: asyncio.Event = field(default_factory=asyncio.Event)

    def heard(self, events: Sequence[Event]) -> None:
        """Another node has committed this; it is passed on to readers next."""
        if self.recent is not None:
            self.recent.heard(events)
        for event in events:
            match event:
                case RowEvent():
                    self.roster.heard(event.row, event.large)
                case OwnEvent(me=MyChat() as mine):
                    self.roster.forget(mine.chat_id)
                case StanceEvent():
                    self.roster.ask_about(event.user_id)
                case RevokedEvent():
                    self.revoke([event.session_id])
                case UnsureEvent():
                    self.unsure(event)
                case AwayEvent():
                    self.away.asked()
                case ReachedEvent():
                    self.away.reached()
                case _:
                    pass

    def lost(self) -> None:
        """Something was not heard, and nobody knows what: all is looked at again.

        What is not in a log is the state of now: receipts of the newest messages, presence. Where a
        node is gone, whoever was connected to it is not online by it, and what it was about to do
        is left to others.
        """
        self.roster.clear()
        if self.recent is not None:
            self.recent.clear()
        self._look_again()

    def unsure(self, event: UnsureEvent) -> None:
        """This may be stored, or not. Who is in chats where it was only said something stays known,
        so that those who talk are seen typing while the store is away.
        """
        self.roster.unsure(event)
        self._look_again()

    def _look_again(self) -> None:
        authors = self.hub.authors.chats()
        self.hub.interest.again([*self.hub.topics(), *self.watchers.topics()])
        for subscriber in self.hub.everybody():
            self.replays.catch_up(subscriber, authors.get(subscriber.user_id, ()))
        self.presence.look_again()
        self.wake()
        self._unread.set()

    async def run(self) -> None:
        """Learn which sessions others have ended when that was not heard, until cancelled."""
        while True:
            await self._unread.wait()
            self._unread.clear()
            try:
                await self.load()
            except Unavailable:
                self._unread.set()
                await asyncio.sleep(AGAIN)
