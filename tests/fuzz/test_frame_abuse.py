"""Frames that nobody should send: a clear answer, and no harm."""

import json
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import msgspec
import pytest

from hubbub_protocol.codes import Close
from tests.fuzz.bystander import Room
from tests.fuzz.test_rest_abuse import BIG, USER

DEEP = 20_000

MALFORMED = {
    "nothing": b"",
    "half": b'{"type": "typ',
    "two": b'{"type": "focus", "chat_ids": []}{}',
    "null": b"null",
    "list": b"[]",
    "text": b'"focus"',
    "nan": b'{"type": "received", "chat_id": "CHAT", "seq": NaN}',
    "no-type": b"{}",
    "type-is-a-number": b'{"type": 1}',
    "half-a-surrogate": b'{"type": "typing", "chat_id": "\\ud800"}',
    "deep-and-unknown": b'{"x":' * (DEEP // 5) + b"1" + b"}" * (DEEP // 5),
    "deep-in-a-frame": b'{"type": "focus", "chat_ids": ' + b"[" * DEEP,
    "negative": b'{"type": "read", "chat_id": "CHAT", "seq": -1}',
    "over-53-bits": b'{"type": "read", "chat_id": "CHAT", "seq": 9007199254740992}',
    "over-63-bits": b'{"type": "read", "chat_id": "CHAT", "seq": 9223372036854775808}',
    "over-64-bits": b'{"type": "received", "positions": {"CHAT": 18446744073709551616}}',
    "thousand-digits": b'{"type": "received", "positions": {"CHAT": ' + b"9" * 1000 + b"}}",
    "fraction": b'{"type": "received", "chat_id": "CHAT", "seq": 0.5}',
    "nothing-received": b'{"type": "received"}',
    "nothing-read": b'{"type": "read", "chat_id": "CHAT"}',
    "send-without-client-id": b'{"type": "send", "chat_id": "CHAT", "content": "a"}',
    "long-client-id": b'{"type": "send", "client_id": "' + b"1" * 37 + b'", "content": "a"}',
    "51-in-focus": b'{"type": "focus", "chat_ids": [' + b",".join([b'"CHAT"'] * 51) + b"]}",
    "101-receipts": b'{"type": "resume", "receipts": [' + b",".join([b'"CHAT"'] * 101) + b"]}",
    "long-token": b'{"type": "auth", "token": "' + b"a" * 8193 + b'"}',
}
UNKNOWN = {
    "type": b'{"type": "shout"}',
    "servers-own": b'{"type": "welcome"}',
    "empty-type": b'{"type": ""}',
    "upper-case": b'{"type": "SEND"}',
}
INVALID = {
    "received-in-a-user": b'{"type": "received", "chat_id": "USER", "seq": 1}',
    "received-nowhere": b'{"type": "received", "chat_id": "", "seq": 1}',
    "read-in-me": b'{"type": "read", "chat_id": "me", "seq": 1}',
    "typing-nowhere": b'{"type": "typing", "chat_id": "chat\\u0000"}',
    "focus-on-a-user": b'{"type": "focus", "chat_ids": ["USER"]}',
    "resume-in-a-user": b'{"type": "resume", "positions": {"USER": 1}}',
    "receipts-of-a-user": b'{"type": "resume", "receipts": ["USER"]}',
}
NOT_FOUND = {
    "read-a-chat": b'{"type": "read", "message_id": "CHAT"}',
    "read-nothing": b'{"type": "read", "message_id": ""}',
}
FRAMES = {
    **{f"malformed/{name}": raw for name, raw in MALFORMED.items()},
    **{f"unknown_type/{name}": raw for name, raw in UNKNOWN.items()},
    **{f"invalid/{name}": raw for name, raw in INVALID.items()},
    **{f"not_found/{name}": raw for name, raw in NOT_FOUND.items()},
}


@pytest.mark.parametrize("name", FRAMES)
async def test_frames(name: str, room: Room) -> None:
    raw = FRAMES[name].replace(b"CHAT", room.chat.encode()).replace(b"USER", USER.encode())
    async with AsyncExitStack() as stack:
        line = await room.line(stack, room.ann)
        await line.socket.send_str(raw.decode())
        await line.until_type("error")
        (error,) = [frame for frame in line.heard if frame["type"] == "error"]
        assert error["code"] == name.partition("/")[0]
        assert error["message"].endswith((".", "`"))
        await line.barrier(chat_id=room.chat)


SENDS: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, "invalid"),
    "nowhere": ({"content": "a"}, "invalid"),
    "empty": ({"chat_id": "CHAT", "content": ""}, "invalid"),
    "to-both": ({"chat_id": "CHAT", "recipient_ids": [USER], "content": "a"}, "invalid"),
    "to-a-user": ({"chat_id": USER, "content": "a"}, "invalid"),
    "to-nobody": ({"recipient_ids": [], "content": "a"}, "invalid"),
    "to-a-chat": ({"recipient_ids": ["CHAT"], "content": "a"}, "invalid"),
    "to-a-stranger": ({"recipient_ids": [USER], "content": "a"}, "not_found"),
    "to-257": (
        {"recipient_ids": [f"user_{n:013d}" for n in range(257)], "content": "a"}, "invalid"
    ),
    "too-many-bytes": ({"chat_id": "CHAT", "content": "é" * (8 * 1024 + 1)}, "too_large"),
    "program": (
        {"chat_id": "CHAT", "media": [{"type": "file", "url": "javascript:1"}]}, "invalid"
    ),
    "client-id": ({"chat_id": "CHAT", "content": "a", "client_id": "me"}, "invalid"),
    "empty-client-id": ({"chat_id": "CHAT", "content": "a", "client_id": ""}, "invalid"),
    "client-id-with-nul": ({"chat_id": "CHAT", "content": "a", "client_id": "\0"}, "invalid"),
}  # fmt: skip


