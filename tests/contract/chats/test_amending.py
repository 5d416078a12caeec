"""Changes of stored messages: the next position, the latest state, and who sees it (G2, G6)."""

from typing import Any

import pytest

from hubbub.domain.change import Amend, Amended, Denied, Edit, Mismatch, Missing, SetChat
from hubbub.domain.message import EVERYBODY, Audience
from hubbub.domain.reading import ReplayBounds
from hubbub.ports import LogRead
from tests.contract.chats.world import ANN, BOB, CAT, CHAT, DAN, World

KEY = b"k" * 16


async def edit(world: World, message: int, content: str, by: int = ANN, **more: Any) -> Any:
    since = more.pop("since", 0)
    at = more.pop("at", world.now)
    return await world.one(Amend(message, by, Edit(content, None, since), at))


async def edited(world: World, message: int, content: str, by: int = ANN) -> Amended:
    outcome = await edit(world, message, content, by)
    assert isinstance(outcome, Amended), outcome
    return outcome


async def test_an_edit_takes_the_next_position_and_nothing_else(world: World) -> None:
    await world.group(ANN, BOB)
    first, second = await world.posts(2)
    before = await world.reader.chat(BOB, CHAT)
    outcome = await edit(world, first.id, "edited", at=5_000)
    row = outcome.row
    assert (outcome.changed, outcome.audience) == (True, EVERYBODY)
    assert (row.seq, row.rev, row.number, row.at) == (1, 3, 1, first.at)
    assert (row.content, row.edited, row.edited_at, row.changed_at) == ("edited", 3, 5_000, 5_000)
    after = await world.reader.chat(BOB, CHAT)
    assert before is not None
    assert after is not None
    assert (after.head.seq, after.head.number, after.head.at) == (3, 2, before.head.at)
    posted = await world.post("3")
    assert (posted.seq, posted.number) == (4, 3)
    assert await world.seen(BOB) == [2, 3, 4]
    found = await world.log(BOB)
    assert found is not None
    assert [(r.id, r.content) for r in found.rows] == [
        (second.id, "2"),
        (first.id, "edited"),
        (posted.id, "3"),
    ]
    history = await world.reader.history(BOB, CHAT, "before", 0, 10)
    assert history is not None
    assert [r.content for r in history.rows] == ["3", "2", "edited"]
    view = await world.reader.message(BOB, first.id)
    assert view is not None
    assert view.row == row


async def test_what_is_so_already_takes_no_position(world: World) -> None:
    await world.group(ANN, BOB)
    sent = await world.post("one")
    once = await edited(world, sent.id, "two")
    again = await edited(world, sent.id, "two")
    assert (again.row, again.changed) == (once.row, False)
    assert (await edited(world, (await world.post("x")).id, "x")).row.rev == 3


async def test_several_in_one_commit(world: World) -> None:
    await world.group(ANN, BOB)
    post = world.text("one", client_id=KEY)
    one, two = (Amend(post.id, ANN, Edit(text, None), world.now) for text in ("two", "three"))
    outcomes = await world.do(post, one, world.text("other"), two)
    assert [getattr(o, "seq", None) for o in outcomes] == [1, None, 3, None]
    assert [o.row.rev for o in outcomes if isinstance(o, Amended)] == [2, 4]
    view = await world.reader.message(BOB, post.id)
    assert view is not None
    assert view.row.content == "three"


@pytest.mark.parametrize("reopened", [False, True])
async def test_a_send_that_comes_again_after_an_edit_is_known(world: World, reopened: bool) -> None:
    await world.group(ANN, BOB)
    sent = await world.one(world.text("one", client_id=KEY))
    await edited(world, sent.id, "two")
    await edited(world, sent.id, "three")
    if reopened:
        world.reopen()
    again = await world.one(world.text("one", client_id=KEY))
    assert (again.id, again.seq, again.duplicate) == (sent.id, 1, True)
    for other in ("two", "three"):
        assert isinstance(await world.one(world.text(other, client_id=KEY)), Mismatch)
    assert await world.seen(BOB) == [3]


async def test_only_the_sender_and_not_for_ever(world: World) -> None:
    await world.group(ANN, BOB)
    sent = await world.one(world.text("one", at=5_000))
    for outcome in (
        await edit(world, sent.id, "two", BOB),
        await edit(world, sent.id, "two", since=5_001),
    ):
        assert isinstance(outcome, Denied)
        assert outcome.kind == "forbidden"
    nothing = await edit(world, sent.id, "")
    assert isinstance(nothing, Denied)
    assert nothing.kind == "invalid"
    assert (await edit(world, sent.id, "two", since=5_000)).changed
    added = await world.enrol(CAT)
    assert isinstance(await edit(world, added.id, "two"), Denied)


