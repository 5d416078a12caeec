"""The guarantees, as functions from what happened to sentences about what is wrong."""

from collections import Counter
from itertools import pairwise
from typing import Any

from hubbub.delivery import subscriber
from hubbub.domain.reaction import tallies
from hubbub.wiring.core import Core
from hubbub_client.api import path
from hubbub_client.chat import Chat
from hubbub_client.settings import Followed
from hubbub_protocol import ids, rest
from hubbub_protocol.frames import ME
from hubbub_protocol.times import rfc3339
from tests.simulation.changes import Changes
from tests.simulation.device import Device
from tests.simulation.history import App, Connection, History
from tests.simulation.plan import Plan
from tests.simulation.stances import Stances
from tests.simulation.truth import Row, Truth


def bounds(core: Core, plan: Plan) -> list[str]:
    """G7: every queue keeps its bound."""
    wrong = []
    if core.ingest.depth > plan.queue:
        wrong.append(f"G7: {core.ingest.depth} changes wait, bound {plan.queue}")
    for here in core.hub._users.values():
        for reader in here if isinstance(here, tuple) else (here,):
            held = len(getattr(reader.replay, "_held", ()))
            if held > subscriber.MAX_HELD:
                wrong.append(f"G7: {held} frames held, bound {subscriber.MAX_HELD}")
            if len(reader.missed_receipts or ()) > subscriber.MAX_RECEIPTS:
                wrong.append("G7: too many missed receipts")
            if reader.link.buffered() > subscriber.HARD_LIMIT:
                wrong.append(f"G7: {reader.link.buffered()} bytes buffered")
    settling = len(core.replays._settling)
    if settling > 1_000 or (not core.hub._users and settling):
        wrong.append(f"G7: {settling} readers settle for ever")
    return wrong


def logs(truth: Truth) -> list[str]:
    """Positions and numbers are dense, times do not go back, stays follow from the log."""
    wrong = []
    for chat, rows in truth.logs.items():
        seq, number, _ = truth.heads[chat]
        revs = sorted(row.rev for row in rows)
        if revs != sorted(set(revs)) or any(not row.seq <= row.rev <= seq for row in rows):
            wrong.append(f"G3: positions of {chat}: {[(r.seq, r.rev) for r in rows]} up to {seq}")
        counted = [row.number for row in rows if row.type != "system"]
        if counted != list(range(1, number + 1)):
            wrong.append(f"G3: numbers of {chat} are not dense: {counted}")
        if any(b.at < a.at for a, b in pairwise(rows)):
            wrong.append(f"created_at goes back in {chat}")
        wrong += _stays(truth, chat, rows)
        wrong += _doors(chat, rows)
    return wrong


def _stays(truth: Truth, chat: str, rows: list[Row]) -> list[str]:
    """What system messages tell of coming and going is what the store knows."""
    told: dict[str, list[tuple[int, int | None]]] = {}
    added_first = _came(rows[0]) if rows else []
    for (where, user), stays in truth.stays.items():
        if where == chat and stays[0][0] == 1 and user not in added_first:
            told[user] = [(1, None)]
    for row in rows:
        system = row.system or {}
        for user in _came(row):
            told.setdefault(user, []).append((row.seq, None))
        if system.get("kind") in ("member_left", "member_removed"):
            stays = told[system["user_id"]]
            stays[-1] = (stays[-1][0], row.seq)
    found = {user: stays for (where, user), stays in truth.stays.items() if where == chat}
    return [] if told == found else [f"G6: stays of {chat}: told {told}, stored {found}"]


def _doors(chat: str, rows: list[Row]) -> list[str]:
    """Nobody comes in by himself who was removed, or where nobody invited and nothing is public."""
    wrong, public = [], False
    removed: set[str] = set()
    for row in rows:
        system = row.system or {}
        user = system.get("user_id")
        match system.get("kind"):
            case "chat_changed":
                public = system.get("visibility", "public" if public else "private") == "public"
            case "member_removed":
                removed.add(system["user_id"])
            case "members_added":
                removed -= {*system["user_ids"]}
            case "member_joined" if user in removed:
                wrong.append(f"G6: {user} was removed from {chat} and came back")
            case "member_joined" if "invited_by" not in system and not public:
                wrong.append(f"G6: {user} came into {chat}, which was not public")
    return wrong


