"""What the operator's reads tell, on each adapter, and what follows from it."""

import pytest

from hubbub.domain.chat import Interval
from hubbub.domain.tracing import Sight, Traced, TracedMember, fate
from tests.contract.chats.world import ANN, BOB, CAT, CHAT, DAN, EVE, World


async def test_everybody_who_was_ever_there_is_told_with_stays_and_times(world: World) -> None:
    await world.group(ANN, BOB, CAT, DAN)
    await world.leave(DAN)
    (posted,) = await world.posts(1)
    world.now = 2_000
    await world.advance(BOB, posted.seq)
    world.now = 3_000
    await world.advance(BOB, posted.seq, posted.seq)
    await world.enrol(EVE)
    found = await world.operating.trace(posted.id, 0, 10)
    assert found is not None
    assert (found.id, found.chat_id, found.sender_id, found.seq) == (posted.id, CHAT, ANN, 2)
    assert (found.head, found.history, found.type, found.has_more) == (3, "joined", "text", False)
    assert found.members == [
        TracedMember(BOB, "user2", "User 2", [Interval(1)], 2, 2, 2_000, 3_000),
        TracedMember(CAT, "user3", "User 3", [Interval(1)], 0, 0, None, None),
        TracedMember(DAN, "user4", "User 4", [Interval(1, 1)], 0, 0, None, None),
        TracedMember(EVE, "user5", "User 5", [Interval(3)], 2, 2, None, None),
    ]


async def test_it_comes_by_pages(world: World) -> None:
    await world.group(ANN, BOB, CAT, DAN)
    (posted,) = await world.posts(1)
    first = await world.operating.trace(posted.id, 0, 2)
    assert first is not None
    assert ([m.user_id for m in first.members], first.has_more) == ([BOB, CAT], True)
    rest = await world.operating.trace(posted.id, CAT, 2)
    assert rest is not None
    assert ([m.user_id for m in rest.members], rest.has_more) == ([DAN], False)


async def test_no_message_no_trace(world: World) -> None:
    assert await world.operating.trace(4_711, 0, 10) is None


AWAY, HERE, STUCK, LATE = Sight(0, 0, 0), Sight(1, 0, 0), Sight(1, 1, 1), Sight(2, 1, 1)


@pytest.mark.parametrize(
    ("stays", "cursors", "sight", "history", "is_"),
    [
        ([Interval(1)], (9, 7), AWAY, "joined", "read"),
        ([Interval(1)], (9, 6), AWAY, "joined", "delivered"),
        ([Interval(1)], (6, 6), AWAY, "joined", "offline"),
        ([Interval(1)], (6, 6), HERE, "joined", "sent"),
        ([Interval(1)], (6, 6), STUCK, "joined", "blocked"),
        ([Interval(1)], (6, 6), LATE, "joined", "behind"),
        ([Interval(8)], (7, 7), HERE, "joined", "not_member"),
        ([Interval(8)], (7, 7), HERE, "all", "in_history"),
        ([Interval(1, 7)], (6, 6), HERE, "all", "not_member"),
        ([Interval(1, 8)], (6, 6), HERE, "joined", "left"),
        ([Interval(1, 3), Interval(5)], (7, 7), HERE, "joined", "read"),
    ],
)
def test_what_became_of_it_has_one_name_and_a_sentence(
    stays: list[Interval], cursors: tuple[int, int], sight: Sight, history: str, is_: str
) -> None:
    member = TracedMember(BOB, "bob", "Bob", stays, *cursors, None, None)
    traced = Traced(1, CHAT, ANN, 7, 7, 0, "text", history, 9, [member], False)  # type: ignore[arg-type]
    name, why = fate(traced, member, sight)
    assert name == is_
    assert len(why.split()) >= 3
