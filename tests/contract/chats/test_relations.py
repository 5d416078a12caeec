"""What is known of two users, and when they were last seen."""

from hubbub.domain.change import Placed, Seen
from hubbub.domain.relation import Pair, Relation, sees
from tests.contract.chats.world import ANN, BOB, CAT, CHAT, DAN, EVE, World


async def relation(world: World, user: int, other: int = 0, chat: int = 0) -> Relation | None:
    (found,) = await world.relations.relations([Pair(user, other, chat)])
    return found


async def test_the_other_is_found_by_name_and_by_the_direct_chat(world: World) -> None:
    await world.direct(ANN, BOB)
    there = Relation(ANN, BOB, CHAT, 0)
    assert await relation(world, ANN, BOB) == there
    assert await relation(world, ANN, chat=CHAT) == there
    assert await relation(world, BOB, chat=CHAT) == Relation(BOB, ANN, CHAT, 0)
    stranger = await relation(world, ANN, CAT)
    assert stranger == Relation(ANN, CAT, 0, 0)
    assert sees(there)
    assert not sees(stranger)


async def test_where_there_is_nothing(world: World) -> None:
    await world.direct(ANN, BOB)
    await world.group(CAT, DAN, chat=CHAT + 1)
    assert await relation(world, ANN, 77) is None
    assert await relation(world, CAT, chat=CHAT) is None  # of others
    assert await relation(world, CAT, chat=CHAT + 1) is None  # no direct chat
    assert await relation(world, CAT, chat=77) is None
    assert await relation(world, ANN, ANN) == Relation(ANN, ANN, 0, 0)


async def test_last_seen_moves_forward_only(world: World) -> None:
    assert await world.one(Seen(((BOB, 2_000), (CAT, 1_000), (77, 1)))) == Placed()
    await world.do(Seen(((BOB, 1_000), (CAT, 3_000))))
    world.reopen()
    pairs = [Pair(EVE, user) for user in (BOB, CAT, DAN)]
    found = await world.relations.relations(pairs)
    assert [r and r.last_seen_at for r in found] == [2_000, 3_000, 0]