async def test_media_stay_unless_they_are_changed(world: World) -> None:
    await world.group(ANN, BOB)
    sent = await world.post("one")
    media = b'[{"url":"u"}]'
    one = await world.one(Amend(sent.id, ANN, Edit(None, media), 1))
    two = await edited(world, sent.id, "")
    assert (one.row.content, one.row.media) == ("one", media)
    assert (two.row.content, two.row.media) == ("", media)
    assert isinstance(await world.one(Amend(sent.id, ANN, Edit(None, b""), 1)), Denied)


async def test_who_may_not_write_does_not_edit(world: World) -> None:
    await world.group(ANN, BOB)
    sent = await world.post("one", BOB)
    await world.one(SetChat(world.next_id(), CHAT, ANN, {"posting": "admins"}, world.now))
    assert isinstance(await edit(world, sent.id, "two", BOB), Denied)


async def test_what_one_does_not_see_is_missing(world: World) -> None:
    await world.group(ANN, BOB)
    sent = await world.post("one")
    await world.enrol(CAT)
    for user in (CAT, DAN):
        assert isinstance(await edit(world, sent.id, "two", user), Missing)
    assert isinstance(await edit(world, 77, "two"), Missing)
    await world.leave(ANN)
    assert isinstance(await edit(world, sent.id, "two"), Missing)


async def test_who_came_later_does_not_see_it_and_who_came_back_does(world: World) -> None:
    await world.group(ANN, BOB, DAN)
    sent = await world.post("one")
    await world.leave(BOB)
    await world.enrol(BOB, CAT)
    outcome = await edited(world, sent.id, "two")
    assert outcome.audience == Audience(True, (CAT,))
    assert await world.seen(CAT) == [3]
    assert await world.seen(BOB) == [3, 4]


async def test_a_change_while_one_is_away_hides_the_message_until_the_next(world: World) -> None:
    await world.group(ANN, BOB)
    sent = await world.post("one")
    await world.leave(BOB)
    await edited(world, sent.id, "two")
    await world.enrol(BOB)
    assert await world.reader.message(BOB, sent.id) is None
    await edited(world, sent.id, "three")
    view = await world.reader.message(BOB, sent.id)
    assert view is not None
    assert view.row.content == "three"


async def test_open_history_shows_it_to_everybody(world: World) -> None:
    await world.group(ANN, BOB, history="all")
    sent = await world.post("one")
    await world.enrol(CAT)
    assert (await edited(world, sent.id, "two")).audience == EVERYBODY
    assert await world.seen(CAT) == [2, 3]


async def test_a_large_group_names_who_came_back_instead(world: World) -> None:
    crowd = range(1_000, 1_300)
    world.add_users(*crowd)
    await world.group(ANN, BOB, *crowd)
    sent = await world.post("one")
    await world.leave(BOB)
    await world.enrol(BOB, CAT)
    assert (await edited(world, sent.id, "two")).audience == Audience(False, (), (BOB,))


async def test_receipts_and_unread_counts_stay(world: World) -> None:
    await world.direct(ANN, BOB)
    sent = await world.post("one")
    world.now = 2_000
    await world.advance(BOB, 1)
    await edited(world, sent.id, "two")
    await world.post("three")
    world.now = 3_000
    moved = await world.advance(BOB, 2, 2)
    assert moved.me is not None
    assert moved.me.unread == 1
    receipts = await world.reader.receipts(ANN, sent.id, 0, 10)
    assert receipts is not None
    assert [(r.delivered_at, r.read_at) for r in receipts.page] == [(2_000, 3_000)]


async def test_times_at_the_position_of_a_change(world: World) -> None:
    """In a direct chat a message keeps them; here there is none at the position."""
    await world.direct(ANN, BOB)
    sent = await world.post("one")
    other = await world.post("two", BOB)
    await edited(world, sent.id, "edited")
    world.now = 2_000
    await world.advance(ANN, 3, 0)
    await world.advance(BOB, 3, 3)
    world.now = 3_000
    await world.advance(ANN, 3, 3)
    mine = await world.reader.receipts(ANN, sent.id, 0, 10)
    his = await world.reader.receipts(BOB, other.id, 0, 10)
    assert mine is not None
    assert his is not None
    assert [(r.delivered_at, r.read_at) for r in his.page] == [(2_000, 3_000)]
    assert mine.read == 1


async def test_a_replay_pushes_what_was_changed_lately(world: World) -> None:
    await world.group(ANN, BOB)
    old = await world.one(world.text("old", at=1_000))
    await edit(world, old.id, "new", at=9_000)
    read = LogRead(BOB, CHAT, 0, 1_000, ReplayBounds(age_ms=2_000), 10_000)
    (found,) = await world.store.logs([read])
    assert found is not None
    assert [row.content for row in found.rows] == ["new"]
    assert found.gap is None
