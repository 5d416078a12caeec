"""What a server key may do: by its scopes, and for whom it acts."""

import uuid
from typing import get_args

import pytest

from hubbub.entry.rest.routes import ROUTES
from hubbub.entry.rest.table import Route
from hubbub.wiring.admin import Scope
from tests.authorization.world import NOBODY, Account, Answer, World, ghost
from tests.support.keys import server_key

MAY: dict[str, Scope] = {
    "put_user": "users:write",
    "put_users": "users:write",
    "create_chat": "chats:write",
    "change_chat": "chats:write",
    "add_members": "chats:write",
    "remove_member": "chats:write",
    "change_member": "chats:write",
    "leave_chat": "chats:write",
    "send_message": "messages:write",
    "edit_message": "messages:write",
    "delete_message": "messages:write",
    "pin_message": "messages:write",
    "unpin_message": "messages:write",
    "add_reaction": "messages:write",
    "remove_reaction": "messages:write",
}
"""Every call that a key may make at all."""
SCOPES: tuple[Scope, ...] = get_args(Scope)
BODIES = {
    "put_user": {"display_name": "Zoe"},
    "put_users": {"users": [{"id": "ext:zoe", "display_name": "Zoe"}]},
    "create_chat": {"title": "Garden"},
    "change_chat": {"title": "Orchard"},
    "change_member": {"role": "admin"},
    "edit_message": {"content": "from the shop"},
}
PUBLIC = {route.operation for route in ROUTES if route.scope == "public"}


def holder(world: World, *scopes: Scope) -> Account:
    return Account("key", "", "", server_key(world.server.data, *scopes))


async def ask(world: World, key: Account, operation: str, acting: str | None) -> Answer:
    """The call with a body that fits, about a group that the member is in."""
    group = await world.gather()
    body = BODIES.get(operation)
    if operation == "add_members":
        body = {"member_ids": [world["stranger"].id]}
    elif operation == "send_message":
        body = {"chat_id": group.chat_id, "content": "from the shop"}
    path = {
        "chat_id": group.chat_id,
        "message_id": group.first,
        "invite_id": ghost("invite"),
        "emoji": "%F0%9F%91%8D",
        "session_id": world["member"].session_id,
        "user_id": "ext:zoe" if operation == "put_user" else world["member"].id,
    }
    return await world.call(key, operation, body, acting=acting, **path)


@pytest.mark.parametrize(
    "route", [r for r in ROUTES if r.operation not in PUBLIC], ids=lambda route: route.operation
)
async def test_a_key_may_what_its_scope_says_and_nothing_else(route: Route, world: World) -> None:
    needed = MAY.get(route.operation)
    acting = world["owner"].id if needed != "users:write" else None
    for scope in SCOPES:
        answer = await ask(world, holder(world, scope), route.operation, acting)
        if needed is None:
            assert (answer.status, answer.body["code"]) == (401, "unauthorized")
        elif scope == needed:
            assert answer.status in (200, 201, 202), answer
        else:
            assert (answer.status, answer.body["code"]) == (403, "forbidden")


async def test_a_key_acts_with_the_rights_of_its_user(world: World) -> None:
    key = holder(world, *SCOPES)
    for role, status in (("owner", 202), ("member", 202), ("removed", 404), ("stranger", 404)):
        answer = await ask(world, key, "send_message", world[role].id)
        assert answer.status == status, role
    assert (await ask(world, key, "add_members", world["member"].id)).status == 403


async def test_for_whom_a_key_acts_has_to_be_said_and_be_somebody(world: World) -> None:
    key = holder(world, *SCOPES)
    assert (await ask(world, key, "send_message", None)).body["code"] == "invalid"
    for nobody in (
        ghost("user"),
        "ext:" + uuid.uuid4().hex,
        "ext:",
        "nonsense",
        world["owner"].name,
    ):
        assert (await ask(world, key, "send_message", nobody)).status == 404, nobody


async def test_a_user_acts_for_nobody_else(world: World) -> None:
    group = await world.gather()
    said = {"chat_id": group.chat_id, "content": "as myself"}
    sent = await world.call("member", "send_message", said, acting=world["owner"].id)
    stored = await world.must("owner", "get_message", message_id=sent.body["id"])
    assert stored["sender_id"] == world["member"].id


@pytest.mark.parametrize("key", ["hbk_", "hbk_" + "0" * 48, "hbk_" + "ä" * 9, "HBK_1"])
async def test_what_is_no_key(key: str, world: World) -> None:
    answer = await ask(world, Account("key", "", "", key), "put_user", None)
    assert (answer.status, answer.body["code"]) == (401, "unauthorized")


async def test_a_key_opens_no_websocket(world: World) -> None:
    key = holder(world, *SCOPES)
    async with world.http.ws_connect(
        f"{world.server.url}/ws", headers={"Authorization": f"Bearer {key.token}"}
    ) as socket:
        await socket.receive()
        assert socket.close_code == 4401


async def test_users_are_named_by_either_of_their_ids(world: World) -> None:
    key, name = holder(world, *SCOPES), f"ext:{uuid.uuid4().hex}"
    made = await world.call(key, "put_user", {"display_name": "Zoe"}, user_id=name)
    assert (made.status, made.body["username"]) == (201, name)
    again = await world.call(key, "put_user", {"display_name": "Zoe"}, user_id=name)
    assert (again.status, again.body) == (200, made.body)
    for ref in (name, made.body["id"]):
        seen = (await world.call("owner", "get_user", user_id=ref)).body
        assert seen.items() >= made.body.items()  # and whether they are here, once they talk
        sent = {"recipient_ids": [world["owner"].id], "content": "hello"}
        chat = await world.call(key, "send_message", sent, acting=ref)
        stored = await world.must("owner", "get_message", message_id=chat.body["id"])
        assert stored["sender_id"] == made.body["id"]
    found = await world.call("owner", "find_user", query=f"?username={name}")
    assert [user["id"] for user in found.body["users"]] == [made.body["id"]]


async def test_nobody_registers_as_a_user_of_the_host_application(world: World) -> None:
    invite = (await world.must("operator", "create_invite"))["code"]
    wanted = {"username": "ext:zoe", "password": "correct horse", "invite": invite}
    assert (await world.call(NOBODY, "register", wanted)).status == 422
    login = {"username": "ext:zoe", "password": "correct horse"}
    assert (await world.call(NOBODY, "login", login)).status == 401
