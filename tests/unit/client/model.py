"""A server for one client, small enough to be obviously right, and a network that is not.

Chats are logs of positions; a position is a message, an edit of one, or nothing that the client
may see. Live frames may be lost, doubled and reordered; everything is lost on a disconnect.
"""

from random import Random
from typing import Any

from msgspec.structs import replace

from hubbub_client.commands import Connect, Disconnect, ReadEvents, Save, Transmit
from hubbub_client.events import ChatRemoved, GapFound, MessageArrived, MessageChanged, State
from hubbub_client.session import Session
from hubbub_protocol import frames, ids
from hubbub_protocol.codes import Code
from hubbub_protocol.frames import ME, Me, Message, Skip
from hubbub_protocol.rest import EventPage
from tests.unit.client.peers import ANN, BEN, TIME, WELCOME, saved

PUSHED = 6  # events a log in one replay
PAGE = 3
NEVER = 2**53


class ChatLog:
    """One chat: its messages, and what stands at each position."""

    def __init__(self, number: int) -> None:
        self.id = ids.text("chat", number)
        self.head = 0
        self.number = 0
        self.messages: dict[str, Message] = {}
        self.hidden: set[int] = set()
        self.stays: list[list[int]] = []  # [from, to) of the client's memberships

    @property
    def joined(self) -> int | None:
        """Where the present stay began."""
        if self.stays and self.stays[-1][1] == NEVER:
            return self.stays[-1][0]
        return None

    def sees(self, position: int) -> bool:
        return any(a <= position < b for a, b in self.stays)

    def visible(self) -> list[Message]:
        return [m for m in self.messages.values() if self.sees(m.seq) and self.sees(m.rev)]


