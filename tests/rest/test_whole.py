"""Every call of the table on a whole server: two people, a group, messages, and each a success."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import jsonschema
import pytest
import uvloop

from hubbub import wiring
from hubbub.config import reading
from hubbub.entry.rest.openapi import openapi
from hubbub.entry.rest.routes import ROUTES
from tests.support.keys import server_key
from tests.support.provider import providing

DOCUMENT = openapi()
BY_OPERATION = {route.operation: route for route in ROUTES}


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": uvloop.new_event_loop}


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    given: dict[str, dict[str, Any]] = {
        "server": {"port": 0, "data": str(tmp_path / "data")},
        "auth": {"argon2_memory_kib": 64, "argon2_passes": 1},
        "log": {"level": "error"},
    }
    with providing() as corp:
        server = wiring.embedded(reading.load(None, corp.settings(), given))
        try:
            yield f"http://localhost:{await server.start()}"
        finally:
            await server.stop()


async def test_a_name_that_looks_like_an_address_locks_nobody_out(tmp_path: Path) -> None:
    given: dict[str, dict[str, Any]] = {
        "server": {"port": 0, "data": str(tmp_path / "data")},
        "limits": {"logins_per_minute": 2},
        "log": {"level": "error"},
    }
    server = wiring.embedded(reading.load(None, {}, given))
    try:
        where = f"http://127.0.0.1:{await server.start()}/api/v1/auth/login"
        async with aiohttp.ClientSession() as http:
            for name in ("127.0.0.1", "ann"):
                login = {"username": name, "password": "of nobody"}
                async with http.post(where, json=login) as response:
                    assert response.status == 401, name
    finally:
        await server.stop()


class Person:
    """Calls operations by name, and checks each answer against OpenAPI."""

    def __init__(self, http: aiohttp.ClientSession, reached: set[str]) -> None:
        self._http = http
        self._reached = reached
        self.token = ""
        self.id = ""
        self.led_to = ""

    async def __call__(
        self, operation: str, body: object = None, query: str = "", **path: str
    ) -> Any:
        route = BY_OPERATION[operation]
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        where = "/api/v1" + route.path.format(**path) + query
        async with self._http.request(
            route.method, where, json=body, headers=headers, allow_redirects=False
        ) as response:
            answer = await response.json() if response.status not in (204, 303) else None
            assert response.status in {route.status, *route.also}, (operation, answer)
            self.led_to = response.headers.get("Location", "")
        if route.answer is not None:
            schema = {
                "$ref": f"#/components/schemas/{route.answer.__name__}",
                "components": DOCUMENT["components"],
            }
            jsonschema.validate(answer, schema, cls=jsonschema.Draft202012Validator)
        self._reached.add(operation)
        return answer

    async def joins(self, name: str) -> None:
        signed_in = await self("register", {"username": name, "password": "correct horse"})
        self.token, self.id = signed_in["token"], signed_in["user"]["id"]


async def test_every_call_succeeds(url: str, tmp_path: Path) -> None:
    reached: set[str] = set()
    async with aiohttp.ClientSession(url) as http:
        ann, bob, cid = (Person(http, reached) for _ in range(3))
        for person, name in ((ann, "ann"), (bob, "bob"), (cid, "cid")):
            await person.joins(name)
        await look_after(Person(http, reached), await talk(ann, bob), tmp_path / "data")
        await gather(ann, bob, cid)
        await sign_in_and_out(ann)
        await backend(Person(http, reached), tmp_path)
        await by_provider(Person(http, reached), http)
    assert reached == set(BY_OPERATION)


async def by_provider(zoe: Person, http: aiohttp.ClientSession) -> None:
    (corp,) = (await zoe("list_providers"))["providers"]
    await zoe("start_sign_in", provider=corp["name"])
    async with http.get(zoe.led_to, allow_redirects=False) as response:
        query = response.headers["Location"].partition("?")[2]
    await zoe("finish_sign_in", query=f"?{query}", provider=corp["name"])
    code = zoe.led_to.partition("#oidc=")[2].partition("&")[0]
    signed_in = await zoe("exchange_sign_in", {"code": code})
    assert signed_in["user"]["display_name"] == "Ann Archer"
    await zoe("sign_out_of_provider", provider=corp["name"])


async def backend(shop: Person, folder: Path) -> None:
    """A host application's, with a server key."""
    shop.token = server_key(folder / "data", "users:write")
    zoe = await shop("put_user", {"display_name": "Zoe"}, user_id="ext:zoe")
    again = {"users": [{"id": "ext:zoe", "display_name": "Zoe B."}]}
    assert (await shop("put_users", again))["users"] == [{**zoe, "display_name": "Zoe B."}]


