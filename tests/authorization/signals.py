"""How each row of [frames] is played: `SIGNALS[title]` says which frame is sent.

A cell is written as what the one who sends it hears, `|`, and what the observer sees of him.
That something does not come is shown by what comes after it: a message sent through the same
queue, twice, so that what one commit makes others hear is heard before the next.
"""

import json
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import aiohttp

from tests.authorization.calls import UNKNOWN
from tests.authorization.world import VISIBLE, Account, Group, World, ghost

PATIENCE = 30.0
MAX_POSITION = 2**53 - 1
NOTHING = "-"
BARRIER = "barrier"

Frame = dict[str, Any]


@dataclass(frozen=True)
class Signal:
    """A frame to send. `first`: it is the first one on a connection without a token."""

    frame: Callable[[World, str, Group], Frame]
    first: bool = False


@dataclass
class Line:
    """A WebSocket in full mode, and all frames that have come on it."""

    socket: aiohttp.ClientWebSocketResponse
    heard: list[Frame] = field(default_factory=list)
    barriers: set[str] = field(default_factory=set)

    async def say(self, frame: Frame) -> None:
        await self.socket.send_str(json.dumps(frame))

    async def until(self, wanted: Callable[[Self], bool]) -> None:
        """Read until it is so, or the connection is closed; AssertionError when neither comes."""
        while not wanted(self) and not self.socket.closed:
            try:
                message = await self.socket.receive(PATIENCE)
            except TimeoutError:
                raise AssertionError(f"not heard; only {self.heard}") from None
            if message.type is aiohttp.WSMsgType.TEXT:
                self.heard.append(json.loads(message.data))

    async def until_type(self, *types: str) -> None:
        await self.until(lambda line: any(f["type"] in types for f in line.heard))

    async def barrier(self, **to: object) -> str:
        """Send two messages, one after the other, and hear of both; the content of the last."""
        content = ""
        for _ in range(2):
            client_id = str(uuid.uuid4())
            self.barriers.add(client_id)
            content = f"{BARRIER} {client_id}"
            await self.say({"type": "send", "client_id": client_id, "content": content, **to})
            await self.until(partial(Line.has, kind="ack", client_id=client_id))
        return content

    def has(self, kind: str, **fields: object) -> bool:
        return any(
            f["type"] == kind and all(f.get(name) == value for name, value in fields.items())
            for f in self.heard
        )


async def open_line(
    stack: AsyncExitStack, world: World, account: Account, *, quiet: bool = False
) -> Line:
    """Connect, with the account's token if it has one (`quiet`: without); wait for `welcome`."""
    headers = {"Authorization": f"Bearer {account.token}"} if account.token and not quiet else {}
    url = f"http://127.0.0.1:{world.server.port}/ws"
    connect = world.http.ws_connect(url, headers=headers, protocols=["hubbub.v1"])
    line = Line(await stack.enter_async_context(connect))
    if headers:
        await line.until_type("welcome")
    return line


async def resumed(stack: AsyncExitStack, world: World, account: Account) -> Line:
    """A connection that is live."""
    line = await open_line(stack, world, account)
    await line.say({"type": "resume"})
    await line.until_type("caught_up")
    return line


async def play(world: World, role: str, group: Group, signal: Signal, expected: str) -> str:
    """Send the frame as this role; what he heard and what the observer saw, as in a cell."""
    me = world[role]
    frame = signal.frame(world, role, group)
    hears, sees = (_words(part) for part in expected.split("|"))
    async with AsyncExitStack() as stack:
        observer = await resumed(stack, world, world["observer"])
        mine = await open_line(stack, world, me, quiet=signal.first)
        before, live = len(mine.heard), len(observer.heard)
        if not mine.socket.closed:
            await mine.say(frame)
        await mine.until(lambda line: _heard(line, before, frame, group) >= hears)
        await observer.until(lambda line: _seen(line, live, me, frame, group) >= sees)
        if role not in UNKNOWN and not mine.socket.closed:
            # To a chat in which the observer has written nothing that could be received or read.
            third = world["owner" if role == "stranger" else "stranger"]
            both: dict[str, object] = {"recipient_ids": [world["observer"].id, third.id]}
            said = await mine.barrier(**({"chat_id": group.lobby} if group.lobby else both))
            await observer.until(lambda line: line.has("message", content=said))
        await observer.barrier(chat_id=group.chat_id)
        _check_private(mine.heard, group, role)
        heard, seen = _heard(mine, before, frame, group), _seen(observer, live, me, frame, group)
        return f"{_cell(heard)}|{_cell(seen)}"


def _words(cell: str) -> set[str]:
    return {word for word in cell.split("+") if word != NOTHING}


def _cell(words: set[str]) -> str:
    return "+".join(sorted(words)) or NOTHING


def _concerned(frame: Frame, group: Group) -> set[str]:
    """The chats that a frame names; the group where it names none."""
    text = json.dumps(frame)
    chats = {group.direct_id} if group.direct_id in text or group.direct in text else set()
    return chats or {group.chat_id}


def _heard(line: Line, before: int, sent: Frame, group: Group) -> set[str]:
    """What answers the frame: types of frames, codes of errors, the code of a close."""
    concerned = {None, *_concerned(sent, group)}
    found = {str(line.socket.close_code)} if line.socket.closed else set()
    for frame in line.heard[before:]:
        kind, barrier = frame["type"], str(frame.get("content", "")).startswith(BARRIER)
        of_himself = kind == "me" and "chat_id" not in frame  # whom he blocked in another row, say
        if barrier or of_himself or frame.get("client_id") in line.barriers:
            continue
        if kind == "ack" or frame.get("chat_id") in concerned:
            found.add(frame["code"] if kind == "error" else kind)
    return found


