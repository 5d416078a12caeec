"""A chat that one left and entered anew, while it is read again: the own log tells of it first."""

from collections.abc import Sequence
from typing import Any

import msgspec

from hubbub.delivery.flight import Flight
from hubbub.delivery.hub import Hub
from hubbub.delivery.outgoing import LINES, Outgoing, encoders
from hubbub.delivery.subscriber import ME, Subscriber
from hubbub.domain.message import Row
from hubbub.domain.reading import Log
from hubbub.domain.view import Places
from hubbub.ports import LogRead, ResumeFrom
from hubbub_protocol import frames, ids
from hubbub_protocol.codes import Close
from tests.support.delivery import replays_of

CHAT, ANN, BOB = 9, 1, 2
ENCODERS = encoders(lambda encode, _: encode)


class Page:
    """A connection's far end."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, int]] = []
        self.closed: int | None = None

    def write(self, frames: bytes, /) -> None:
        for line in frames.splitlines():
            frame = msgspec.json.decode(line)
            self.heard.append((frame["type"], frame.get("rev") or frame.get("to", 0)))

    def buffered(self) -> int:
        return 0

    def close(self, code: int, reason: str = "") -> None:
        self.closed = code


def row(seq: int) -> Row:
    return Row(seq, CHAT, seq, seq, seq, ANN, None, 1, "text", "words", b"", 0)


class Node:
    """One of several, which looks at Bob's connection. Its store knows one log, and may take time:
    then `meanwhile` happens before it answers.
    """

    def __init__(self) -> None:
        self.page = Page()
        self.hub = Hub()
        self.log: Log | None = None
        self.events: list[frames.Me] = []
        self.meanwhile: Any = lambda: None
        self.replays = replays_of(self.hub, self, flight=Flight(exact=False))
        mark = self.hub.mark_dirty
        self.bob = Subscriber(BOB, 7, self.page, LINES, ENCODERS, mark)

    async def places(self, readers: Sequence[ResumeFrom]) -> list[Places]:
        return [Places([], {CHAT: 5}, {}, [], 3, 3)]

    async def logs(self, reads: Sequence[LogRead]) -> list[Log | None]:
        self.meanwhile()
        return [self.log for _ in reads]

    async def live(self) -> None:
        """Bob is in the chat since its beginning, and has resumed up to 5."""
        self.replays.resume(self.bob, {CHAT: 5}, 3, ())
        await self.done()
        assert self.page.heard == [("caught_up", 0)]
        self.page.heard.clear()

    async def done(self) -> None:
        """What is to be read was read."""
        while self.bob.replay is not None:
            await self.replays.round([self.bob.replay])  # type: ignore[list-item]
        self.hub.flush()

    def push(self, seq: int) -> None:
        """A message, live."""
        frame = frames.Skip(ids.text("chat", CHAT), seq, seq)
        self.bob.log(CHAT, seq, Outgoing(frame, ENCODERS))

    def push_me(self, rev: int, *, member: bool, since: int) -> None:
        """What his own log says of the chat, live."""
        frame = frames.Me(rev, "chat", ids.text("chat", CHAT), member, "member", since)
        self.bob.log(ME, rev, Outgoing(frame, ENCODERS))


async def test_nothing_is_told_of_a_stay_before_the_own_log_tells_of_it() -> None:
    """He went at 7 and came at 9, of which nothing was heard here when 10 was."""
    node = Node()
    await node.live()
    node.log = Log(CHAT, [row(6), row(9), row(10)], 10, since=9)
    node.push(10)
    await node.done()
    assert (node.page.heard, node.page.closed) == ([], Close.TRY_LATER)


async def test_a_stay_that_is_told_of_meanwhile_is_where_he_goes_on() -> None:
    """The store was read before he went, and is heard of after he came back."""
    node = Node()
    await node.live()

    def back() -> None:
        node.push_me(4, member=False, since=1)
        node.push_me(5, member=True, since=9)

    node.meanwhile, node.log = back, Log(CHAT, [row(6)], 6, since=1)
    node.push(7)
    await node.done()
    node.push(9)
    node.hub.flush()
    assert node.page.heard[-1] == ("skip", 9)
    assert (node.bob.behind, node.page.closed) == (None, None)


async def test_a_chat_that_is_found_to_be_large_no_more_is_none() -> None:
    """That it shrank was not heard. It may have grown again since it was read: he looks twice."""
    node = Node()
    await node.live()
    node.hub.subscribe(CHAT, node.bob, 1)
    node.replays.catch_up(node.bob, ())
    await node.done()
    assert not node.hub.is_large(CHAT)
    assert node.replays.repairs == 2