@pytest.mark.parametrize("name", SENDS)
async def test_sends(name: str, room: Room) -> None:
    fields, code = SENDS[name]
    frame = {"type": "send", "client_id": str(uuid.uuid4()), **fields}
    async with AsyncExitStack() as stack:
        line = await room.line(stack, room.ann)
        await line.socket.send_str(json.dumps(frame).replace("CHAT", room.chat))
        await line.until_type("error")
        assert line.has("error", code=code, ref=frame["client_id"]), line.heard
        await line.barrier(chat_id=room.chat)


async def test_strange_characters_come_as_they_were_sent(room: Room) -> None:
    content = "\1a\1😀\u202e\uffff"
    async with AsyncExitStack() as stack:
        line, bob = await room.line(stack, room.ann), await room.line(stack, room.bob)
        sent = {"type": "send", "client_id": str(uuid.uuid4()), "chat_id": room.chat}
        await line.say({**sent, "content": content})
        for each in (line, bob):
            await each.until(lambda at: at.has("message", content=content))
            assert each.has("message", content=content)


async def test_a_client_id_is_the_same_in_upper_case(room: Room) -> None:
    client_id = str(uuid.uuid4())
    async with AsyncExitStack() as stack:
        line = await room.line(stack, room.ann)
        for each in (client_id, client_id.upper()):
            sent = {"type": "send", "client_id": each, "chat_id": room.chat, "content": "a"}
            await line.say(sent)
            await line.until(lambda at, each=each: at.has("ack", client_id=each))  # type: ignore[misc]
        assert len({frame["id"] for frame in line.heard if frame["type"] == "ack"}) == 1


# ── positions beyond the end ─────────────────────────────────────────────────────────────────

