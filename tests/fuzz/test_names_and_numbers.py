"""Names, members and positions at and beyond their bounds, over REST."""

import json
import uuid
from typing import Any

import pytest

from tests.fuzz.bystander import Answer, Room
from tests.fuzz.test_rest_abuse import API, BIG, USER

PASSWORD = "correct horse"


async def post(room: Room, path: str, body: Any) -> Answer:
    return await room.raw("POST", API + path, json.dumps(body).encode())


# ── names ────────────────────────────────────────────────────────────────────────────────────


async def test_upper_case_in_a_user_name_is_lower_case(room: Room) -> None:
    name = f"Ann-{uuid.uuid4().hex[:12]}"
    joined = await post(room, "/auth/register", {"username": name, "password": PASSWORD})
    assert joined.status == 201, joined
    assert joined.body["user"]["username"] == name.lower()
    taken = {"username": name.upper(), "password": PASSWORD}
    assert (await post(room, "/auth/register", taken)).code == "username_taken"
    for spelled in (name, name.lower(), name.upper()):
        login = {"username": spelled, "password": PASSWORD}
        assert (await post(room, "/auth/login", login)).status == 200
        found = await room.must(room.bob, "find_user", None, f"?username={spelled}")
        assert [user["username"] for user in found["users"]] == [name.lower()]


@pytest.mark.parametrize(
    "name",
    ["", " ", "a b", "-a", "a-", ".", "a\0b", "ann\u0130", "аnn", "\u212a", "٣", "a" * 33, "😀"],
)
async def test_names_that_cannot_be(name: str, room: Room) -> None:
    answer = await post(room, "/auth/register", {"username": name, "password": PASSWORD})
    assert (answer.status, answer.code) == (422, "invalid")
    login = await post(room, "/auth/login", {"username": name, "password": PASSWORD})
    assert (login.status, login.code) == (401, "bad_credentials")


async def test_a_password_counts_as_a_whole(room: Room) -> None:
    name, password = f"ann-{uuid.uuid4().hex[:12]}", "12345678\0ßé😀"
    await post(room, "/auth/register", {"username": name, "password": password})
    for tried, status in ((password, 200), ("12345678", 401), ("12345678\0", 401)):
        assert (await post(room, "/auth/login", {"username": name, "password": tried})).status == (
            status
        )


@pytest.mark.parametrize(
    ("title", "status"),
    [
        ("", 422),
        ("a" * 200, 201),
        ("a" * 201, 422),
        ("😀" * 200, 201),
        ("a\1b", 201),
        ("a\0b", 422),
        (1, 422),
    ],
)
async def test_titles(title: Any, status: int, room: Room) -> None:
    answer = await post(room, "/chats", {"title": title, "member_ids": [room.bob.id]})
    assert answer.status == status, answer
    if status == 201:
        chat = await room.must(room.bob, "get_chat", chat_id=answer.body["id"])
        assert chat["title"] == title
    else:
        assert answer.code == "invalid"


# ── members ──────────────────────────────────────────────────────────────────────────────────


async def test_100001_members_are_too_many(room: Room) -> None:
    answer = await post(room, "/chats", {"member_ids": [USER] * 100_001})
    assert (answer.status, answer.code) == (422, "invalid")


async def test_1001_more_members_are_too_many(room: Room) -> None:
    answer = await post(room, f"/chats/{room.chat}/members", {"member_ids": [USER] * 1_001})
    assert (answer.status, answer.code) == (422, "invalid")


async def test_repeated_members_count_once(room: Room) -> None:
    members = [room.bob.id, room.ann.id] * 20_000
    chat = (await post(room, "/chats", {"member_ids": members})).body
    assert chat["member_count"] == 2
    again = await post(room, f"/chats/{chat['id']}/members", {"member_ids": [room.bob.id] * 9})
    assert again.status == 200
    assert (await room.must(room.bob, "get_chat", chat_id=chat["id"]))["seq"] == 0


@pytest.mark.parametrize(
    "wrong", [USER, "", "user_", "user_zzzzzzzzzzzzz", "chat", "\0", "😀" * 99]
)
async def test_members_who_do_not_exist(wrong: str, room: Room) -> None:
    for path in ("/chats", f"/chats/{room.chat}/members"):
        answer = await post(room, path, {"member_ids": [room.bob.id, wrong]})
        assert (answer.status, answer.code) == (404, "not_found")


async def test_a_direct_chat_is_between_two(room: Room) -> None:
    for members in ([], [room.ann.id], [room.bob.id, room.bystander.id]):
        answer = await post(room, "/chats", {"chat_type": "direct", "member_ids": members})
        assert (answer.status, answer.code) == (422, "invalid")


async def test_recipients_are_counted_without_repetitions_and_the_sender(room: Room) -> None:
    to = {"content": "hello", "recipient_ids": [room.bob.id, room.ann.id] * 200}
    direct = (await post(room, "/messages", to)).body["chat_id"]
    chat = await room.must(room.ann, "get_chat", chat_id=direct)
    assert (chat["chat_type"], chat["peer"]["id"]) == ("direct", room.bob.id)
    names = [f"user_{number:013d}" for number in range(257)]
    answer = await post(room, "/messages", {"content": "hello", "recipient_ids": names})
    assert (answer.status, answer.code) == (422, "invalid")
    answer = await post(room, "/messages", {"content": "hello", "recipient_ids": names[:256]})
    assert (answer.status, answer.code) == (404, "not_found")


# ── positions ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("beyond", [1, BIG])
async def test_places_beyond_the_end_hide_nothing_that_comes(beyond: int, room: Room) -> None:
    logs = {room.chat: beyond, "me": beyond}
    first = await room.must(room.ann, "sync", {"positions": logs, "received": logs})
    positions = first["frames"][-1]["positions"]
    assert positions.get(room.chat, 0) == 0, "the log has nothing yet"
    sent = await room.says(room.bob, "hello")
    asked: tuple[dict[str, Any], ...] = ({"positions": positions}, {"positions": None})
    for places in asked:
        frames = (await room.must(room.ann, "sync", places))["frames"]
        assert sent in [frame.get("id") for frame in frames], places
    page = await room.must(room.ann, "list_events", None, f"?after={BIG}", chat_id=room.chat)
    assert (page["events"], page["has_more"]) == ([], False)


@pytest.mark.parametrize("number", [BIG + 1, 2**63 - 1, 2**63, 2**64, 2**200, -1, 1.5, "1", None])
async def test_positions_that_are_none(number: object, room: Room) -> None:
    for body in ({"positions": {room.chat: number}}, {"received": {room.chat: number}}):
        answer = await post(room, "/sync", body)
        assert (answer.status, answer.code) == (422, "invalid")


@pytest.mark.parametrize("name", ["", "ME", "me\0", "user_0000000000001", "chat_zzzzzzzzzzzzz"])
async def test_logs_that_are_none(name: str, room: Room) -> None:
    for body in ({"positions": {name: 0}}, {"received": {name: 0}}, {"receipts": [name]}):
        answer = await post(room, "/sync", body)
        assert (answer.status, answer.code) == (422, "invalid")
