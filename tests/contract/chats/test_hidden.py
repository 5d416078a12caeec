"""Messages that users have deleted for themselves: they see nothing of them, nobody else knows."""

from typing import Any

import pytest

from hubbub.adapters.memory import hidden as in_memory
from hubbub.adapters.postgres import hidden as in_postgres
from hubbub.adapters.sqlite import hidden as in_sqlite
from hubbub.domain.amend import may_hide
from hubbub.domain.change import Amend, Amended, Denied, Edit, Enrol, Erase, Hide, Missing, Pin
from hubbub.domain.extra import Extra
from hubbub.domain.message import EVERYBODY, Audience
from hubbub.domain.own import MyChat, MyHidden
from hubbub.domain.reading import ReplayBounds
from hubbub.ports import LogRead, Lookup, SourceRead
from tests.contract.chats.world import ANN, BOB, CAT, CHAT, World


async def hide(world: World, message: int, by: int = BOB) -> Any:
    return await world.one(Amend(message, by, Hide(), world.now))


async def hidden(world: World, message: int, by: int = BOB) -> Amended:
    outcome = await hide(world, message, by)
    assert isinstance(outcome, Amended)
    return outcome


async def shown(world: World, user: int) -> list[int]:
    """The ids in the history of the chat."""
    page = await world.reader.history(user, CHAT, "before", 0, 50)
    assert page is not None
    return [row.id for row in page.rows]


async def test_it_takes_no_position_and_his_own_log_tells(world: World) -> None:
    await world.group(ANN, BOB)
    sent = await world.post("one")
    head = (await world.own_log.me(BOB, 0, 50))[1]
    await world.advance(BOB, 1, 1)
    outcome = await hidden(world, sent.id)
    assert (outcome.row.id, outcome.row.rev, outcome.changed) == (sent.id, 1, False)
    assert outcome.told == (MyHidden(BOB, head + 2, CHAT, sent.id, 1),)
    assert outcome.audience == EVERYBODY
    assert await world.own_log.me(BOB, head + 1, 50) == ([*outcome.told], head + 2)
    assert (await world.own_log.me(ANN, 0, 50))[1] == head
    view = await world.reader.chat(ANN, CHAT)
    assert view is not None
    assert view.head.seq == 1


@pytest.mark.parametrize("reopened", [False, True])
async def test_he_finds_it_nowhere_and_others_do(world: World, reopened: bool) -> None:
    await world.group(ANN, BOB)
    root = await world.post("root")
    gone = await world.reply(root.id, root.id)
    stays = await world.reply(root.id, root.id)
    await world.one(Amend(gone.id, ANN, Pin(True), world.now))
    await world.advance(BOB, 3, 3)
    await hidden(world, gone.id)
    if reopened:
        world.reopen()
    assert await shown(world, BOB) == [stays.id, root.id]
    assert await shown(world, ANN) == [stays.id, gone.id, root.id]
    assert await world.seen(BOB) == [1, 3]
    assert await world.seen(ANN) == [1, 3, 4]
    assert await world.reader.message(BOB, gone.id) is None
    assert await world.reader.receipts(BOB, gone.id, 0, 9) is None
    assert await world.messages.versions(BOB, gone.id) is None
    assert await world.reader.history(BOB, CHAT, "around", gone.id, 9) is None
    pins = await world.messages.pins(BOB, CHAT)
    assert pins is not None
    assert pins.rows == []
    thread = await world.referring.thread(BOB, root.id, False, 0, 9)
    assert thread is not None
    assert thread.replies is not None
    assert ([row.id for row in thread.rows], thread.replies.count) == ([stays.id], 1)
    for lookup in (Lookup(BOB, CHAT, reply_to=gone.id), Lookup(ANN, CHAT, reply_to=gone.id)):
        (found,) = await world.store.find([lookup])
        assert found is not None
        assert (found.thread_id > 0) is (lookup.user_id == ANN)
    assert await world.referring.sources([SourceRead(BOB, gone.id, None)]) == [None]


async def test_the_newest_message_of_a_chat_is_one_that_he_sees(world: World) -> None:
    await world.direct(ANN, BOB)
    first, last = await world.posts(2)
    await hidden(world, last.id)
    views = [await world.reader.chat(user, CHAT) for user in (BOB, ANN)]
    assert [view and view.last and view.last.id for view in views] == [first.id, last.id]
    members = await world.reader.members(BOB, CHAT, 0, 9)
    assert members is not None
    assert [view.last_read_id for view in members.members] == [0, 0]  # Ann is at what he hid


async def test_it_counts_no_more_as_unread(world: World) -> None:
    await world.group(ANN, BOB)
    named = Extra((BOB,))
    sent = [await world.post(f"{i}", extra=named) for i in range(4)]
    await world.advance(BOB, 1, 1)
    await hidden(world, sent[0].id)
    await hidden(world, sent[2].id)
    view = await world.reader.chat(BOB, CHAT)
    assert view is not None
    unread = view.head.number - view.member.read_number - view.hidden
    assert (unread, view.hidden, view.unread_mentions) == (2, 1, 2)
    moved = await world.advance(BOB, 2, 2)
    assert moved.me is not None
    assert (moved.me.unread, moved.me.unread_mentions) == (1, 1)
    events, _ = await world.own_log.me(BOB, 0, 50)
    assert moved.me in events
    mentions = await world.referring.mentions(BOB, None, 9)
    assert [each.row.id for each in mentions.mentions] == [sent[3].id, sent[1].id]