async def look_after(operator: Person, message_id: str, data: Path) -> None:
    operator.token = wiring.operator_token(data)
    trace = await operator("trace_message", message_id=message_id)
    assert [(each["username"], each["fate"]) for each in trace["recipients"]] == [("bob", "read")]
    assert "Hello" not in str(trace)
    tail = await operator("tail_user", query="?user=bob")
    assert [chat["unread"] for chat in tail["chats"]] == [0]


async def talk(ann: Person, bob: Person) -> str:
    assert (await ann("find_user", query="?username=bob"))["users"][0]["id"] == bob.id
    assert (await ann("get_user", user_id=bob.id))["username"] == "bob"
    message = {"recipient_ids": [bob.id], "content": "Hello!", "client_id": str(uuid.uuid4())}
    accepted = await ann("send_message", message)
    assert await ann("send_message", message) == accepted, "the same answer (G2)"
    chat_id, message_id = accepted["chat_id"], accepted["id"]
    (seen,) = (await bob("list_messages", chat_id=chat_id))["messages"]
    assert (seen["content"], seen["sender_id"]) == ("Hello!", ann.id)
    assert (await ann("get_message", message_id=message_id))["status"] == "sent"
    frames = (await bob("sync", {}))["frames"]
    assert [frame["type"] for frame in frames][-2:] == ["message", "caught_up"]
    assert await bob("mark_read", message_id=message_id) == {"status": "read"}
    assert (await ann("get_message", message_id=message_id))["status"] == "read"
    edited = await ann("edit_message", {"content": "Hello, Bob!"}, message_id=message_id)
    assert edited == {"id": message_id, "chat_id": chat_id, "rev": 2}
    assert (await ann("list_edits", message_id=message_id))["edits"][0]["content"] == "Hello!"
    await bob("pin_message", message_id=message_id)
    assert [m["id"] for m in (await ann("list_pins", chat_id=chat_id))["messages"]] == [message_id]
    await ann("unpin_message", message_id=message_id)
    await bob("add_reaction", message_id=message_id, emoji="👍")
    (reactor,) = (await ann("list_reactions", message_id=message_id))["reactors"]
    assert (reactor["user_id"], reactor["reactions"][0]["emoji"]) == (bob.id, "👍")
    await bob("remove_reaction", message_id=message_id, emoji="👍")
    spoken = await bob("send_message", {"chat_id": chat_id, "content": "Wrong window"})
    await bob("delete_message", message_id=spoken["id"])
    receipts = await ann("get_receipts", message_id=message_id)
    assert (receipts["recipients"], receipts["read"]) == (1, 1)
    assert (await bob("list_events", chat_id=chat_id))["position"] == 8
    reply = {"chat_id": chat_id, "content": "Hi @bob", "reply_to": message_id, "mentions": [bob.id]}
    await ann("send_message", reply)
    thread = await bob("get_thread", message_id=message_id)
    assert (thread["root"]["id"], thread["replies"]["count"]) == (message_id, 1)
    assert (await bob("list_mentions"))["messages"][0]["content"] == "Hi @bob"
    await bob("send_message", {"recipient_ids": [ann.id], "forward": message_id})
    assert (await bob("list_my_events"))["events"][0]["chat_id"] == chat_id
    assert await bob("mute_chat", {"until": None}, chat_id=chat_id) == {"until": None}
    direct = await bob("create_chat", {"chat_type": "direct", "member_ids": [ann.id]})
    assert direct["id"] == chat_id
    return str(message_id)