Say = Callable[[str], dict[str, Any]]


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "received", "chat_id": "CHAT", "seq": BIG},
        {"type": "received", "positions": {"CHAT": BIG, "me": BIG}},
        {"type": "read", "chat_id": "CHAT", "seq": BIG},
        {"type": "resume", "positions": {"CHAT": BIG, "me": BIG}},
    ],
    ids=lambda frame: f"{frame['type']}-{len(frame)}-{'positions' in frame}",
)
async def test_beyond_the_end_is_the_end(frame: dict[str, Any], room: Room) -> None:
    await room.says(room.bob, "before")
    async with AsyncExitStack() as stack:
        line = await room.line(stack, room.ann)
        await line.socket.send_str(json.dumps(frame).replace("CHAT", room.chat))
        await line.barrier(recipient_ids=[room.bob.id])
        sent = await room.says(room.bob, "after")
        await line.until(lambda at: at.has("message", id=sent))
        assert line.has("message", id=sent)
    # It is unread, and comes again to who has not received it.
    assert (await room.must(room.ann, "get_chat", chat_id=room.chat))["unread"] >= 1
    assert (await room.must(room.bob, "get_message", message_id=sent))["status"] == "sent"
    async with AsyncExitStack() as stack:
        line = await room.line(stack, room.ann)
        assert line.has("message", id=sent)
        group = await room.must(room.ann, "create_chat", {"member_ids": [room.bob.id]})
        await line.until(lambda at: at.has("me", chat_id=group["id"]))
        assert line.has("me", chat_id=group["id"]), "his own log goes on too"


# ── MessagePack ──────────────────────────────────────────────────────────────────────────────

PACKED = {
    "nothing": b"",
    "half": b"\x82\xa4type",
    "reserved": b"\xc1",
    "extension": b"\x81\xa4type\xc7\x01\x05\x00",
    "bytes-for-text": b"\x82\xa4type\xc4\x05focus\xa8chat_ids\x90",
    "bad-utf-8": b"\x82\xa4type\xa6typing\xa7chat_id\xa2\xff\xfe",
    "a-number": b"\x01",
    "keys-are-numbers": b"\x81\x01\x02",
    "deep": b"\x82\xa4type\xa5focus\xa8chat_ids" + b"\x91" * 50_000 + b"\x01",
    "claims-4-gigabytes": b"\x82\xa4type\xa6typing\xa7chat_id\xdb\xff\xff\xff\xff",
    "claims-4-billion-items": b"\x82\xa4type\xa5focus\xa8chat_ids\xdd\xff\xff\xff\xff",
    "negative": msgspec.msgpack.encode({"type": "read", "chat_id": "CHAT", "seq": -1}),
    "64-bits": msgspec.msgpack.encode({"type": "read", "chat_id": "CHAT", "seq": 2**64 - 1}),
    "json": b'{"type": "focus", "chat_ids": []}',
}


@pytest.mark.parametrize("name", PACKED)
async def test_messagepack(name: str, room: Room) -> None:
    headers = {"Authorization": f"Bearer {room.ann.token}"}
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(
            f"{room.url}/ws", headers=headers, protocols=["hubbub.v1.msgpack"]
        ) as socket,
    ):
        assert msgspec.msgpack.decode(await socket.receive_bytes())["type"] == "welcome"
        await socket.send_bytes(PACKED[name])
        error = msgspec.msgpack.decode(await socket.receive_bytes())
        assert (error["type"], error["code"]) == ("error", "malformed")


async def test_bytes_where_text_is_agreed_are_malformed(room: Room) -> None:
    async with AsyncExitStack() as stack:
        line = await room.line(stack, room.ann)
        await line.socket.send_bytes(b'{"type": "focus", "chat_ids": []}')
        await line.until_type("error")
        assert line.has("error", code="malformed")
        await line.barrier(chat_id=room.chat)


async def test_too_many_wrong_frames_close_one_connection_only(room: Room) -> None:
    async with AsyncExitStack() as stack:
        good, wrong = await room.line(stack, room.ann), await room.line(stack, room.ann)
        for _ in range(21):
            await wrong.socket.send_str("{")
        await wrong.until(lambda _: False)
        assert wrong.socket.close_code == Close.POLICY
        await good.barrier(chat_id=room.chat)
