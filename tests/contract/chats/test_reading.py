"""Pages: history in three directions, logs, chats, the own log."""

import pytest

from hubbub.domain.reading import Log, ReplayBounds
from hubbub.ports import LogRead
from tests.contract.chats.world import ANN, BOB, CAT, CHAT, World, memberships

DAY = 24 * 3600 * 1000


async def page(
    world: World, user: int, direction: str, anchor: int, limit: int
) -> tuple[list[int], bool]:
    found = await world.reader.history(user, CHAT, direction, anchor, limit)
    assert found is not None
    return [row.seq for row in found.rows], found.has_more


async def test_history_in_three_directions(world: World) -> None:
    await world.group(ANN, BOB)
    posts = await world.posts(10)
    ids = {p.seq: p.id for p in posts}
    assert await page(world, BOB, "before", 0, 3) == ([10, 9, 8], True)
    assert await page(world, BOB, "before", ids[4], 3) == ([3, 2, 1], False)
    assert await page(world, BOB, "before", ids[5], 3) == ([4, 3, 2], True)
    assert await page(world, BOB, "before", ids[1], 3) == ([], False)
    assert await page(world, BOB, "after", ids[4], 3) == ([7, 6, 5], True)
    assert await page(world, BOB, "after", ids[7], 3) == ([10, 9, 8], False)
    assert await page(world, BOB, "after", ids[10], 3) == ([], False)
    assert await page(world, BOB, "around", ids[5], 5) == ([7, 6, 5, 4, 3], True)
    assert await page(world, BOB, "around", ids[5], 1) == ([5], True)
    assert await page(world, BOB, "around", ids[1], 4) == ([4, 3, 2, 1], False)
    assert await page(world, BOB, "around", ids[10], 4) == ([10, 9, 8, 7], True)
    assert await page(world, BOB, "around", ids[5], 50) == ([*range(10, 0, -1)], False)


async def test_history_of_an_empty_chat(world: World) -> None:
    await world.group(ANN, BOB)
    assert await page(world, BOB, "before", 0, 3) == ([], False)


async def test_an_anchor_in_another_chat_is_not_there(world: World) -> None:
    await world.group(ANN, BOB)
    await world.group(ANN, BOB, chat=CHAT + 1)
    posted = await world.post("", chat=CHAT + 1)
    for direction in ("before", "after", "around"):
        assert await world.reader.history(BOB, CHAT, direction, posted.id, 3) is None


async def test_hidden_positions_make_no_short_pages(world: World) -> None:
    await world.group(ANN, BOB)
    ids: dict[int, int] = {}
    for _ in range(3):  # Bob's stays: [1, 3), [5, 8), [10, 13), [15, …
        ids |= {p.seq: p.id for p in await world.posts(2)}
        left = await world.leave(BOB)
        ids[left.head.seq] = left.id
        await world.post("hidden")
        joined = await world.enrol(BOB)
        ids[joined.head.seq] = joined.id
    visible = [1, 2, 5, 6, 7, 10, 11, 12, 15]
    assert await world.seen(BOB) == visible
    assert await page(world, BOB, "before", 0, 4) == ([15, 12, 11, 10], True)
    assert await page(world, BOB, "before", ids[10], 5) == ([7, 6, 5, 2, 1], False)
    assert await page(world, BOB, "before", ids[10], 4) == ([7, 6, 5, 2], True)
    assert await page(world, BOB, "after", ids[1], 4) == ([7, 6, 5, 2], True)
    assert await page(world, BOB, "after", ids[6], 5) == ([15, 12, 11, 10, 7], False)
    assert await page(world, BOB, "around", ids[5], 4) == ([7, 6, 5, 2], True)
    assert await page(world, BOB, "around", ids[10], 5) == ([12, 11, 10, 7, 6], True)


async def test_a_log_comes_by_pages_that_are_complete_up_to_their_position(world: World) -> None:
    await world.group(ANN, BOB)
    await world.posts(3)
    await world.leave(BOB)
    await world.posts(3)
    await world.enrol(BOB)
    await world.posts(2)
    place, revs = 0, []
    for _ in range(20):
        (found,) = await world.store.logs([LogRead(BOB, CHAT, place, 2)])
        assert found is not None
        assert all(place < row.rev <= found.position for row in found.rows)
        revs += [row.rev for row in found.rows]
        place = found.position
        if not found.has_more:
            break
    assert (revs, place) == ([1, 2, 3, 8, 9, 10], 10)
    (beyond,) = await world.store.logs([LogRead(BOB, CHAT, 99, 2)])
    assert beyond == Log(CHAT, [], 99, since=8)


