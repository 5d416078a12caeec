"""From the bus to the connections: each log's next position is passed on, a hole is re-read.

The bus may lose, repeat and reorder; the store is the truth. A position seen before is dropped;
after a hole every connection of the chat is sent back to the last position passed on, and reads
the store from there as its own user, so that it sees just what it may see (G3, G6).
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final, assert_never

import msgspec

from hubbub import present
from hubbub.delivery.counting import Counting
from hubbub.delivery.fanout import Fanout
from hubbub.delivery.hub import Hub
from hubbub.delivery.outgoing import Encoders, Outgoing
from hubbub.delivery.subscriber import ME, Subscriber
from hubbub.delivery.watchers import Watchers
from hubbub.domain.chat import NAMED
from hubbub.domain.events import (
    AwayEvent,
    CountsEvent,
    Event,
    JoinedLarge,
    LeftLarge,
    OwnEvent,
    PresenceEvent,
    ReachedEvent,
    ReceiptEvent,
    RevokedEvent,
    RowEvent,
    StanceEvent,
    TypingEvent,
    UnsureEvent,
)
from hubbub.domain.message import EVERYBODY, Row
from hubbub_protocol import frames, ids
from hubbub_protocol.times import rfc3339

MOST_LOGS: Final = 200_000
"""Logs whose last position is remembered; the one that moved longest ago goes first."""


class RelayStatistics:
    """Counted as it happens."""

    __slots__ = ("deliveries", "holes", "repeats")

    def __init__(self) -> None:
        self.deliveries = 0
        self.holes = 0
        self.repeats = 0


class Relay:
    """See the module. `reread` makes a connection catch up with what it is behind."""

    def __init__(
        self,
        hub: Hub,
        encoders: Encoders,
        fanout: Fanout,
        watchers: Watchers,
        counting: Counting,
        reread: Callable[[Subscriber], None],
        exact: bool = True,
    ) -> None:
        """Not `exact`: events may be lost, or come late."""
        self._exact = exact
        self._hub = hub
        self._encoders = encoders
        self._fanout = fanout
        self._watchers = watchers
        self._counting = counting
        self._reread = reread
        self._chats: dict[int, int] = {}
        self._own: dict[int, int] = {}
        self.statistics = RelayStatistics()

    def deliver(self, events: Sequence[Event]) -> None:
        """Pass on a batch. Small chats are written before large ones begin."""
        for event in events:
            match event:
                case RowEvent():
                    self._row(event)
                case ReceiptEvent():
                    self._receipt(event)
                case OwnEvent():
                    self._own_log(event)
                case CountsEvent():
                    self._counting.heard(event)
                case TypingEvent():
                    self._typing(event)
                case PresenceEvent():
                    self._watchers.tell(event)
                case StanceEvent():
                    self._stood(event)
                case RevokedEvent() | UnsureEvent() | AwayEvent() | ReachedEvent():
                    pass  # heard before
                case JoinedLarge():
                    self._joined(event)
                case LeftLarge():
                    self._left(event)
                case _:
                    assert_never(event)
        self._hub.flush()

    def forget(self) -> None:
        """Positions may have been taken that nobody announced; no connection is live any more."""
        self._chats.clear()
        self._own.clear()

    # ── logs ──

    def _row(self, event: RowEvent) -> None:
        row = event.row
        last = self._pass(self._chats, row.chat_id, row.rev)
        if last == row.rev:
            return
        if event.large and row.type == "system":
            self._goes(row)
        elif event.large and row.rev == row.seq:
            self._counting.begins(row.chat_id, row.seq, row.sender_id)
        if not self._exact and row.rev == row.seq:
            self._hub.authors.note(row.sender_id, row.chat_id)
        audience: Collection[Subscriber]
        if event.large:
            audience = self._hub.of_large(row.chat_id)
        else:
            audience = self._hub.of_users(event.members)
        if last is not None:
            self._send_back(audience, row.chat_id, last)
        elif event.large:
            outgoing = Outgoing(present.message(row), self._encoders)
            mine = present.message(row, (), present.client_ref(row))
            own = Outgoing(mine, self._encoders)
            some = None if event.audience == EVERYBODY else self._hide_large(event)
            self._fanout.start(row.chat_id, row.rev, outgoing, (row.sender_id, own), some)
        else:
            self._push(event, audience)

    def _skip(self, row: Row) -> Outgoing:
        """For who may not see the message that was changed."""
        skip = frames.Skip(present.chat_ref(row.chat_id), row.rev, row.rev)
        return Outgoing(skip, self._encoders)

    def _goes(self, row: Row) -> None:
        """Who goes hears nothing more, though the bus may have lost the event that says so."""
        system = msgspec.json.decode(row.system)
        if system["kind"] in ("member_left", "member_removed"):
            for subscriber in self._hub.of_user(ids.parse("user", system["user_id"])):
                self._hub.unsubscribe(row.chat_id, subscriber)

    def _pass(self, logs: dict[int, int], log_id: int, rev: int) -> int | None:
        """None: pass it on. `rev`: it was passed on before. Else the position before a hole."""
        last = logs.pop(log_id, None)
        if last is not None and rev <= last:
            logs[log_id] = last
            self.statistics.repeats += 1
            return rev
        logs[log_id] = rev  # moved last
        if len(logs) > MOST_LOGS:
            del logs[next(iter(logs))]
        if last is None or rev == last + 1:
            return None
        self.statistics.holes += 1
        return last

    def _push(self, event: RowEvent, audience: Collection[Subscriber]) -> None:
        row = event.row
        chat_id, rev, sender_id = row.chat_id, row.rev, row.sender_id
        named = event.members if len(event.members) <= NAMED else ()
        message = present.message(row, named)
        plain = Outgoing(message, self._encoders)
        own: Outgoing | None = None if row.client_id is not None else plain
        if event.audience.hidden_from:
            audience = self._hide(event, audience)
        for subscriber in audience:
            if subscriber.user_id != sender_id:
                subscriber.log(chat_id, rev, plain)
                continue
            if own is None:
                mine = msgspec.structs.replace(message, client_id=present.client_ref(row))
                own = Outgoing(mine, self._encoders)
            subscriber.log(chat_id, rev, own)
        self.statistics.deliveries += len(audience)

    def _hide(self, event: RowEvent, audience: Collection[Subscriber]) -> list[Subscriber]:
        """Who may see it; the others are told to skip the position."""
        row, hidden = event.row, event.audience.hidden_from
        skip = self._skip(row)
        for subscriber in self._hub.of_users(hidden):
            subscriber.log(row.chat_id, row.rev, skip)
        return [subscriber for subscriber in audience if subscriber.user_id not in hidden]

    def _hide_large(self, event: RowEvent) -> dict[Subscriber, int]:
        """As `_hide`."""
        row, audience = event.row, event.audience
        returned, gone = frozenset(audience.returned), frozenset(audience.hidden_from)
        seen: dict[Subscriber, int] = {}
        hidden: dict[Subscriber, int] = {}
        for subscriber, since in self._hub.of_large(row.chat_id).items():
            user_id = subscriber.user_id
            opened = audience.everybody or since <= row.seq or user_id in returned
            (seen if opened and user_id not in gone else hidden)[subscriber] = since
        skip = self._skip(row)
        self._fanout.start(row.chat_id, row.rev, skip, (0, skip), hidden)
        return seen

    def _own_log(self, event: OwnEvent) -> None:
        me = event.me
        last = self._pass(self._own, me.user_id, me.rev)
        if last == me.rev:
            return
        audience = self._hub.of_user(me.user_id)
        if last is not None:
            self._send_back(audience, ME, last)
        elif audience:
            outgoing = Outgoing(present.me(me), self._encoders)
            for subscriber in audience:
                subscriber.log(ME, me.rev, outgoing)

    def _send_back(self, audience: Iterable[Subscriber], log_id: int, place: int) -> None:
        for subscriber in tuple(audience):
            subscriber.fall_behind(log_id, place)
            self._reread(subscriber)

    # ── what is no log ──

    def _receipt(self, event: ReceiptEvent) -> None:
        audience = self._hub.of_user(event.author_id)
        if not audience:
            return
        if self._hub.is_large(event.chat_id):
            self._counting.doubt(event.chat_id)
        kind = (
            frames.ReadReceipt if event.read and not _silent(audience) else frames.DeliveryReceipt
        )
        frame = kind(
            present.chat_ref(event.chat_id),
            present.message_ref(event.message_id),
            event.seq,
            present.user_ref(event.member_id),
            rfc3339(event.at),
        )
        outgoing = Outgoing(frame, self._encoders)
        for subscriber in audience:
            subscriber.receipt(event.chat_id, outgoing)

    def _stood(self, event: StanceEvent) -> None:
        for subscriber in self._hub.of_user(event.user_id):
            subscriber.stand(event.stance)
        self._watchers.unsettle(event.user_id, self._hub.of_user(event.user_id))

    def _typing(self, event: TypingEvent) -> None:
        frame = frames.Typing(
            present.chat_ref(event.chat_id), present.user_ref(event.user_id), event.is_typing
        )
        outgoing = Outgoing(frame, self._encoders)
        audience: Iterable[Subscriber] = self._hub.of_users(event.members)
        if event.large:
            there = self._hub.of_large(event.chat_id)
            audience = (reader for reader in there if event.chat_id in reader.focus)
        for subscriber in audience:
            if subscriber.user_id != event.user_id and _may_see(subscriber, event):
                subscriber.loose(outgoing)

    # ── large chats ──

    def _joined(self, event: JoinedLarge) -> None:
        """Who hears of it late may have left meanwhile: the store knows, when he re-reads."""
        last = self._chats.get(event.chat_id, 0)
        audience = self._hub.of_users(event.users)
        for subscriber in audience:
            self._hub.subscribe(event.chat_id, subscriber, event.since)
        if last >= event.rev or not self._exact:  # others may not have known that it is held here
            self._send_back(audience, event.chat_id, event.rev - 1)

    def _left(self, event: LeftLarge) -> None:
        if not event.user_id:
            self._fanout.finish(event.chat_id)
            self._hub.dissolve(event.chat_id)
            return
        for subscriber in self._hub.of_user(event.user_id):
            self._hub.unsubscribe(event.chat_id, subscriber)


def _silent(audience: Iterable[Subscriber]) -> bool:
    """Whether the user of these connections is not told what others have read."""
    silent = False
    for subscriber in audience:  # most are one, for which a generator would cost more
        silent = silent or subscriber.silent
    return silent


def _may_see(subscriber: Subscriber, event: TypingEvent) -> bool:
    """Whether neither of the two has blocked the other."""
    stance = subscriber.stance
    if stance is None or event.user_id in stance.blocked:
        return False
    return subscriber.user_id not in event.hidden_from
