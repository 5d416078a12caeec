"""Everything that is shown, as one value: the user, the chats, the people. Pure.

Events of the client and answers of REST go in; the screen reads. `wants_*` is what REST has to be
asked for, which the desk does.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final

from msgspec.structs import replace

from hubbub_client import (
    AccountChanged,
    BlockChanged,
    ChatAdded,
    ChatRecord,
    ChatRemoved,
    CursorMoved,
    Event,
    GapFound,
    Message,
    MessageAccepted,
    MessageArrived,
    MessageChanged,
    MessageHidden,
    MuteChanged,
    PresenceChanged,
    ReadMoved,
    ReceiptsCounted,
    Send,
    SendFailed,
    SettingsChanged,
    Status,
    TypingChanged,
    User,
)
from hubbub_terminal.chat import RANK, Chat, Outgoing
from hubbub_terminal.completion import EVERYBODY
from hubbub_terminal.plain import line
from hubbub_terminal.words import AnyMessage

PEOPLE: Final = 20_000
"""Names that are remembered."""

_NAMED: Final = re.compile(r"(?<![\w@])@([A-Za-z0-9._-]+)")


def names_all(text: str) -> bool:
    """Whether a text names everybody."""
    return EVERYBODY.username in _NAMED.findall(text.lower())


class Book:
    """The state. `status` and `unread` ask the client, and know nothing without one."""

    def __init__(self, me: User) -> None:
        self.me = me
        self.chats: dict[str, Chat] = {}
        self.people: dict[str, User] = {me.id: me}
        self.status_of: Callable[[Message], Status] = lambda _: "sent"
        self.unread_of: Callable[[str], tuple[int, int] | None] = lambda _: None
        self.replies_of: Callable[[AnyMessage], int] = lambda _: 0
        self.blocked: set[str] = set()  # users whom this one has blocked
        self.presence: dict[str, PresenceChanged] = {}  # of the peer of the open chat
        self.wants_people: set[str] = set()
        self.wants_chats: set[str] = set()
        self.lost: set[str] = set()  # chats that were left, until the screen has said so
        self._without: dict[str, Outgoing] = {}  # of chats that are not known yet

    # ── reading ──────────────────────────────────────────────────────────────────────────────

    def listed(self) -> list[Chat]:
        """All chats, by last activity."""
        return sorted(self.chats.values(), key=lambda chat: chat.active_at, reverse=True)

    def name(self, user_id: str) -> str:
        """A user's name, as a plain line; it is asked for when it is not known."""
        user = self.people.get(user_id)
        if user is None:
            if len(self.wants_people) < PEOPLE:
                self.wants_people.add(user_id)
            return "…"
        return line(user.display_name) or line(user.username) or "Nameless"

    def named_in(self, text: str) -> list[str]:
        """The users whom a text names as @username, of those that are known."""
        named = {name.lower().rstrip(".-") for name in _NAMED.findall(text)}
        return [user.id for user in self.people.values() if user.username in named]

    def named_anew(self, message: AnyMessage, text: str) -> tuple[list[str] | None, bool | None]:
        """Whom a message names once its text is this one, and whether everybody; None: as before.

        Whom its text never named, since it came from elsewhere or the name is not known, stays.
        """
        before, now = self.named_in(message.content), self.named_in(text)
        kept = [user for user in message.mentions if user not in before]
        wanted = list(dict.fromkeys([*kept, *now]))
        all_now = names_all(text) or (message.mention_all and not names_all(message.content))
        return (
            None if set(wanted) == set(message.mentions) else wanted,
            None if all_now == message.mention_all else all_now,
        )

    def nameable(self, chat: Chat) -> list[User]:
        """Whom one may name in a group: who spoke last first, then its members, and everybody."""
        if not chat.is_group:
            return []
        spoke = [message.sender_id for message in reversed(chat.shown.messages)]
        ids = dict.fromkeys(filter(None, [*spoke, *chat.members]))
        known = [self.people[each] for each in ids if each in self.people and each != self.me.id]
        return [*(user for user in known if user.username), EVERYBODY]

    def why_closed(self, chat: Chat) -> str:
        """Why nothing can be written there; "" where it can."""
        peer = chat.record.peer
        if not chat.may_write:
            return "Only admins write here."
        if peer is not None and peer.id in self.blocked:
            return f"You have blocked {chat.title}: Ctrl+O to unblock."
        return ""

    def names_me(self, message: AnyMessage) -> bool:
        """Whether somebody else's message names the user, or everybody."""
        named = message.mention_all or self.me.id in message.mentions
        return named and message.sender_id != self.me.id

    def called(self, user_id: str) -> str:
        """The same in a sentence: "you" for the user."""
        return "you" if user_id == self.me.id else self.name(user_id)

    def status(self, chat: Chat, message: AnyMessage) -> Status | None:
        """How far a message is; None: it is none of the user's own."""
        if message.sender_id != self.me.id or message.message_type == "system":
            return None
        told: Status = self.status_of(message) if isinstance(message, Message) else "sent"
        return chat.status(message, told)

    @property
    def unread_chats(self) -> int:
        """How many chats have something new, of those that may disturb."""
        return sum(chat.unread > 0 and not chat.is_muted for chat in self.chats.values())

    # ── learning ─────────────────────────────────────────────────────────────────────────────

    def meet(self, people: Iterable[User]) -> None:
        """Names."""
        for user in people:
            if len(self.people) < PEOPLE or user.id in self.people:
                self.people[user.id] = user
            self.wants_people.discard(user.id)

    def learn(self, records: Iterable[ChatRecord]) -> None:
        """What REST says of chats."""
        for record in records:
            if record.peer is not None:
                self.meet([record.peer])
            chat = self.chats.get(record.id)
            if chat is None:
                chat = self.chats[record.id] = Chat(record)
                self._adopt(chat)
            else:
                chat.learn(record)
            known = self.unread_of(chat.id) or (record.unread, record.unread_mentions)
            chat.unread, chat.mentions = known
            self.wants_chats.discard(record.id)

    def queue(self, send: Send) -> None:
        """A message waits for the server's answer."""
        outgoing = Outgoing(send)
        chat = self.chats.get(send.chat_id or "")
        if chat is None:
            self._without[outgoing.key] = outgoing
        else:
            chat.outgoing[outgoing.key] = outgoing

    def _adopt(self, chat: Chat) -> None:
        for key, outgoing in list(self._without.items()):
            if outgoing.send.chat_id == chat.id:
                chat.outgoing[key] = self._without.pop(key)

    # ── events ───────────────────────────────────────────────────────────────────────────────

    def apply(self, event: Event) -> None:
        """Something happened. What is of no chat is passed over."""
        match event:
            case MessageArrived(message) | MessageChanged(message):
                self._message(message)
            case MessageAccepted(client_id, message_id, chat_id):
                outgoing = self._outgoing(client_id, chat_id)
                if outgoing is not None:
                    outgoing.id = message_id
            case SendFailed(client_id, _, refusal):
                outgoing = self._outgoing(client_id)
                if outgoing is not None:
                    outgoing.refusal = refusal
            case ChatAdded(chat_id):
                self.wants_chats.add(chat_id)
            case ChatRemoved(chat_id):
                if self.chats.pop(chat_id, None) is not None:
                    self.lost.add(chat_id)
                self.wants_chats.discard(chat_id)
            case AccountChanged(_, display_name):
                self.me = replace(self.me, display_name=display_name)
                self.meet([self.me])
            case BlockChanged(user_id, blocked):
                (self.blocked.add if blocked else self.blocked.discard)(user_id)
            case PresenceChanged():
                self.presence[event.user_id] = event
            case _:
                chat = self.chats.get(getattr(event, "chat_id", ""))
                if chat is not None:
                    self._of_chat(chat, event)

    def _of_chat(self, chat: Chat, event: Event) -> None:
        match event:
            case SettingsChanged(_, settings):
                chat.settings(settings)
            case TypingChanged(_, user_id, is_typing):
                (chat.typers.add if is_typing else chat.typers.discard)(user_id)
            case ReadMoved(_, read, unread, mentions):
                chat.read, chat.unread, chat.mentions = max(chat.read, read), unread, mentions
            case MessageHidden(_, message_id):
                if chat.hide(message_id):
                    self.wants_chats.add(chat.id)
            case MuteChanged(_, until):
                chat.mute(until)
            case GapFound():
                chat.stale = True
                self.wants_chats.add(chat.id)
            case ReceiptsCounted(_, seq, delivered, read):
                chat.seen_by = (seq, delivered, read)
            case CursorMoved():
                self._cursor(chat, event)
            case _:
                pass

    def _message(self, message: Message) -> None:
        chat = self.chats.get(message.chat_id)
        if chat is None:
            return
        chat.heard(message)
        unread = self.unread_of(chat.id)
        if unread is not None:
            chat.unread, chat.mentions = unread
        if message.sender_id == self.me.id and message.message_type != "system":
            chat.read = max(chat.read, message.seq)
        kind = None if message.system is None else message.system.get("kind")
        if kind is not None and kind != "chat_changed":
            self.wants_chats.add(chat.id)  # its size, or the user's role

    def _cursor(self, chat: Chat, event: CursorMoved) -> None:
        if not chat.is_group:
            chat.passed(event.seq, event.seq if event.read else 0)
            return
        # Who all the recipients of a message from the history are, only the server knows.
        least = RANK["read" if event.read else "delivered"]
        for message in reversed(chat.window.messages):
            status = self.status(chat, message) if message.seq <= event.seq else None
            if status is not None and not isinstance(message, Message):
                if RANK[status] < least:
                    self.wants_chats.add(chat.id)
                return

    def _outgoing(self, client_id: str, chat_id: str | None = None) -> Outgoing | None:
        found = self._without.get(client_id)
        if found is not None:
            return found
        near = [self.chats[chat_id]] if chat_id in self.chats else self.chats.values()
        return next((chat.outgoing[client_id] for chat in near if client_id in chat.outgoing), None)
