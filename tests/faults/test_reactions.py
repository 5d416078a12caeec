"""kill -9 while reactions of a large group wait for the position that tells of them."""

import asyncio
import signal
from typing import Any
from urllib.parse import quote

import apsw
import pytest

from hubbub_protocol import ids
from tests.faults.people import Api, Person
from tests.support.server import PATIENCE, ServerProcess

CROWD = range(1, 300)
EMOJI = ("👍", "🎉", "❤️")


def bring_in_a_crowd(server: ServerProcess) -> list[str]:
    """Users who never sign in, stored while the server is down."""
    server.end()
    database = apsw.Connection(str(server.data / "hubbub.db"))
    database.executemany(
        "INSERT INTO users (id, username, display_name, password_hash, created_at)"
        " VALUES (?1, 'crowd' || ?1, 'One of many', '', 0)",
        [(number,) for number in CROWD],
    )
    database.close()
    server.start()
    return [ids.text("user", number) for number in CROWD]


@pytest.mark.parametrize("what", ["server", pytest.param("store", marks=pytest.mark.slow)])
async def test_reactions_that_wait_are_told_of(server: ServerProcess, api: Api, what: str) -> None:
    crowd = bring_in_a_crowd(server)
    ann = await api.register("ann")
    body = {"title": "Large", "member_ids": crowd}
    chat = (await api("POST", "/chats", body, of=ann)).good["id"]
    sent = (await api("POST", "/messages", {"chat_id": chat, "content": "x"}, of=ann)).good["id"]
    where = f"/messages/{sent}"
    revs = [
        (await api("PUT", f"{where}/reactions/{quote(emoji)}", of=ann)).good["rev"]
        for emoji in EMOJI
    ]
    if what == "server":
        server.crash()
        server.start()
    else:
        server.signal_store(signal.SIGKILL)
    assert revs == [2, 2, 2]  # the last two wait: that of the first is less than a second old

    await api.patient("GET", "/me", of=ann)
    (told,) = await beyond(api, ann, chat, 2)
    assert (told["rev"], told["reactions"]) == (3, dict.fromkeys(EMOJI, 1))
    page = await api.patient("GET", f"/chats/{chat}/events?after=2", of=ann)
    assert [event["rev"] for event in page["events"]] == [3]


async def beyond(api: Api, reader: Person, chat: str, place: int) -> list[Any]:
    """What happens in the chat after the place: the server answers when there is something."""
    me = (await api.patient("GET", "/me/events?after=0", of=reader))["position"]
    body = {"positions": {"me": me, chat: place}}
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await api("POST", "/sync?wait=20", body, of=reader)
            frames = answer.body["frames"] if answer.status == 200 else []
            if found := [frame for frame in frames if frame["type"] == "message"]:
                return found
