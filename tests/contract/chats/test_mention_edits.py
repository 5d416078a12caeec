"""An edit may mention others, and no longer those who were mentioned (4.8.3)."""

from typing import Any

import pytest

from hubbub.domain.change import Amend, Create, Denied, Edit, Mismatch, NewChat, SetRole
from hubbub.domain.extra import Extra, pack, unpack
from tests.contract.chats.world import ANN, BOB, CAT, CHAT, World

KEY = b"k" * 16


async def edit(world: World, message: int, by: int = ANN, **what: Any) -> Any:
    return await world.one(Amend(message, by, Edit(None, None, **what), world.now))


async def unread(world: World, *users: int) -> list[int]:
    """Their unread mentions, which each tells the same everywhere."""
    counts = []
    for user in users:
        view = await world.reader.chat(user, CHAT)
        assert view is not None
        events, _ = await world.own_log.me(user, 0, 10)
        assert [event.unread_mentions for event in events if hasattr(event, "unread_mentions")] == [
            view.unread_mentions
        ]
        counts.append(view.unread_mentions)
    return counts


async def mentions(world: World, user: int) -> list[int]:
    return [m.row.id for m in (await world.referring.mentions(user, None, 10)).mentions]


async def test_who_is_mentioned_now_is_counted_and_who_is_not_any_more_is_not(
    world: World,
) -> None:
    await world.group(ANN, BOB, CAT)
    sent = await world.post("you", extra=Extra((BOB,)))
    await world.post("later")
    outcome = await edit(world, sent.id, mentions=(CAT,))
    assert (outcome.row.rev, outcome.row.edited, outcome.row.content) == (3, 3, "you")
    assert unpack(outcome.row.extra) == Extra((CAT,))
    world.reopen()
    assert await unread(world, BOB, CAT) == [0, 1]
    assert (await mentions(world, BOB), await mentions(world, CAT)) == ([], [sent.id])
    await edit(world, sent.id, mention_all=True)
    assert await unread(world, ANN, BOB, CAT) == [0, 1, 1]
    await world.advance(BOB, 0, 1)
    await edit(world, sent.id, mentions=(BOB,), mention_all=False)
    assert await unread(world, BOB, CAT) == [0, 0]  # one of them has read up to there
    assert await mentions(world, BOB) == [sent.id]
    cleared = await edit(world, sent.id, mentions=())
    assert cleared.row.extra == b""
    assert await mentions(world, BOB) == []


async def test_a_message_without_mentions_gets_some(world: World) -> None:
    await world.group(ANN, BOB)
    sent = await world.post("you")
    assert (await edit(world, sent.id, mentions=(BOB,))).row.rev == 2
    world.reopen()
    assert await unread(world, BOB) == [1]
    again = await edit(world, sent.id, mentions=(BOB,), mention_all=False)
    assert (again.changed, again.row.rev) == (False, 2)


async def test_whom_it_mentioned_before_is_kept_with_what_it_said(world: World) -> None:
    await world.group(ANN, BOB, CAT)
    sent = await world.post("one", extra=Extra((BOB,)))
    await world.one(Amend(sent.id, ANN, Edit("two", None, 0, (CAT,)), world.now))
    await edit(world, sent.id, mention_all=True)
    world.reopen()
    found = await world.messages.versions(ANN, sent.id)
    assert found is not None
    said = [(each.content, unpack(each.extra)) for each in found.earlier]
    assert said == [("two", Extra((CAT,))), ("one", Extra((BOB,)))]
    assert unpack(found.row.extra) == Extra((CAT,), mention_all=True)


@pytest.mark.parametrize("reopened", [False, True])
async def test_a_send_that_comes_again_is_known_by_whom_it_mentioned_first(
    world: World, reopened: bool
) -> None:
    await world.group(ANN, BOB, CAT)
    post = world.text("one", client_id=KEY, extra=Extra((BOB,)))
    sent = await world.one(post)
    await edit(world, sent.id, mentions=(CAT,))
    if reopened:
        world.reopen()
    again = await world.one(world.text("one", client_id=KEY, extra=Extra((BOB,))))
    assert (again.id, again.duplicate) == (sent.id, True)
    other = world.text("one", client_id=KEY, extra=Extra((CAT,)))
    assert isinstance(await world.one(other), Mismatch)


async def test_in_large_groups_not_everybody_mentions_all_by_an_edit_either(world: World) -> None:
    many = tuple(range(100, 400))
    world.add_users(*many)
    await world.do(Create(NewChat(CHAT, "group", None, None, "joined", ANN, (ANN, *many)), 1))
    sent = await world.post("1", many[0])
    denied = await edit(world, sent.id, many[0], mention_all=True)
    assert isinstance(denied, Denied)
    assert denied.kind == "forbidden"
    assert (await edit(world, sent.id, many[0], mentions=(ANN,), mention_all=False)).changed
    raised = SetRole(world.next_id(), CHAT, ANN, many[0], "admin", world.now)
    lowered = SetRole(world.next_id(), CHAT, ANN, many[0], "member", world.now)
    await world.do(raised)
    assert (await edit(world, sent.id, many[0], mention_all=True)).changed
    await world.do(lowered)
    kept = await world.one(Amend(sent.id, many[0], Edit("2", None, 0, None, True), world.now))
    assert kept.changed  # it did so before
    assert unpack(kept.row.extra) == unpack(pack(Extra((ANN,), mention_all=True)))
