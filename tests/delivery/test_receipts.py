"""How far others are, as somebody asks for who resumes."""

from collections.abc import Sequence

from hubbub.delivery.catching_up import Replay
from hubbub.delivery.hub import Hub
from hubbub.delivery.outgoing import LINES, Outgoing
from hubbub.delivery.receipts import AT_ONCE
from hubbub.delivery.subscriber import Subscriber
from hubbub.domain.relation import PLAIN
from hubbub.domain.view import Places
from hubbub.ports import CursorState, ResumeFrom
from tests.support.delivery import WIRE, replays_of


class Store:
    """A user without chats; says of which chats cursors were asked for together."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    async def places(self, readers: Sequence[ResumeFrom]) -> list[Places]:
        return [Places([], {}, {}, [], 0, 0)]

    async def cursors(self, user_id: int, chat_ids: Sequence[int]) -> list[CursorState]:
        self.asked.append(list(chat_ids))
        return []


class Nowhere:
    """A connection that is not looked at."""

    def write(self, frames: bytes, /) -> None:
        pass

    def buffered(self) -> int:
        return 0

    def close(self, code: int, reason: str = "") -> None:
        raise AssertionError("nobody ends it")


async def test_who_asks_for_many_chats_lets_others_have_their_turn() -> None:
    hub, store = Hub(), Store()
    replays = replays_of(hub, store)
    reader = Subscriber(1, 7, Nowhere(), LINES, WIRE, hub.mark_dirty)
    chats = list(range(2 * AT_ONCE + 1))
    replays.resume(reader, {}, 0, chats)
    assert isinstance(reader.replay, Replay)
    await replays.round([reader.replay])
    assert [len(part) for part in store.asked] == [AT_ONCE, AT_ONCE, 1]
    assert [chat for part in store.asked for chat in part] == chats


async def test_a_receipt_waits_for_what_it_is_about() -> None:
    """Who catches up is told at the end of a chat that is new, and would not know it until then."""
    hub, store = Hub(), Store()
    replays = replays_of(hub, store)
    reader = Subscriber(1, 7, Nowhere(), LINES, WIRE, hub.mark_dirty)
    reader.stand(PLAIN)
    replays.resume(reader, {}, 0, ())
    receipt = Outgoing({"of": "a chat"}, WIRE)
    reader.receipt(9, receipt)
    assert reader.out == [receipt.bytes(LINES)]
    reader.log(9, 1, Outgoing({"of": "a message"}, WIRE))
    reader.receipt(9, receipt)
    assert reader.out == [receipt.bytes(LINES)]
    assert reader.missed_receipts == {9}


async def test_a_receipt_waits_for_what_is_read_again() -> None:
    """He fell behind in a chat that is new to him, and is told of it with what is read now."""
    hub, store = Hub(), Store()
    replays = replays_of(hub, store)
    reader = Subscriber(1, 7, Nowhere(), LINES, WIRE, hub.mark_dirty)
    reader.stand(PLAIN)
    reader.fall_behind(9, 0)
    replays.reread(reader)
    reader.receipt(9, Outgoing({"of": "a chat"}, WIRE))
    reader.receipt(10, other := Outgoing({"of": "another"}, WIRE))
    assert reader.out == [other.bytes(LINES)]
    assert reader.missed_receipts == {9}
