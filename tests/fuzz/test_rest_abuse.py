"""Bodies, parameters and headers that nobody should send: a clear answer, and no harm."""

import base64
import json
from contextlib import AsyncExitStack

import msgspec
import pytest

from hubbub_protocol import ids
from tests.fuzz.bystander import Room

KIB = 1024
BIG = 2**53 - 1
USER = ids.text("user", 1)
API = "/api/v1"


BODIES = {
    "nothing": (b"", 400),
    "half": (b'{"content": "a', 400),
    "two": (b'{"content": "a"} {}', 400),
    "nan": (b'{"content": NaN}', 400),
    "infinity": (b'{"content": Infinity}', 400),
    "single-quotes": (b"{'content': 'a'}", 400),
    "bad-utf-8": (b'{"content": "\xff"}', 400),
    "utf-16": ('{"content": "a"}'.encode("utf-16"), 400),
    "half-a-surrogate": (b'{"content": "\\ud800", "chat_id": "CHAT"}', 400),
    "surrogates-the-wrong-way": (b'{"content": "\\udc00\\ud800", "chat_id": "CHAT"}', 400),
    "surrogate-in-utf-8": (b'{"content": "\xed\xa0\x80", "chat_id": "CHAT"}', 400),
    "control-characters": (b'{"content": "a\nb"}', 400),
    "deep": (b"[" * 60_000, 422),
    "deep-and-unknown": (b'{"x":' * 10_000 + b"1" + b"}" * 10_000, 400),
    "deep-content": (b'{"content":' + b"[" * 5_000 + b"]" * 5_000 + b"}", 422),
    "null": (b"null", 422),
    "list": (b"[]", 422),
    "text": (b'"content"', 422),
    "number": (b"1e400", 422),
    "content-is-a-number": (b'{"content": 1}', 422),
    "content-is-null": (b'{"content": null, "chat_id": "CHAT"}', 422),
    "huge-number": (b'{"content": ' + b"9" * 5_000 + b"}", 422),
    "empty-content": (b'{"content": "", "chat_id": "CHAT"}', 422),
    "nowhere": (b'{"content": "a"}', 422),
    "content-with-nul": (b'{"content": "a\\u0000", "chat_id": "CHAT"}', 422),
    "both": (b'{"content": "a", "chat_id": "CHAT", "recipient_ids": ["USER"]}', 422),
    "empty-chat": (b'{"content": "a", "chat_id": ""}', 422),
    "chat-is-a-user": (b'{"content": "a", "chat_id": "USER"}', 422),
    "chat-in-upper-case": (b'{"content": "a", "chat_id": "CHAT_0123456789ABC"}', 422),
    "chat-with-nul": (b'{"content": "a", "chat_id": "CHAT\\u0000"}', 422),
    "chat-in-arabic-digits": (
        '{"content": "a", "chat_id": "chat_٠١٢٣٤٥٦٧٨٩٠١٢"}'.encode(), 422
    ),
    "chat-over-63-bits": (b'{"content": "a", "chat_id": "chat_zzzzzzzzzzzzz"}', 422),
    "no-recipients": (b'{"content": "a", "recipient_ids": []}', 422),
    "recipient-is-a-chat": (b'{"content": "a", "recipient_ids": ["CHAT"]}', 422),
    "recipient-is-nobody": (b'{"content": "a", "recipient_ids": ["USER"]}', 404),
    "reply-to-a-chat": (b'{"content": "a", "chat_id": "CHAT", "reply_to": "CHAT"}', 422),
    "system": (b'{"content": "a", "chat_id": "CHAT", "message_type": "system"}', 422),
    "client-id": (b'{"content": "a", "chat_id": "CHAT", "client_id": "1"}', 422),
    "client-id-without-hyphens": (
        b'{"content": "a", "chat_id": "CHAT", "client_id": "0f8fad5bd9cb469fa16570867728950e"}',
        422,
    ),
    "media-of-no-type": (b'{"chat_id": "CHAT", "media": [{"url": "https://a.test/b"}]}', 422),
    "media-that-is-a-program": (
        b'{"chat_id": "CHAT", "media": [{"type": "image", "url": "javascript:alert(1)"}]}', 422
    ),
    "eleven-media": (
        b'{"chat_id": "CHAT", "media": ['
        + b",".join([b'{"type": "image", "url": "https://a.test/b"}'] * 11)
        + b"]}",
        422,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
async def test_bodies(name: str, room: Room) -> None:
    body, status = BODIES[name]
    body = body.replace(b"CHAT", room.chat.encode()).replace(b"USER", USER.encode())
    answer = await room.raw("POST", f"{API}/messages", body)
    assert answer.status == status, answer
    assert answer.code in {"malformed", "invalid", "not_found"}
    events = await room.must(room.bob, "list_events", chat_id=room.chat)
    assert events["events"] == [], "what was refused was stored"


GOOD = {
    "escaped-nul": "a\\u0000",
    "control-characters": "\x01\x1f\x7f",
    "emoji": "😀👩‍👩‍👧",
    "right-to-left": "\u202eabc\u2066",
    "not-characters": "\ufffe\uffff\U0010ffff",
    "line-ends": "a\r\nb\u2028c",
    "markup": "<script>alert(1)</script>'; DROP TABLE messages; --",
    "most-bytes": "a" * 16 * KIB,
    "most-bytes-in-two": "é" * 8 * KIB,
    "most-bytes-in-four": "😀" * 4 * KIB,
}


@pytest.mark.parametrize("name", GOOD)
async def test_content_comes_as_it_was_sent(name: str, room: Room) -> None:
    content = GOOD[name]
    async with AsyncExitStack() as stack:
        line = await room.line(stack, room.bob)
        sent = await room.says(room.ann, content)
        await line.until(lambda at: at.has("message", id=sent))
        assert line.has("message", id=sent, content=content)
    assert (await room.must(room.bob, "get_message", message_id=sent))["content"] == content
    (found,) = (await room.must(room.bob, "list_events", chat_id=room.chat))["events"]
    assert found["content"] == content


@pytest.mark.parametrize("character", ["a", "é", "€", "😀"])
async def test_content_is_limited_in_bytes_not_in_characters(character: str, room: Room) -> None:
    size = len(character.encode())
    body = {"chat_id": room.chat, "content": character * (16 * KIB // size + 1)}
    answer = await room.raw("POST", f"{API}/messages", json.dumps(body).encode())
    assert (answer.status, answer.code) == (413, "too_large")


async def test_a_body_is_limited(room: Room) -> None:
    answer = await room.raw("POST", f"{API}/messages", b" " * (64 * KIB + 1))
    assert (answer.status, answer.code) == (413, "too_large")


async def test_of_a_field_that_comes_twice_the_last_counts(room: Room) -> None:
    body = f'{{"chat_id": "{room.chat}", "content": "first", "content": "last"}}'
    sent = json.loads((await room.raw("POST", f"{API}/messages", body.encode())).raw)["id"]
    assert (await room.must(room.bob, "get_message", message_id=sent))["content"] == "last"


TYPES = {
    "": 415, "text/plain": 415, "application/x-www-form-urlencoded": 415, "application/jsonx": 415,
    "multipart/form-data; boundary=x": 415, "application/msgpack": 415, "json": 415,
    "application/json": 202, "application/json; charset=utf-8": 202, "Application/JSON": 202,
    "application/json;charset=UTF-8": 202,
}  # fmt: skip


@pytest.mark.parametrize("content_type", TYPES)
async def test_content_types(content_type: str, room: Room) -> None:
    body = json.dumps({"chat_id": room.chat, "content": "hello"}).encode()
    answer = await room.raw("POST", f"{API}/messages", body, {"Content-Type": content_type})
    assert answer.status == TYPES[content_type]
    assert answer.status == 202 or answer.code == "unsupported_media_type"


def _packed(*numbers: object) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(numbers)).decode().rstrip("=")


QUERIES = {
    "/chats/CHAT/messages?limit=0": 422,
    "/chats/CHAT/messages?limit=-1": 422,
    "/chats/CHAT/messages?limit=201": 422,
    "/chats/CHAT/messages?limit=1.5": 422,
    "/chats/CHAT/messages?limit=": 422,
    "/chats/CHAT/messages?limit=ten": 422,
    f"/chats/CHAT/messages?limit={'9' * 400}": 422,
    "/chats/CHAT/messages?limit=%D9%A1": 422,
    "/chats/CHAT/messages?before_id=": 404,
    "/chats/CHAT/messages?before_id=CHAT": 404,
    "/chats/CHAT/messages?before_id=msg_zzzzzzzzzzzzz": 404,
    "/chats/CHAT/messages?before_id=%00": 404,
    "/chats/CHAT/messages?before_id=%ff%fe": 404,
    "/chats/CHAT/messages?before_id=a&after_id=b": 422,
    f"/chats/CHAT/messages?{'a=1&' * 200}": 422,
    "/chats/CHAT/messages?%zz=%z": 200,
    f"/chats/CHAT/events?after={BIG}": 200,
    f"/chats/CHAT/events?after={BIG + 1}": 422,
    f"/chats/CHAT/events?after={2**63}": 422,
    f"/chats/CHAT/events?after={2**64}": 422,
    "/chats/CHAT/events?after=-1": 422,
    f"/me/events?after={BIG}": 200,
    f"/me/events?after={2**63}": 422,
    "/chats?cursor=": 400,
    "/chats?cursor=%00": 400,
    "/chats?cursor=AAAA": 400,
    f"/chats?cursor={_packed(1)}": 400,
    f"/chats?cursor={_packed(1, 2, 3)}": 400,
    f"/chats?cursor={_packed(-1, 1)}": 400,
    f"/chats?cursor={_packed(2**63, 1)}": 400,
    f"/chats?cursor={_packed(2**64 - 1, 1)}": 400,
    f"/chats?cursor={_packed('a', 'b')}": 400,
    f"/chats?cursor={_packed(2**63 - 1, 2**63 - 1)}": 200,
    f"/chats?cursor={'A' * 257}": 422,
    f"/chats/CHAT/members?cursor={_packed(2**63 - 1)}": 200,
    f"/chats/CHAT/members?cursor={_packed(1, 2)}": 400,
    "/users?username=": 422,
    "/users": 422,
    f"/users?username={'a' * 301}": 422,
    "/users?username=%00": 200,
    "/users?username=%F0%9F%98%80": 200,
    "/users?username=%27%20OR%201=1": 200,
    "/users/user_zzzzzzzzzzzzz": 404,
    "/users/%00": 404,
    "/chats/%2e%2e%2fsecret": 404,
    "/chats/chat_": 404,
    "/chats/%F0%9F%98%80": 404,
    f"/chats/{'c' * 8_000}": 404,
    "/messages/CHAT": 404,
    "/chats/": 404,
    "//chats": 404,
}


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path[:60])
async def test_paths_and_queries(path: str, room: Room) -> None:
    answer = await room.raw("GET", API + path.replace("CHAT", room.chat))
    assert answer.status == QUERIES[path], answer
    if answer.status >= 400:
        assert answer.code in {"malformed", "invalid", "not_found"}


HEADERS = {
    "no-scheme": ({"Authorization": "TOKEN"}, 401),
    "another-scheme": ({"Authorization": "Basic YTpi"}, 401),
    "nothing-after-it": ({"Authorization": "Bearer "}, 401),
    "long": ({"Authorization": "Bearer " + "a" * 8_000}, 401),
    "dots": ({"Authorization": "Bearer ..."}, 401),
    "accents": ({"Authorization": "Bearer é.ü.ß"}, 401),
    "unsigned": ({"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."}, 401),
    "lower-case": ({"Authorization": "bearer TOKEN"}, 200),
    "request-id": ({"X-Request-Id": "<script>"}, 200),
    "forwarded": ({"X-Forwarded-For": "', 1.2.3.4"}, 200),
}


@pytest.mark.parametrize("name", HEADERS)
async def test_headers(name: str, room: Room) -> None:
    given, status = HEADERS[name]
    sent = {name: value.replace("TOKEN", room.ann.token) for name, value in given.items()}
    answer = await room.raw("GET", f"{API}/me", None, sent)
    assert answer.status == status
    assert status == 200 or answer.code == "unauthorized"
    assert "<" not in answer.headers["x-request-id"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
async def test_methods(method: str, room: Room) -> None:
    answer = await room.raw(method, f"{API}/sessions")
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize(
    ("key", "status"), [("1", 422), ("é", 422), ("0F8FAD5B-D9CB-469F-A165-70867728950E", 202)]
)
async def test_idempotency_keys(key: str, status: int, room: Room) -> None:
    body = json.dumps({"chat_id": room.chat, "content": "hello"}).encode()
    answers = [
        await room.raw("POST", f"{API}/messages", body, {"Idempotency-Key": each})
        for each in (key, key.lower())
    ]
    assert [answer.status for answer in answers] == [status, status]
    if status == 202:
        assert answers[0].body == answers[1].body