class Model:
    """The server, the wire both ways, and the client under test."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.chats = [ChatLog(n + 1) for n in range(3)]
        self.me_head = 0
        self.me: dict[tuple[str, str | None], Me] = {}
        self.ids = 0
        self.down: list[tuple[Any, bool]] = []  # frame, may be mangled
        self.up: list[Any] = []
        self.reads: list[ReadEvents] = []
        self.is_live = False
        self.resume_parts: dict[str, int] = {}
        self.kept: dict[str, int] = {}  # the session's own place, from `received`
        self.accepted: dict[str, list[str]] = {chat.id: [] for chat in self.chats}
        self.sent: dict[str, list[str]] = {chat.id: [] for chat in self.chats}
        self.blocked: dict[str, dict[str, float]] = {}  # chat → refused client_ids, when
        self.refused: set[str] = set()  # for good; the answer may be lost, and asked for again
        self.refuse_next = False
        self.now = 0.0
        self.seen: set[str] = set()
        self.positions_of: dict[str, list[int]] = {}
        self.gaps: dict[str, list[tuple[int, int]]] = {}
        self.storage = saved()
        self.session = Session(self.storage.copy(), self.random)
        for chat in self.chats[:2]:
            self.join(chat)
        self.session.start("token", self.now)
        self.follow()

    # ── what happens on the server ───────────────────────────────────────────────────────────

    def log(self, chat_id: str) -> ChatLog:
        return next(chat for chat in self.chats if chat.id == chat_id)

    def post(self, chat: ChatLog, sender: str = BEN, client_id: str | None = None) -> Message:
        chat.head += 1
        chat.number += 1
        self.ids += 1
        new = Message(
            ids.text("msg", self.ids), chat.id, chat.head, chat.head, chat.number, TIME, sender,
            [ANN, BEN], content=f"m{self.ids}", client_id=client_id,
        )  # fmt: skip
        chat.messages[new.id] = new
        self.positions_of[new.id] = [new.seq]
        self.push(chat, new)
        return new

    def amend(self, chat: ChatLog, how: str, index: int) -> None:
        mine = [m for m in chat.visible() if not m.is_deleted]
        if mine:
            old = mine[index % len(mine)]
            chat.head += 1
            if how == "edit":
                new = replace(old, rev=chat.head, content=old.content + "+", edited_at=TIME)
            elif how == "pin":
                new = replace(old, rev=chat.head, pinned=not old.pinned)
            else:
                nothing: Any = {"content": "", "edited_at": None, "pinned": False}
                new = replace(old, rev=chat.head, is_deleted=True, **nothing)
            chat.messages[old.id] = new
            self.positions_of[new.id].append(new.rev)
            self.push(chat, new)

    def hide(self, chat: ChatLog) -> None:
        chat.head += 1
        chat.hidden.add(chat.head)
        self.push(chat, Skip(chat.id, chat.head, chat.head))

    def join(self, chat: ChatLog) -> None:
        if chat.joined is None:
            chat.stays.append([chat.head + 1, NEVER])
            self.push_me(Me(0, "chat", chat.id, True, "member", chat.head + 1, chat.head, 0))

    def leave(self, chat: ChatLog) -> None:
        if chat.joined is not None:
            chat.stays[-1][1] = chat.head + 1
            self.push_me(Me(0, "chat", chat.id, member=False))
            self.kept.pop(chat.id, None)

    def push(self, chat: ChatLog, frame: Message | Skip) -> None:
        if self.is_live and chat.joined is not None:
            self.down.append((frame, True))

    def push_me(self, event: Me) -> None:
        self.me_head += 1
        event = replace(event, rev=self.me_head)
        self.me[event.kind, event.chat_id] = event
        if self.is_live:
            self.down.append((event, True))

    # ── the wire ─────────────────────────────────────────────────────────────────────────────

    def mangle(self, how: str, index: int) -> None:
        places = [i for i, (_, may) in enumerate(self.down) if may]
        if not places:
            return
        i = places[index % len(places)]
        if how == "lose":
            del self.down[i]
        elif how == "double":
            self.down.insert(self.random.randint(i, len(self.down)), self.down[i])
        else:
            item = self.down.pop(i)
            after = self.random.randint(i, len(self.down))
            if all(may for _, may in self.down[i:after]):  # never across a caught_up
                self.down.insert(after, item)
            else:
                self.down.insert(i, item)

    def deliver(self, count: int) -> None:
        for _ in range(min(count, len(self.down))):
            frame, _ = self.down.pop(0)
            self.session.receive_frame(frame, self.now)
            if self.random.random() < 0.5:
                self.follow()
        self.follow()

    def serve(self, count: int) -> None:
        for _ in range(min(count, len(self.up))):
            self.take(self.up.pop(0))

    def disconnect(self) -> None:
        if self.session.state not in (State.WAITING, State.CLOSED):
            self.cut()
            self.session.closed(1006, "", self.now)
            self.follow()

    def cut(self) -> None:
        self.is_live = False
        self.down.clear()
        self.up.clear()
        self.blocked.clear()
        self.resume_parts = {}

    def restart(self) -> None:
        """The client's process is killed and begins again from its storage."""
        self.cut()
        self.reads.clear()
        self.session = Session(self.storage.copy(), self.random)
        self.session.start("token", self.now)
        self.follow()

    def wait(self) -> None:
        deadline = self.session.deadline(self.now)
        if deadline is not None:
            self.now = max(self.now, deadline)
            self.session.tick(self.now)
            self.follow()

    # ── the server's answers ─────────────────────────────────────────────────────────────────

    def take(self, frame: Any) -> None:
        match frame:
            case frames.Auth():
                self.down.append((WELCOME, False))
            case frames.Resume(positions, more):
                self.resume_parts.update(positions or {})
                if not more:
                    self.replay(positions is None)
            case frames.Send():
                self.take_send(frame)
            case frames.Received(_, _, positions):
                for log, position in (positions or {}).items():
                    if log == ME or self.log(log).joined is not None:
                        self.kept[log] = max(self.kept.get(log, 0), position)

    def take_send(self, send: frames.Send) -> None:
        chat = self.log(send.chat_id or "")
        waited = self.blocked.setdefault(chat.id, {})
        if chat.joined is None:
            self.refused.add(send.client_id)
            self.down.append((frames.Error("not_found", "gone", send.client_id), False))
        elif self.waits(chat, send.client_id) or self.refuse_next:
            waited[send.client_id] = self.now
            self.refuse_next = False
            self.down.append((frames.Error("overloaded", "", send.client_id, 1.0), False))
        else:
            waited.pop(send.client_id, None)
            known = [m for m in chat.messages.values() if m.client_id == send.client_id]
            if not known:
                self.accepted[chat.id].append(send.client_id)
            stored = known[0] if known else self.post(chat, ANN, send.client_id)
            ack = frames.Ack(stored.id, chat.id, TIME, client_id=send.client_id)
            self.down.append((ack, False))

    def waits(self, chat: ChatLog, client_id: str) -> bool:
        """G3: until what was refused before it returns, "or 5 s pass"."""
        order = self.sent[chat.id].index
        return any(
            order(first) < order(client_id) and self.now <= since + 5.0
            for first, since in self.blocked[chat.id].items()
        )

    def replay(self, fresh: bool) -> None:
        positions = dict(self.kept) if fresh else self.resume_parts
        self.resume_parts = {}
        place = positions.get(ME, 0)
        self.replay_log(ME, place, self.folded_me(place))
        heads = {ME: self.me_head}
        for chat in self.chats:
            if chat.joined is not None:
                place = max(positions.get(chat.id, 0), chat.joined - 1)
                self.replay_log(chat.id, place, self.folded(chat, place))
                heads[chat.id] = chat.head
        self.down.append((frames.CaughtUp(heads), False))
        self.is_live = True

    def replay_log(self, log: str, place: int, events: list[Any]) -> None:
        if len(events) > PUSHED:
            events = events[-PUSHED:]
            self.down.append((frames.Gap(log, place + 1, events[0].rev - 1), False))
        self.down += [(event, False) for event in events]

    def folded(self, chat: ChatLog, after: int) -> list[Message]:
        return sorted((m for m in chat.visible() if m.rev > after), key=lambda m: m.rev)

    def folded_me(self, after: int) -> list[Me]:
        return sorted((e for e in self.me.values() if e.rev > after), key=lambda e: e.rev)

    def answer(self, index: int, fail: bool = False) -> None:
        if not self.reads:
            return
        read = self.reads.pop(index % len(self.reads))
        log, ticket = read.log, read.ticket
        if fail:
            self.session.page_failed(log, ticket, None, None, self.now)
        elif log != ME and self.log(log).joined is None:
            self.session.page_failed(log, ticket, Code.NOT_FOUND, None, self.now)
        else:
            head = self.me_head if log == ME else self.log(log).head
            events: list[Any] = (
                self.folded_me(read.after) if log == ME else self.folded(self.log(log), read.after)
            )
            page, more = events[:PAGE], len(events) > PAGE
            position = page[-1].rev if more else head
            self.session.page(log, ticket, EventPage(page, position, more), self.now)
        self.follow()

    # ── the client's side ────────────────────────────────────────────────────────────────────

    def send(self, chat: ChatLog) -> None:
        self.ids += 1
        client_id = f"c{self.ids}"
        self.sent[chat.id].append(client_id)
        self.session.send(frames.Send(client_id, chat.id, content="x"), self.now)
        self.follow()

    def follow(self) -> None:
        for event in self.session.take_events():
            match event:
                case MessageArrived(new):
                    self.seen.add(new.id)
                case MessageChanged(new):
                    assert new.id in self.seen or self.may_be_unknown(new), new
                    self.seen.add(new.id)
                case GapFound(chat_id, first, last):
                    self.gaps.setdefault(chat_id, []).append((first, last))
                case ChatRemoved(chat_id):
                    self.gaps.pop(chat_id, None)
        checkpoint = self.session.checkpoint()
        for command in self.session.take_commands():
            match command:
                case Save(records):
                    for record in records:
                        self.storage.apply(record)
                case Transmit(frame):
                    if isinstance(frame, frames.Received):
                        self.check_claims(frame)
                    self.up.append(frame)
                case Connect():
                    self.session.opened(self.now)
                    self.follow()
                case Disconnect():
                    self.cut()
                case ReadEvents():
                    self.reads.append(command)
        for record in checkpoint:  # after the commands, as the engine does
            self.storage.apply(record)

    def check_claims(self, frame: frames.Received) -> None:
        """`received` never claims what was not handed over."""
        for log, position in (frame.positions or {}).items():
            if log == ME:
                assert position <= self.me_head
                continue
            chat = self.log(log)
            assert position <= chat.head
            for each in chat.messages.values():
                if each.seq <= position and chat.sees(each.seq):
                    assert each.id in self.seen or self.may_be_unknown(each), (each, position)

    def may_be_unknown(self, message: Message) -> bool:
        """Of an earlier stay, or in a range that the client was told of and did not read."""
        chat = self.log(message.chat_id)
        gaps = self.gaps.get(chat.id, [])
        return message.seq < (chat.joined or chat.head + 1) or any(
            first <= position <= last
            for first, last in gaps
            for position in self.positions_of[message.id]
        )