def _came(row: Row) -> list[str]:
    """Whose stay begins with this message."""
    system = row.system or {}
    match system.get("kind"):
        case "members_added":
            return list(system["user_ids"])
        case "member_joined":
            return [system["user_id"]]
    return []


def messages(truth: Truth, history: History) -> list[str]:
    """G1, G2, and one sender's order."""
    wrong = []
    rows = {row.client_id: row for log in truth.logs.values() for row in log if row.client_id}
    stored = {row.id: row for log in truth.logs.values() for row in log}
    contents = [
        content
        for row in stored.values()
        if row.type != "system" and not row.deleted and not row.extra.forward
        for content in (*row.said, row.content)
    ]
    doubled = {content for content in contents if contents.count(content) > 1}
    if doubled:
        wrong.append(f"G2: stored more than once: {sorted(doubled)}")
    for client_id, sent in history.sent.items():
        row = rows.get(client_id)
        if sent.ids and row is None:
            wrong.append(f"G1: {sent.send.content} was acknowledged and is lost")
        elif row is not None:
            if sent.ids - {row.id} or sent.chat_ids - {row.chat_id}:
                wrong.append(f"G2: {sent.send.content}: answers {sent.ids}, stored {row.id}")
            first = (*row.said, row.content)[0]
            same = row.deleted or first == sent.send.content
            if not same or row.sender_id != sent.user_id:
                wrong.append(f"G2: {sent.send.content} is stored as {row}")
        # Recipients may by then have another group of their own: then the answer is a mismatch.
        elsewhere = sent.failed == "idempotency_mismatch" and len(sent.send.recipient_ids or ()) > 1
        if sent.failed not in (None, "not_found", "forbidden", "cannot_message") and not elsewhere:
            wrong.append(f"{sent.send.content} was refused: {sent.failed}")
    if lost := history.hidden - truth.hidden:
        wrong.append(f"G1: {lost} were deleted for oneself, which is lost")
    wrong += _reactions(truth, stored, history)
    return wrong + _orders(rows, history) + _changes(stored, history) + _forwards(truth, stored)


def _changes(stored: dict[str, Row], history: History) -> list[str]:
    """G1 of changes; and what was deleted is gone."""
    wrong = [
        f"{row.id} was deleted and still says {row}"
        for row in stored.values()
        if row.deleted and (row.content or row.media or row.said or row.pinned)
    ]
    for changed in history.changed:
        row = stored.get(changed.message_id)
        kept = row is not None and row.rev >= changed.rev
        if row is not None and not row.deleted:
            kept = kept and changed.content in (*row.said, row.content)
        if not kept:
            wrong.append(f"G1: {changed} was acknowledged and is lost: {row}")
    return wrong


def _reactions(truth: Truth, stored: dict[str, Row], history: History) -> list[str]:
    """G1 of reactions; what the message tells is what is stored; nothing waits for ever."""
    wrong = [f"reactions of {message} wait for a position" for message in truth.waiting]
    for key, on in history.reacted.items():
        row = stored.get(key[1])  # None: the message is lost, which is said elsewhere
        if (
            on is not None
            and row is not None
            and not row.deleted
            and (key in truth.reactions) != on
        ):
            wrong.append(f"G1: the reaction {key} was acknowledged as {on}, which is lost")
    for row in stored.values():
        told = {emoji: tally.count for emoji, tally in tallies(row.reactions).items()}
        counts = Counter(emoji for _, message, emoji in truth.reactions if message == row.id)
        if told != counts:
            wrong.append(f"{row.id} tells of {told}, and has {counts}")
    return wrong


def _forwards(truth: Truth, stored: dict[str, Row]) -> list[str]:
    """G6: who forwards a message could see it; what it says is what that said once."""
    wrong = []
    for row in stored.values():
        if row.extra.forward:
            source = stored[ids.text("msg", row.extra.forward)]
            if not truth.might_see(source.chat_id, row.sender_id, source.seq):
                wrong.append(f"G6: {row.sender_id} forwarded {source.content}, which is hidden")
            gone = row.deleted or source.deleted
            if not gone and row.content not in (*source.said, source.content):
                wrong.append(f"{row.sender_id} forwarded {source.content} as {row.content}")
    return wrong