async def keep_to_oneself(ann: Person, cid: Person) -> None:
    assert (await ann("change_me", {"display_name": "Anna"}))["display_name"] == "Anna"
    told = await ann("change_me", {"privacy": {"inbox": "contacts"}})
    assert told["privacy"] == {"read_receipts": True, "last_seen": True, "inbox": "contacts"}
    await ann("block_user", user_id=cid.id)
    assert [user["id"] for user in (await ann("list_blocks"))["users"]] == [cid.id]
    await ann("unblock_user", user_id=cid.id)


async def gather(ann: Person, bob: Person, cid: Person) -> None:
    group = await ann("create_chat", {"title": "Garden", "member_ids": [bob.id]})
    chat_id = group["id"]
    await ann("add_members", {"member_ids": [cid.id]}, chat_id=chat_id)
    await ann("change_member", {"role": "admin"}, chat_id=chat_id, user_id=bob.id)
    await bob("change_chat", {"description": "What grows"}, chat_id=chat_id)
    assert (await cid("get_chat", chat_id=chat_id))["description"] == "What grows"
    members = (await cid("list_members", chat_id=chat_id))["members"]
    roles = {member["user"]["username"]: member["role"] for member in members}
    assert roles == {"ann": "owner", "bob": "admin", "cid": "member"}
    assert (await bob("get_chat", chat_id=chat_id))["title"] == "Garden"
    await bob("remove_member", chat_id=chat_id, user_id=cid.id)
    await come_in(ann, bob, chat_id)
    await bob("mute_chat", {"until": None}, chat_id=chat_id)
    await keep_to_oneself(ann, cid)
    await bob("leave_chat", chat_id=chat_id)
    assert (await ann("get_chat", chat_id=chat_id))["member_count"] == 1
    assert {chat["id"] for chat in (await ann("list_chats"))["chats"]} > {chat_id}
    assert len((await cid("list_chats"))["chats"]) == 0


async def come_in(ann: Person, bob: Person, chat_id: str) -> None:
    await ann("change_chat", {"visibility": "public"}, chat_id=chat_id)
    listed = (await bob("list_public_chats"))["chats"]
    assert [chat["id"] for chat in listed] == [chat_id]
    assert await bob("get_public_chat", chat_id=chat_id) == listed[0]
    await bob("leave_chat", chat_id=chat_id)
    assert (await bob("join_chat", chat_id=chat_id))["id"] == chat_id
    await bob("leave_chat", chat_id=chat_id)
    made = await ann("create_chat_invite", {"max_uses": 1}, chat_id=chat_id)
    code = {"code": made["code"]}
    assert made["url"].endswith(f"/#join={made['code']}")
    assert (await bob("look_at_invite", code))["title"] == "Garden"
    assert (await bob("follow_invite", code))["role"] == "member"
    assert (await ann("list_chat_invites", chat_id=chat_id))["invites"] == []
    await ann("end_chat_invite", chat_id=chat_id, invite_id=made["invite"]["id"])


async def sign_in_and_out(ann: Person) -> None:
    first = await ann("login", {"username": "ann", "password": "correct horse"})
    second = await ann("refresh", {"refresh_token": first["refresh_token"]})
    assert second["session_id"] == first["session_id"]
    assert len((await ann("list_sessions"))["sessions"]) == 2
    await ann("revoke_session", session_id=first["session_id"])
    assert (await ann("get_me"))["id"] == ann.id
    assert "#invite=" in (await ann("create_invite"))["url"]
    await ann("logout")
    with pytest.raises(AssertionError, match="unauthorized"):
        await ann("get_me")
