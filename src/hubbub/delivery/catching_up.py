"""One connection that catches up: what it is to read, and what happens meanwhile."""

from collections import deque
from collections.abc import Iterable

from hubbub.delivery.outgoing import Outgoing
from hubbub.delivery.subscriber import MAX_HELD, Subscriber
from hubbub.domain.own import MyChat
from hubbub.domain.view import Place
from hubbub_protocol.codes import Close


class Replay:
    """One connection's catching up.

    `positions`: places given by the client, None for those that the server keeps. With
    `repair`, only these logs are read, and every position is accounted for (`skip`), since the
    client takes the frames for live ones. `whole`: all that has changed is read, as for who
    resumes.
    """

    __slots__ = (
        "_held",
        "budget",
        "done",
        "failures",
        "heads",
        "me",
        "pending",
        "positions",
        "queued",
        "receipts",
        "repair",
        "subscriber",
        "whole",
    )

    def __init__(
        self,
        subscriber: Subscriber,
        positions: dict[int, int] | None,
        me: int,
        receipts: Iterable[int],
        repair: bool,
    ) -> None:
        self.subscriber = subscriber
        self.positions = positions
        self.me = me
        self.receipts = list(receipts)
        self.repair = repair
        self.whole = not repair
        self.pending: deque[Place] | None = None
        self.heads: dict[int, int] = {}
        self.done: dict[int, int] = {}
        self.budget = 0
        self.queued = False
        self.failures = 0
        self._held: list[tuple[int, int, Outgoing]] = []

    def covers(self, log_id: int) -> bool:
        """See CatchingUp."""
        return self.whole or (self.positions is not None and log_id in self.positions)

    def hold(self, log_id: int, rev: int, outgoing: Outgoing) -> bool:
        """See CatchingUp."""
        if len(self._held) >= MAX_HELD:
            return False
        self._held.append((log_id, rev, outgoing))
        return True

    def owes(self, *log_ids: int) -> bool:
        """See CatchingUp."""
        if self.repair and any(map(self.covers, log_ids)):
            return True
        return any(log_id in log_ids for log_id, _, _ in self._held)

    def left(self, chat_id: int) -> None:
        """He is in this chat no more. Whether what is held of it is his, the store says anew."""
        self.done.pop(chat_id, None)
        held = [rev for log_id, rev, _ in self._held if log_id == chat_id]
        if held:
            self._held = [frame for frame in self._held if frame[0] != chat_id]
            self.subscriber.fall_behind(chat_id, held[0] - 1)

    def begin_at(self, event: MyChat) -> None:
        """The reader is told where his stay begins: what is read again begins there, too."""
        if not self.repair or not self.positions or event.chat_id not in self.positions:
            return
        for index, place in enumerate(self.pending or ()):
            if place.chat_id == event.chat_id and place.place < event.since:
                assert self.pending is not None
                start = event.since
                self.pending[index] = Place(event.chat_id, start - 1, 0, 0, False, start)

    def release(self) -> None:
        """Done: the held frames that the store had not yet, then live.

        A log that fell behind meanwhile is re-read from where the replay ends.
        """
        subscriber = self.subscriber
        subscriber.replay = None
        if subscriber.behind:
            self._correct(subscriber.behind)
        for log_id, rev, outgoing in self._held:
            if rev > self.heads.get(log_id, 0):
                subscriber.log(log_id, rev, outgoing)

    def turn_away(self) -> None:
        """The store is away, and it is not to be waited for here."""
        self.subscriber.replay = None
        self.subscriber.link.close(Close.TRY_LATER, "the store is away; reconnect")

    def _correct(self, behind: dict[int, int]) -> None:
        first = {log_id: rev - 1 for log_id, rev, _ in reversed(self._held)}
        for log_id, place in list(behind.items()):
            if log_id in self.heads:
                behind[log_id] = self.heads[log_id]
            elif self.subscriber.watchful:  # he knows his places, and that of no other log
                del behind[log_id]
                self.subscriber.fall_behind(log_id, place)
            else:
                behind[log_id] = min(place, first.get(log_id, place))