def _orders(rows: dict[str, Row], history: History) -> list[str]:
    """G3: what one device sent to one chat has the order in which it was sent."""
    wrong = []
    newest: dict[tuple[str, str], Row] = {}
    ordered = [s for s in history.sent.values() if s.order is not None]
    for sent in sorted(ordered, key=lambda s: (s.device, s.order)):
        row = rows.get(sent.send.client_id)
        if row is None:
            continue
        before = newest.get((sent.device, row.chat_id))
        if before is not None and before.seq > row.seq:
            wrong.append(
                f"G3: {sent.device} sent {before.content} before {row.content}, but they are at"
                f" {before.seq} and {row.seq} of {row.chat_id}"
            )
        newest[sent.device, row.chat_id] = row
    return wrong


def connection(truth: Truth, changes: Changes, seen: Connection) -> list[str]:
    """G3 and G6: one connection's frames."""
    return _Reader(truth, changes, seen).read()


class _Reader:
    """Follows a connection's places; sentences gather in `wrong`."""

    def __init__(self, truth: Truth, changes: Changes, seen: Connection) -> None:
        self._truth, self._changes, self._seen = truth, changes, seen
        self._hidden: set[str] = set()
        self._places: dict[str, int] = {}
        self._live = False
        self._time = 0.0
        self.wrong: list[str] = []

    def read(self) -> list[str]:
        for time, way, frame in self._seen.frames:
            self._time = time
            kind = type(frame).__name__
            if way == "sent":
                if kind == "Resume" and frame.positions is not None:
                    self._places.update(frame.positions)
            else:
                handle = getattr(self, f"_{kind.lower()}", None)
                if handle is not None:
                    handle(frame)
        return self.wrong

    def _say(self, what: str) -> None:
        if len(self.wrong) < 3:
            mode = "simple" if self._seen.simple else "full"
            self.wrong.append(f"{what} ({self._seen.device}, {mode}, at {self._time:.4f} s)")

    def _step(self, log: str, first: int, last: int) -> None:
        place = self._places.get(log)
        if place is not None and first <= place:
            self._say(f"G3: {log} shows {first} again after {place}")
        elif self._live and place is not None and first != place + 1:
            self._say(f"G3: {log} goes from {place} to {first} without a word")
        self._places[log] = max(last, place or 0)

    def _message(self, frame: Any) -> None:
        self._step(frame.chat_id, frame.rev, frame.rev)
        log = self._truth.logs.get(frame.chat_id, [])
        row = next((row for row in log if row.seq == frame.seq), None)
        if row is None or (row.id, row.number) != (frame.id, frame.number):
            self._say(f"a message that is not stored: {frame}; stored is {row}")
            return
        shown = (frame.id, frame.content, frame.is_deleted, frame.pinned)
        state = self._changes.states.get((frame.chat_id, frame.rev), shown)
        if frame.rev == row.rev:
            state = (row.id, row.content, row.deleted, row.pinned)
        if shown != state:
            self._say(f"a message that is not stored: {frame}; at {frame.rev} it is {state}")
        if frame.created_at != rfc3339(row.at):
            self._say(f"created_at of {row} was {frame.created_at}")
        for position in {frame.seq, frame.rev}:
            if not self._truth.might_see(frame.chat_id, self._seen.user_id, position):
                self._say(f"G6: {frame.chat_id} at {position} is not for this user")
        key = (self._seen.user_id, frame.chat_id, frame.seq)
        told_before = not self._live and frame.id in self._hidden
        if told_before or frame.rev > self._changes.hidden.get(key, frame.rev):
            self._say(f"G6: {frame.chat_id} at {frame.rev} is of a message that the user deleted")

    def _me(self, frame: Any) -> None:
        self._step(ME, frame.rev, frame.rev)
        if frame.kind == "hidden":
            self._hidden.add(frame.message_id)
        if not frame.member:
            self._places.pop(frame.chat_id, None)
        elif self._live and self._places.get(frame.chat_id, -1) < frame.joined_seq - 1:
            self._places[frame.chat_id] = frame.joined_seq - 1

    def _skip(self, frame: Any) -> None:
        self._step(frame.chat_id, frame.from_, frame.to)

    def _gap(self, frame: Any) -> None:
        self._step(frame.chat_id, frame.from_, frame.to)

    def _caughtup(self, frame: Any) -> None:
        if self._live:
            self._say("caught_up twice")
        self._live = True
        for log, position in frame.positions.items():
            if position < self._places.get(log, 0):
                self._say(f"caught_up says {position} of {log} after {self._places[log]}")
            self._places[log] = position


