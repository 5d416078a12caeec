"""What ends with a session: its tokens, and its connections at once."""

import asyncio
import time
from contextlib import AsyncExitStack

import pytest

from hubbub_protocol.codes import Close
from tests.authorization.signals import Line, open_line, resumed
from tests.authorization.world import Account, World


async def revoked(world: World, session: Account) -> None:
    await world.must("member", "revoke_session", session_id=session.session_id)


async def logged_out(world: World, session: Account) -> None:
    await world.must(session, "logout")


async def stolen(world: World, session: Account) -> None:
    """Its refresh token is used twice."""
    used = {"refresh_token": session.refresh_token}
    await world.must("nobody", "refresh", used)
    assert (await world.call("nobody", "refresh", used)).status == 401


async def replaced(world: World, session: Account) -> None:
    """Twenty others are newer; the one that is used least recently ends."""
    for _ in range(21):
        await world.sign_in("member")


@pytest.mark.parametrize("end", [revoked, logged_out, stolen, replaced], ids=lambda e: e.__name__)
async def test_its_connections_close_at_once_and_no_others(end, world: World) -> None:
    session = await world.sign_in("member")
    async with AsyncExitStack() as stack:
        live = await resumed(stack, world, session)
        tab = await open_line(stack, world, session)
        observer = await resumed(stack, world, world["observer"])
        poll: dict[str, object] = {}
        await end(world, session)
        for line in (live, tab):
            await line.until(lambda _: False)
            assert line.socket.close_code == Close.TOKEN
        assert (await world.call(session, "get_me")).status == 401
        assert (await world.call(session, "sync", poll, "?wait=1")).status == 401
        assert (await refused(stack, world, session)).socket.close_code == Close.TOKEN
        refresh = {"refresh_token": session.refresh_token}
        assert (await world.call("nobody", "refresh", refresh)).status == 401
        await observer.barrier(recipient_ids=[world["member"].id])


async def refused(stack: AsyncExitStack, world: World, session: Account) -> Line:
    line = await open_line(stack, world, session)
    assert not line.heard
    return line


async def test_a_session_is_listed_to_its_user_alone(world: World) -> None:
    mine = {s["id"] for s in (await world.must("member", "list_sessions"))["sessions"]}
    assert {world["member"].session_id, world["other"].session_id} <= mine
    assert world["revoked"].session_id not in mine
    for role in ("owner", "stranger", "operator"):
        seen = {s["id"] for s in (await world.must(role, "list_sessions"))["sessions"]}
        assert not seen & mine


async def test_places_of_one_session_are_not_moved_by_another(world: World) -> None:
    group = await world.gather()
    async with AsyncExitStack() as stack:
        first = await resumed(stack, world, world["member"])
        await first.say({"type": "received", "positions": {"me": 2**53 - 1}})
        await first.say({"type": "received", "chat_id": group.chat_id, "seq": group.head})
        await first.barrier(chat_id=group.chat_id)
        second = await resumed(stack, world, world["other"])
        kinds = {f["type"] for f in second.heard if f.get("chat_id") == group.chat_id}
        assert kinds == {"me", "message"}


@pytest.mark.parametrize("end", [revoked, logged_out], ids=lambda e: e.__name__)
async def test_waiting_for_news_ends_with_the_session(end, world: World) -> None:
    session = await world.sign_in("member")
    positions = (await world.must(session, "sync", {}))["frames"][-1]["positions"]
    async with asyncio.TaskGroup() as group:
        poll = {"positions": positions}
        waiting = group.create_task(world.call(session, "sync", poll, "?wait=60"))
        # It waits for sure when another poll that began later has been answered.
        await world.must(session, "sync", poll)
        began = time.monotonic()
        await end(world, session)
        answer = await waiting
    assert answer.status == 401, answer
    assert time.monotonic() - began < 30


async def test_who_hangs_up_waits_no_more(world: World) -> None:
    session = await world.sign_in("member")
    poll = {"positions": (await world.must(session, "sync", {}))["frames"][-1]["positions"]}
    waiting = [
        asyncio.create_task(world.call(session, "sync", poll, "?wait=60")) for _ in range(11)
    ]
    refused, _ = await asyncio.wait(waiting, timeout=30, return_when=asyncio.FIRST_COMPLETED)
    assert [task.result().status for task in refused] == [429]
    for call in waiting:
        call.cancel()  # which closes its connection
    began = time.monotonic()
    while (await world.call(session, "sync", poll)).status != 200:
        assert time.monotonic() - began < 30
