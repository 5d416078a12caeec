"""What each member sees of a chat's log: the positions of his stays, wherever he looks (G6)."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.authorization.signals import open_line, resumed
from tests.authorization.world import Group, World

Look = Callable[[World, str, Group], Awaitable[list[dict[str, Any]]]]

ALL = ["role_changed", "first", "member_left", "member_removed", "member_removed", "absent",
       "members_added", "members_added", "late"]  # fmt: skip
# By `said`: a message's content, of system messages the kind of change.
SEES = {
    "owner": ALL,
    "observer": ALL,
    # His removal is the third change of members, his return the first after "absent".
    "readded": ["role_changed", "first", "member_left", "member_removed", *ALL[6:]],
    "later": ["members_added", "late"],
    "left": [],
    "removed": [],
    "stranger": [],
    "operator": [],
}


async def history(world: World, role: str, group: Group) -> list[dict[str, Any]]:
    page = await world.must(role, "list_messages", chat_id=group.chat_id)
    assert not page["has_more"]
    return list(reversed(page["messages"]))


async def history_by_pages(world: World, role: str, group: Group) -> list[dict[str, Any]]:
    """One at a time, backwards from the end."""
    found: list[dict[str, Any]] = []
    query = "?limit=1"
    while True:
        page = await world.must(role, "list_messages", None, query, chat_id=group.chat_id)
        found = page["messages"] + found
        if not page["has_more"]:
            return found
        query = f"?limit=1&before_id={page['cursor']}"


async def events(world: World, role: str, group: Group) -> list[dict[str, Any]]:
    page = await world.must(role, "list_events", chat_id=group.chat_id)
    assert (page["position"], page["has_more"]) == (group.head, False)
    return list(page["events"])


async def events_by_pages(world: World, role: str, group: Group) -> list[dict[str, Any]]:
    """One at a time, forwards from the beginning."""
    found: list[dict[str, Any]] = []
    place, more = 0, True
    while more:
        query = f"?limit=1&after={place}"
        page = await world.must(role, "list_events", None, query, chat_id=group.chat_id)
        assert page["position"] > place or not page["has_more"]
        found += page["events"]
        place, more = page["position"], page["has_more"]
    assert place == group.head
    return found


async def synced(world: World, role: str, group: Group) -> list[dict[str, Any]]:
    asked = {"positions": {group.chat_id: 0, "me": 0}, "receipts": [group.chat_id]}
    frames = (await world.must(role, "sync", asked))["frames"]
    return _of_chat(frames, group)


async def resumed_by_socket(world: World, role: str, group: Group) -> list[dict[str, Any]]:
    async with AsyncExitStack() as stack:
        line = await open_line(stack, world, world[role])
        await line.say({"type": "resume", "positions": {group.chat_id: 0, "me": 0}})
        await line.until_type("caught_up")
        return _of_chat(line.heard, group)


def _of_chat(frames: list[dict[str, Any]], group: Group) -> list[dict[str, Any]]:
    caught_up = frames[-1]["positions"]
    messages = [f for f in frames if f["type"] == "message" and f["chat_id"] == group.chat_id]
    assert caught_up.get(group.chat_id) == (group.head if messages else None)
    return messages


def said(message: dict[str, Any]) -> str:
    what: str = message.get("content") or message["system"]["kind"]
    return what


LOOKS: list[Look] = [
    history, history_by_pages, events, events_by_pages, synced, resumed_by_socket
]  # fmt: skip


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.__name__)
async def test_the_positions_of_his_stays(look: Look, world: World) -> None:
    group = await world.gather()
    for role, expected in SEES.items():
        if not expected and look not in (synced, resumed_by_socket):
            continue  # 404, as the matrix says
        seen = [said(message) for message in await look(world, role, group)]
        assert seen == expected, role


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.__name__)
async def test_a_history_for_all_opens_everything_to_who_is_there(look: Look, world: World) -> None:
    group = await world.gather(history="all")
    for role in ("owner", "readded", "later"):
        seen = [said(message) for message in await look(world, role, group)]
        assert seen == ALL, role
    for role in ("left", "removed", "stranger"):
        assert (await world.call(role, "get_chat", chat_id=group.chat_id)).status == 404


async def test_a_list_of_chats_shows_the_last_message_that_he_sees(world: World) -> None:
    group = await world.gather()
    # Its newest message is from when nobody but the owner was there.
    for role in ("admin", "member", "readded", "later", "observer"):
        await world.must("owner", "remove_member", chat_id=group.chat_id, user_id=world[role].id)
    secret = await world.send("owner", group.chat_id, "alone at last")
    back = {"member_ids": [world["readded"].id]}
    await world.must("owner", "add_members", back, chat_id=group.chat_id)
    for operation in ("list_chats", "get_chat"):
        found = await _chat(world, "readded", operation, group)
        assert said(found["last_message"]) == "members_added"
        assert secret not in str(found)
    assert [c["id"] for c in (await world.must("later", "list_chats"))["chats"]] == []


async def _chat(world: World, role: str, operation: str, group: Group) -> dict[str, Any]:
    if operation == "get_chat":
        only: dict[str, Any] = await world.must(role, "get_chat", chat_id=group.chat_id)
        return only
    chats = (await world.must(role, "list_chats"))["chats"]
    (found,) = [chat for chat in chats if chat["id"] == group.chat_id]
    return found


async def test_members_read_cursors_name_no_message_that_he_may_not_see(world: World) -> None:
    group = await world.gather()
    await world.must("admin", "mark_read", message_id=group.absent)
    of_admin = {}
    for role in ("owner", "readded", "later"):
        members = (await world.must(role, "list_members", chat_id=group.chat_id))["members"]
        (found,) = [m for m in members if m["user"]["id"] == world["admin"].id]
        of_admin[role] = found.get("last_read_message_id")
    assert of_admin == {"owner": group.absent, "readded": None, "later": None}


async def test_receipts_count_who_was_there_and_still_is(world: World) -> None:
    group = await world.gather()
    counts = {}
    for which in ("first", "absent", "late"):
        page = await world.must("owner", "get_receipts", message_id=getattr(group, which))
        named = {receipt["user_id"] for receipt in page["receipts"]}
        assert len(named) == page["recipients"]
        counts[which] = {name for name in world.accounts if world[name].id in named}
    same = {"member", "other", "revoked", "bad", "expired"}  # one user
    assert counts["absent"] == {"owner", "admin"} | same
    assert counts["late"] == {"owner", "admin", "readded", "later"} | same
    assert counts["first"] >= {"admin", "observer"} | same
    assert not counts["first"] & {"left", "removed", "later", "owner", "stranger"}


async def test_a_reply_to_what_he_may_not_see_shows_nothing_of_it(world: World) -> None:
    group = await world.gather()
    reply = await world.send("owner", group.chat_id, "yes", reply_to=group.absent)
    found = await world.call("readded", "get_message", message_id=reply)
    assert found.status == 200
    named = found.body.get("reply_to", group.absent)
    assert (await world.call("readded", "get_message", message_id=named)).status == 404
    assert "absent" not in str(found.body)


async def test_unread_counts_nothing_of_before_he_came(world: World) -> None:
    group = await world.gather()
    found = await world.must("later", "get_chat", chat_id=group.chat_id)
    assert (found["unread"], found["joined_seq"]) == (1, group.head - 1)


async def test_who_is_removed_hears_that_and_nothing_after_it(world: World) -> None:
    group = await world.gather()
    async with AsyncExitStack() as stack:
        line = await resumed(stack, world, world["later"])
        live = len(line.heard)
        await world.must("owner", "remove_member", chat_id=group.chat_id, user_id=world["later"].id)
        await world.send("owner", group.chat_id, "he is gone")
        await world.must("owner", "mark_read", message_id=group.late)
        # What is said to him afterwards ends the waiting.
        to = {"recipient_ids": [world["later"].id], "content": "sorry"}
        await world.must("owner", "send_message", to)
        await line.until(lambda at: at.has("message", content="sorry"))
        told = [f for f in line.heard[live:] if f.get("chat_id") == group.chat_id]
        assert {f["type"] for f in told} <= {"me", "message"}
        assert [f["member"] for f in told if f["type"] == "me"] == [False]
        assert "he is gone" not in str(told)


async def test_who_comes_back_hears_only_what_follows(world: World) -> None:
    group = await world.gather()
    async with AsyncExitStack() as stack:
        line = await resumed(stack, world, world["removed"])
        back = {"member_ids": [world["removed"].id]}
        await world.must("owner", "add_members", back, chat_id=group.chat_id)
        await world.send("owner", group.chat_id, "welcome back")
        await line.until(lambda at: at.has("message", content="welcome back"))
        assert group.absent not in str(line.heard)
        assert group.late not in str(line.heard)
        seen = [said(m) for m in await history(world, "removed", group)]
        assert seen == ["role_changed", "first", "member_left", "members_added", "welcome back"]