def arrivals(truth: Truth, user: str, device: str, app: App) -> list[str]:
    """G4: a device's application was told of every message of its user's present stays."""
    wrong = []
    for chat in sorted(truth.chats_of(user)) if app.whole else []:
        since = truth.stays[chat, user][-1][0]
        gaps = app.gaps.get(chat, [])
        got = app.arrived.get(chat, {})
        missing = [
            row.seq
            for row in truth.visible(chat, user)
            if row.seq >= since
            and row.seq not in got
            # A message that has changed since is told of where its latest position is.
            and not any(
                first <= place <= last for first, last in gaps for place in (row.seq, row.rev)
            )
        ]
        if missing:
            wrong.append(f"G4: {device} was never told of {missing} in {chat}")
    return wrong


async def refetched(truth: Truth, device: Device, stances: Stances, has_asked: bool) -> list[str]:
    """The client's folded state equals a refetch, and both equal the truth.

    `has_asked`: the client has connected since, and asked for receipts.
    """
    client = device.client
    if client is None:
        return [f"{device.name} is not running"]
    user, wrong = device.owner.user_id, []
    called, told = (await client.api.me()).display_name, device.app.name or device.owner.name
    if device.app.whole and called != told:
        wrong.append(f"8.1.1: {device.name} was told that its user is {told}, who is {called}")
    page = await client.api.chats(200)
    held = client.session.logs.chats
    if not {c.id for c in page.chats} == set(held) == truth.chats_of(user):
        wrong.append(
            f"{device.name} holds {sorted(held)}, refetched {sorted(c.id for c in page.chats)},"
            f" truth {sorted(truth.chats_of(user))}"
        )
    for record in page.chats:
        if record.id in held:
            found = await _chat(truth, device, stances, record, has_asked)
            wrong += [f"{device.name}: {what}" for what in found]
    return wrong


async def _chat(
    truth: Truth, device: Device, stances: Stances, record: rest.Chat, has_asked: bool
) -> list[str]:
    client, user = device.client, device.owner.user_id
    assert client is not None
    chat = client.session.logs.chats[record.id]
    stored = await _history(device, record.id)
    wrong = []
    seen = [row.id for row in truth.visible(record.id, user)]
    if [message.id for message in stored] != seen:
        wrong.append(f"G6: history of {record.id} is {[m.seq for m in stored]}, not as stored")
    window = [m for m in stored if m.seq >= chat.from_seq]
    if [_shown(m) for m in chat.messages] != [_shown(m) for m in window]:
        pairs = zip(chat.messages, window, strict=False)
        differ = [(a, b) for a, b in pairs if _shown(a) != _shown(b)]
        wrong.append(
            f"{record.id} holds {[m.seq for m in chat.messages]} from {chat.from_seq},"
            f" refetched {[m.seq for m in window]}; first {differ[:1]}"
        )
    held_settings, told = chat.settings.now, Followed()
    told.learn(record)
    if held_settings is not None and held_settings != told.now:
        wrong.append(f"{record.id}: settings are {held_settings}, refetched {told.now}")
    wrong += _referring(truth, user, chat, record, stored)
    wrong += await _threads(truth, device, stored)
    mine = (chat.role, chat.read, chat.unread, chat.muted_until)
    theirs = (record.role, record.read, record.unread, record.muted_until)
    if mine != theirs:
        wrong.append(f"{record.id}: role, read, unread, mute are {mine}, refetched {theirs}")
    if truth.cursors[record.id, user][1] != record.read:
        wrong.append(f"G5: {record.id} says read {record.read}, {truth.cursors[record.id, user]}")
    if record.receipts is not None:
        held = {message.id: message for message in chat.messages}
        members = [member for where, member in truth.stays if where == record.id]
        present = [member for member in members if truth.present(record.id, member)]
        silent = stances.silent(user, *present)
        untold = not has_asked and stances.were_silent(user, *present)
        for message in window:
            own = message.sender_id == user and message.message_type != "system"
            if not own or message.id not in held:
                continue
            # The client counts those who were members when it was told, the server those who are.
            named = held[message.id].recipient_ids
            # Where nobody was there to get it, there is nothing to compare.
            stayed = all(truth.since(record.id, other, message.seq) for other in named)
            if named and stayed and not truth.left_after(record.id, message.seq):
                ticks = client.status(held[message.id])
                if silent and message.status == "read":
                    wrong.append(f"8.1.4: {message.seq} of {record.id} is read by a silent one")
                # What was told before somebody became silent may be kept.
                kept = (silent and ticks == "read") or (untold and message.status == "read")
                if ticks != message.status and not kept:
                    wrong.append(
                        f"G5: {message.seq} of {record.id} is {ticks}, refetched {message.status}"
                    )
    return wrong


