"""Messages that are edited, deleted and pinned, as the client asks for it and hears of it."""

from typing import Any

import msgspec

from hubbub_client.api import Api
from hubbub_client.events import MessageChanged, ServerComplained
from hubbub_protocol import ids, rest
from hubbub_protocol.frames import ME, Ack, Media
from tests.unit.client.fakes import FakeTransport
from tests.unit.client.peers import ANN, CHAT, TIME, Peer, message

MESSAGE = ids.text("msg", 1)
CHANGED = rest.ChangedMessage(MESSAGE, CHAT, 3)
PATH = f"/api/v1/messages/{MESSAGE}"


def test_the_latest_state_takes_the_place_of_the_one_before() -> None:
    peer = Peer({ME: 1, CHAT: 0}).live()
    peer.hear(message(1), message(2))
    edited = message(1, rev=3, content="edited", edited_at=TIME)
    assert peer.hear(edited).of(MessageChanged) == [MessageChanged(edited)]
    chat = peer.session.logs.chats[CHAT]
    assert [m.content for m in chat.messages] == ["edited", "message 2"]
    gone = message(2, rev=4, content="", is_deleted=True)
    assert peer.hear(gone).of(MessageChanged) == [MessageChanged(gone)]
    assert chat.message(gone.id) == gone
    assert (chat.unread, chat.log.place) == (2, 4)


def test_a_change_of_an_own_message_leaves_its_ticks() -> None:
    peer = Peer({ME: 1, CHAT: 0}).live()
    peer.hear(message(1, sender=ANN, client_id="c1"))
    chat = peer.session.logs.chats[CHAT]
    pinned = message(1, rev=2, sender=ANN, client_id="c1", pinned=True)
    peer.hear(pinned)
    assert (chat.status(pinned, ANN), chat.read) == ("sent", 1)


def test_an_answer_to_a_change_is_none_to_a_send() -> None:
    peer = Peer({ME: 1, CHAT: 0}).live()
    assert not peer.hear(Ack(MESSAGE, CHAT, TIME, ref="e1", rev=3)).of(ServerComplained)
    assert not peer.events


async def test_calls() -> None:
    transport = FakeTransport()
    stored = rest.StoredMessage(MESSAGE, CHAT, 1, 3, 1, TIME, "sent", pinned=True)
    version = rest.Version(1, TIME, "before")
    transport.routes = {
        ("PATCH", PATH): CHANGED,
        ("DELETE", PATH): CHANGED,
        ("PUT", f"{PATH}/pin"): CHANGED,
        ("DELETE", f"{PATH}/pin"): CHANGED,
        ("GET", f"{PATH}/edits"): rest.Edits(MESSAGE, [version]),
        ("GET", f"/api/v1/chats/{CHAT}/pins"): rest.Pins([stored]),
    }

    async def renew(token: str) -> str:
        raise AssertionError(token)

    api = Api(transport, lambda: "t1", renew)
    link = Media("image", "https://example.org/a.png")
    assert await api.edit(MESSAGE, "after") == CHANGED
    assert await api.edit(MESSAGE, media=[link]) == CHANGED
    assert await api.delete(MESSAGE) == CHANGED
    assert await api.pin(MESSAGE) == CHANGED
    assert await api.pin(MESSAGE, pinned=False) == CHANGED
    assert await api.edits(MESSAGE) == [version]
    assert await api.pins(CHAT) == [stored]
    assert [(method, path) for method, path, _, _ in transport.calls] == [
        ("PATCH", PATH),
        ("PATCH", PATH),
        ("DELETE", f"{PATH}?for=everyone"),
        ("PUT", f"{PATH}/pin"),
        ("DELETE", f"{PATH}/pin"),
        ("GET", f"{PATH}/edits"),
        ("GET", f"/api/v1/chats/{CHAT}/pins"),
    ]
    bodies: list[Any] = [msgspec.json.decode(body) for *_, body in transport.calls[:2] if body]
    assert bodies == [
        {"content": "after"},
        {"media": [{"type": "image", "url": "https://example.org/a.png"}]},
    ]