async def test_where_he_is_is_told_where_it_follows_from_nothing_else(world: World) -> None:
    await world.group(ANN, BOB)
    own, unread = await world.post("one", BOB), await world.post("two")
    for sent, counts in ((own, (1, 1)), (unread, (1, 0))):
        told = (await hidden(world, sent.id)).told
        assert len(told) == 2
        assert isinstance(told[1], MyChat)
        assert (told[1].read, told[1].unread) == counts
        assert (await world.own_log.me(BOB, told[0].rev - 1, 50))[0] == [*told]


async def test_once_and_for_good(world: World) -> None:
    await world.group(ANN, BOB)
    sent = await world.post("one")
    await hidden(world, sent.id)
    again = await hidden(world, sent.id)
    assert (again.row.id, again.changed, again.told) == (sent.id, False, ())
    for do in (Edit("two", None), Erase(), Pin(True)):
        assert isinstance(await world.one(Amend(sent.id, BOB, do, world.now)), Missing)
    await world.leave(BOB)
    await world.one(Enrol(world.next_id(), CHAT, ANN, (BOB,), world.now))
    assert await shown(world, BOB) == [(await shown(world, ANN))[0]]


async def test_what_becomes_of_it_is_not_for_him(world: World) -> None:
    await world.group(ANN, BOB, CAT)
    sent = await world.post("one")
    await world.leave(CAT)
    await hidden(world, sent.id)
    changed = await world.one(Amend(sent.id, ANN, Edit("two", None), world.now))
    assert changed.audience == Audience(True, (BOB,))
    erased = await world.one(Amend(sent.id, ANN, Erase(), world.now))
    assert erased.audience == Audience(True, (BOB,))
    assert await world.seen(BOB) == [2]


async def test_large_and_open_groups_say_from_whom_it_is_hidden(world: World) -> None:
    crowd = range(1_000, 1_300)
    world.add_users(*crowd)
    await world.group(ANN, BOB, *crowd)
    sent = await world.post("one")
    await hidden(world, sent.id)
    for history, audience in (
        ("joined", Audience(False, (BOB,), ())),
        ("all", Audience(True, (BOB,))),
    ):
        chat = (
            CHAT
            if history == "joined"
            else await world.group(ANN, BOB, chat=CHAT + 1, history="all")
        )
        message = sent if chat == CHAT else await world.post("one", ANN, chat)
        await hidden(world, message.id)
        changed = await world.one(Amend(message.id, ANN, Pin(True), world.now))
        assert changed.audience == audience


async def test_who_left_hears_of_nothing(world: World) -> None:
    await world.group(ANN, BOB)
    sent = await world.post("one")
    await hidden(world, sent.id)
    await world.leave(BOB)
    changed = await world.one(Amend(sent.id, ANN, Pin(True), world.now))
    assert changed.audience == EVERYBODY
    assert isinstance(await hide(world, sent.id), Missing)


async def test_only_what_he_sees_and_what_somebody_said(world: World) -> None:
    await world.group(ANN, BOB)
    sent = await world.post("one")
    added = await world.enrol(CAT)
    assert isinstance(await hide(world, sent.id, CAT), Missing)
    assert isinstance(await hide(world, 77), Missing)
    denied = await hide(world, added.id)
    assert isinstance(denied, Denied)
    assert denied.kind == "invalid"
    await world.one(Amend(sent.id, ANN, Erase(), world.now))
    await hidden(world, sent.id)
    assert await world.seen(BOB) == [2]


async def test_a_replay_leaves_it_out(world: World) -> None:
    await world.group(ANN, BOB)
    sent = await world.posts(6)
    for each in (sent[0], sent[3], sent[4]):
        await hidden(world, each.id)
    bounds = ReplayBounds(age_ms=10**9, per_chat=2)
    read = LogRead(BOB, CHAT, 0, 1000, bounds, world.now)
    (found,) = await world.store.logs([read])
    assert found is not None
    assert ([row.seq for row in found.rows], found.position) == ([3, 6], 6)
    assert found.gap == (1, 2)  # from where he is: nothing is left out without a word


async def test_there_is_an_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert may_hide(9_999) is None
    denied = may_hide(10_000)
    assert denied is not None
    assert denied.kind == "conflict"

    def two(count: int) -> Denied | None:
        return denied if count >= 2 else None

    for module in (in_memory, in_sqlite, in_postgres):
        monkeypatch.setattr(module, "may_hide", two)
    await world.group(ANN, BOB)
    await world.direct(ANN, BOB, CHAT + 1)
    sent = [await world.post("x", ANN, chat) for chat in (CHAT, CHAT + 1, CHAT)]
    for each in sent[:2]:
        await hidden(world, each.id)
    head = (await world.own_log.me(BOB, 0, 50))[1]
    assert await hide(world, sent[2].id) == denied
    await hidden(world, sent[0].id)
    await hidden(world, sent[2].id, ANN)
    assert (await world.own_log.me(BOB, 0, 50))[1] == head