def _referring(
    truth: Truth, user: str, chat: Chat, record: rest.Chat, stored: list[rest.StoredMessage]
) -> list[str]:
    """Unread mentions and replies are counted as the reader may see them, by both sides."""
    wrong, seen = [], truth.visible(record.id, user)
    unread = sum(row.type != "system" for row in seen if row.seq > record.read)
    if record.unread != unread:
        wrong.append(f"{record.id}: {unread} are unread, refetched {record.unread}")
    named = sum(row.names(user) for row in seen if row.seq > record.read)
    counted = (record.unread_mentions, chat.unread_mentions)
    if counted != (named, named):
        wrong.append(f"{record.id}: unread mentions are {named}, refetched and held {counted}")
    for message in stored:
        seqs = [row.seq for row in seen if row.thread_id == message.id]
        replies = message.replies
        told = (replies.count, replies.seq) if replies else (0, 0)
        if told != (len(seqs), max(seqs, default=0)):
            wrong.append(f"{record.id}: replies to {message.seq} are {seqs}, refetched {replies}")
        if chat.message(message.id) is not None and chat.threads.of(message.id) != replies:
            held = chat.threads.of(message.id)
            wrong.append(f"{record.id}: replies to {message.seq} are {replies}, held {held}")
    return wrong


async def _threads(truth: Truth, device: Device, stored: list[rest.StoredMessage]) -> list[str]:
    """G6: of a thread whose beginning one does not see, one is told no more than one sees."""
    wrong, client = [], device.client
    assert client is not None
    held = {message.id for message in stored}
    for message in [m for m in stored if m.thread_id and m.thread_id not in held][:2]:
        seen = truth.visible(message.chat_id, device.owner.user_id)
        seqs = [row.seq for row in seen if row.thread_id == message.thread_id]
        page = await client.api.thread(message.id, limit=200)
        told = (page.root, [m.seq for m in page.messages], page.replies and page.replies.count)
        if told != (None, seqs, len(seqs)):
            wrong.append(f"G6: replies to {message.thread_id} are {seqs}, refetched {told}")
    return wrong


def _shown(message: Any) -> tuple[Any, ...]:
    return (
        message.id,
        message.seq,
        message.rev,
        message.number,
        message.sender_id,
        message.content,
        message.created_at,
        message.client_id,
        message.edited_at,
        message.is_deleted,
        message.pinned,
        message.thread_id,
        message.mentions,
        message.mention_all,
        message.forwarded_from,
        message.reactions,
        message.reacted_by,
    )


async def _history(device: Device, chat: str) -> list[rest.StoredMessage]:
    client = device.client
    assert client is not None
    found: list[rest.StoredMessage] = []
    before = None
    while True:
        where = path("chats", chat, "messages", limit=7, before_id=before)
        page = await client.api.call("GET", where, rest.MessagePage)
        found += page.messages
        if not page.has_more:
            return found[::-1]
        before = page.cursor