async def test_a_log_and_a_place_say_where_the_readers_stay_begins(world: World) -> None:
    await world.group(ANN, BOB)
    await world.posts(2)
    await world.leave(BOB)
    joined = await world.enrol(BOB)
    await world.posts(2)
    for user, since in ((ANN, 1), (BOB, joined.head.seq)):
        found = await world.log(user)
        assert found is not None
        (place,) = (await world.places(user, positions={CHAT: 1})).changed
        assert (found.since, place.place, place.since) == (since, 1, since)


async def replay(world: World, user: int, after: int, bounds: ReplayBounds) -> Log:
    (found,) = await world.store.logs([LogRead(user, CHAT, after, 1000, bounds, world.now)])
    assert found is not None
    return found


async def test_a_replay_is_whole_within_its_bounds(world: World) -> None:
    await world.group(ANN, BOB)
    await world.posts(5)
    found = await replay(world, BOB, 2, ReplayBounds())
    assert ([r.rev for r in found.rows], found.position, found.gap) == ([3, 4, 5], 5, None)


async def test_a_replay_names_what_it_leaves_out(world: World) -> None:
    await world.group(ANN, BOB)
    await world.posts(4)
    world.now += DAY + 1
    await world.posts(3)
    young = await replay(world, BOB, 1, ReplayBounds())
    assert ([r.rev for r in young.rows], young.gap) == ([5, 6, 7], (2, 4))
    newest = await replay(world, BOB, 1, ReplayBounds(age_ms=3 * DAY, per_chat=2))
    assert ([r.rev for r in newest.rows], newest.gap) == ([6, 7], (2, 5))
    world.now += DAY + 1
    nothing = await replay(world, BOB, 1, ReplayBounds())
    assert (nothing.rows, nothing.gap, nothing.position) == ([], (2, 7), 7)


async def test_a_gap_begins_where_the_readers_stay_does(world: World) -> None:
    await world.group(ANN, BOB)
    await world.posts(4)
    await world.enrol(CAT)
    world.now += DAY + 1
    await world.post("6")
    found = await replay(world, CAT, 0, ReplayBounds())
    assert ([r.rev for r in found.rows], found.gap) == ([6], (5, 5))


async def test_the_server_reads_everything_for_itself(world: World) -> None:
    await world.group(ANN, BOB)
    await world.posts(3)
    assert await world.seen(0) == [1, 2, 3]
    assert await world.seen(0, CHAT + 1) is None


async def test_chats_come_by_last_activity_with_what_a_list_shows(world: World) -> None:
    for offset in range(3):
        world.now += 10
        await world.group(ANN, BOB, chat=CHAT + offset)
    await world.direct(BOB, CAT, chat=CHAT + 3)  # at the same time as the one before it
    world.now += 10
    last = await world.post("news", ANN, CHAT)
    found = await world.reader.chats(BOB, None, 10)
    assert [v.chat.id for v in found.chats] == [CHAT, CHAT + 3, CHAT + 2, CHAT + 1]
    assert (found.has_more, found.cursor) == (False, None)
    first, second = found.chats[:2]
    assert first.last is not None
    assert (first.last.id, first.head.number - first.member.read_number) == (last.id, 1)
    assert (first.peer, second.peer and second.peer.id, second.last) == (None, CAT, None)


async def test_chats_come_by_pages(world: World) -> None:
    for offset in range(5):
        world.now += offset % 2
        await world.group(ANN, BOB, chat=CHAT + offset)
    await world.leave(BOB, chat=CHAT + 2)
    order, before = [], None
    for _ in range(10):
        found = await world.reader.chats(BOB, before, 2)
        order += [v.chat.id for v in found.chats]
        before = found.cursor
        if not found.has_more:
            break
    assert order == [CHAT + 4, CHAT + 3, CHAT + 1, CHAT]


async def test_the_last_message_is_one_that_the_reader_may_see(world: World) -> None:
    await world.group(ANN, BOB)
    mine = await world.post("1", BOB)
    await world.leave(BOB)
    await world.post("hidden")
    joined = await world.enrol(BOB)
    (view,) = (await world.reader.chats(BOB, None, 10)).chats
    assert view.last is not None
    assert view.last.id == joined.id != mine.id


@pytest.mark.parametrize("limit", [1, 2, 10])
async def test_the_own_log_comes_by_pages(world: World, limit: int) -> None:
    for offset in range(3):
        await world.group(ANN, BOB, chat=CHAT + offset)
    await world.post("", chat=CHAT)
    await world.advance(BOB, 1, 1)  # folds the first event into the fourth
    place, events = 0, []
    for _ in range(10):
        states, position = await world.own_log.me(BOB, place, limit)
        assert all(place < s.rev <= position for s in states)
        events += [(s.rev, s.chat_id) for s in memberships(states)]
        place = position
    assert events == [(2, CHAT + 1), (3, CHAT + 2), (4, CHAT)]
    assert place == 4