_ACTOR = {
    "message": "sender_id",
    "typing": "user_id",
    "delivery_receipt": "delivered_to",
    "read_receipt": "read_by",
}


def _seen(line: Line, live: int, actor: Account, sent: Frame, group: Group) -> set[str]:
    """What the observer sees of the actor in the chats that his frame named."""
    concerned, found = _concerned(sent, group), set()
    for frame in line.heard[live:]:
        kind = frame["type"]
        if kind not in _ACTOR or frame.get(_ACTOR[kind]) != actor.id:
            continue
        if kind == "message":
            what = "content" if "content" in sent else "message_id"
            copy = "forward" in sent and "forwarded_from" in frame
            if copy or sent.get(what) in (frame.get("content"), frame["id"]):
                found.add(kind)
        elif frame["chat_id"] in concerned:
            found.add(kind)
    if "read_receipt" in found:
        # A read says both; an observer who was slow to take frames is told both once more.
        found.discard("delivery_receipt")
    return found


def _check_private(heard: list[Frame], group: Group, role: str) -> None:
    """Nothing names a message that he may not see, whatever it is (G6)."""
    text = json.dumps(heard)
    for name in ("first", "absent", "late", "direct"):
        if name not in VISIBLE.get(role, ()):
            assert getattr(group, name) not in text, (role, name, heard)


# ── the frames ───────────────────────────────────────────────────────────────────────────────

SIGNALS: dict[str, Signal] = {}


def row(title: str, **fields: object) -> None:
    """A row. A value `@name` stands for that id of the group; see `_filled` for others.

    `auth` is the first frame of a connection without a token; all others come after `welcome`.
    """

    def frame(world: World, role: str, group: Group) -> Frame:
        kind = {"type": title.partition("/")[0]}
        return {**kind, **_filled(fields, world, role, group)}

    SIGNALS[title] = Signal(frame, first=title == "auth")


def _filled(value: Any, world: World, role: str, group: Group) -> Any:
    """The value with what stands for something replaced, its keys too."""
    match value:
        case dict():
            pairs = [(_filled(k, world, role, group), v) for k, v in value.items()]
            return {key: _filled(v, world, role, group) for key, v in pairs}
        case list():
            return [_filled(each, world, role, group) for each in value]
        case "@token":
            return world[role].token
        case "@token-of-observer":
            return world["observer"].token
        case "@observer":
            return world["observer"].id
        case "@uuid":
            return str(uuid.uuid4())
        case "@content":
            return f"hello {uuid.uuid4()}"
        case "@ghost":
            return ghost("chat")
        case str() if value.startswith("@"):
            return getattr(group, value[1:])
        case _:
            return value


row("auth", token="@token")
row("auth/renewal", token="@token")
row("auth/of-another", token="@token-of-observer")

row("resume/own-place")
row("resume/from-zero", positions={"@chat_id": 0, "me": 0})
row("resume/from-its-end", positions={"@chat_id": MAX_POSITION, "me": MAX_POSITION})
row("resume/direct", positions={"@direct_id": 0})
row("resume/receipts", positions={"@chat_id": MAX_POSITION}, receipts=["@chat_id"])


def _send(title: str, **fields: object) -> None:
    row(title, client_id="@uuid", content="@content", **fields)


_send("send", chat_id="@chat_id")
_send("send/direct", chat_id="@direct_id")
_send("send/nowhere", chat_id="@ghost")
_send("send/to-recipient", recipient_ids=["@observer"])
_send("send/reply-to-first", chat_id="@chat_id", reply_to="@first")
_send("send/reply-to-absent", chat_id="@chat_id", reply_to="@absent")
_send("send/reply-to-late", chat_id="@chat_id", reply_to="@late")
_send("send/reply-to-other-chat", chat_id="@chat_id", reply_to="@direct")
_send("send/mentions", chat_id="@chat_id", mentions=["@observer"])
_send("send/mention-all", chat_id="@chat_id", mention_all=True)

for _which in ("first", "absent", "late", "direct"):
    row(f"edit/{_which}", message_id=f"@{_which}", content="@content", ref="r")
    row(f"delete/{_which}", message_id=f"@{_which}")
    row(f"delete/me-{_which}", message_id=f"@{_which}", **{"for": "me"})
    row(f"pin/{_which}", message_id=f"@{_which}")
    row(f"react/{_which}", message_id=f"@{_which}", emoji="👍")

row("received", chat_id="@chat_id", seq=MAX_POSITION)
row("received/positions", positions={"@chat_id": MAX_POSITION, "me": MAX_POSITION})
row("received/direct", chat_id="@direct_id", seq=MAX_POSITION)
row("received/nowhere", chat_id="@ghost", seq=1)
row("read", chat_id="@chat_id", seq=MAX_POSITION)
row("read/direct", chat_id="@direct_id", seq=MAX_POSITION)
row("read/nowhere", chat_id="@ghost", seq=1)
for _which in ("first", "absent", "late", "direct"):
    row(f"read/message-{_which}", message_id=f"@{_which}")
    to = ["@observer"]
    row(f"send/forward-{_which}", client_id="@uuid", recipient_ids=to, forward=f"@{_which}")
row("typing", chat_id="@chat_id")
row("typing/direct", chat_id="@direct_id")
row("typing/as-another", chat_id="@chat_id", user_id="@observer")
row("typing/nowhere", chat_id="@ghost")
row("focus", chat_ids=["@chat_id", "@direct_id"])
row("focus/nowhere", chat_ids=["@ghost"])
