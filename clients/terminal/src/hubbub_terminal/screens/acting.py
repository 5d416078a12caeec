"""What is done to the chosen message, with a key each."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message as Said

from hubbub_terminal.book import Book
from hubbub_terminal.chat import Chat, Outgoing
from hubbub_terminal.desk import Desk
from hubbub_terminal.links import first_address
from hubbub_terminal.plain import plain
from hubbub_terminal.screens.finder import Finder
from hubbub_terminal.screens.question import Question
from hubbub_terminal.screens.react import React
from hubbub_terminal.screens.receipts import Receipts
from hubbub_terminal.screens.versions import Versions
from hubbub_terminal.trouble import attempt
from hubbub_terminal.widgets.composer import Composer
from hubbub_terminal.widgets.messages import Messages
from hubbub_terminal.words import AnyMessage


class Acting(Vertical):
    """Has messages, one of them perhaps chosen, and a field; `chat` is open, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "reply", "Reply"),
        Binding("e", "edit", "Edit"),
        Binding("t", "thread", "Thread"),
        Binding("plus", "react", "React"),
        Binding("f", "forward", "Forward"),
        Binding("p", "pin", "Pin"),
        Binding("d", "delete", "Delete"),
        Binding("x", "hide", "Delete for me"),
        Binding("v", "versions", "Versions"),
        Binding("y", "copy", "Copy"),
        Binding("o", "follow", "Open link"),
        Binding("enter", "act", "Receipts"),
        Binding("delete", "discard", "Discard"),
    ]

    class ThreadWanted(Said):
        """A thread is to be opened."""

        def __init__(self, root_id: str) -> None:
            self.root_id = root_id
            super().__init__()

    def __init__(self, desk: Desk) -> None:
        super().__init__(id="room")
        self._desk = desk
        self._book: Book = desk.book
        self._keys: list[bool | None] = []  # which of the keys mean something, as shown
        self.chat: Chat | None = None

    @property
    def messages(self) -> Messages:
        """The list of messages."""
        return self.query_one(Messages)

    @property
    def composer(self) -> Composer:
        """The field."""
        return self.query_one(Composer)

    def draw(self) -> None:
        """Show the chat as it is."""
        raise NotImplementedError

    def _chosen(self) -> AnyMessage | None:
        return None if self.chat is None else self.chat.shown.get(self.messages.chosen)

    def _chosen_outgoing(self) -> Outgoing | None:
        return None if self.chat is None else self.chat.outgoing.get(self.messages.chosen)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Which keys mean something for what is chosen."""
        message, outgoing = self._chosen(), self._chosen_outgoing()
        chat, own = self.chat, self._is_own(message)
        there = message is not None and not message.is_deleted and message.system is None
        leads = chat is not None and chat.leads
        refused = outgoing is not None and bool(outgoing.refusal)
        edited = message is not None and message.edited_at is not None
        may = {
            "reply": there,
            "forward": there,
            "react": there,
            "thread": message is not None and chat is not None and chat.thread is None,
            "edit": own and message is not None and message.forwarded_from is None,
            "versions": edited and (own or leads),
            "pin": there and (leads or (chat is not None and not chat.is_group)),
            "delete": own or (leads and there),
            "hide": message is not None and message.system is None,
            "copy": message is not None or outgoing is not None,
            "follow": message is not None and first_address(message.content) is not None,
            "act": refused or (message is not None and message.sender_id == self._book.me.id),
            "discard": refused,
        }
        return may.get(action, True)

    def show_keys(self) -> None:
        """Another message is chosen: the line of keys is made anew only where it differs."""
        actions = [each.action for each in Acting.BINDINGS if isinstance(each, Binding)]
        keys = [self.check_action(action, ()) for action in actions]
        if keys != self._keys:
            self._keys = keys
            self.refresh_bindings()

    def action_reply(self) -> None:
        """Answer it."""
        message = self._chosen()
        if self.chat is not None and message is not None and not message.is_deleted:
            self.chat.here.reply_to = message
            self.composer.focus()
            self.draw()

    def _is_own(self, message: AnyMessage | None) -> bool:
        return (
            message is not None
            and message.sender_id == self._book.me.id
            and not message.is_deleted
            and message.system is None
        )

    def action_edit(self) -> None:
        """Write it anew."""
        message = self._chosen()
        if self.chat is not None and message is not None:
            here = self.chat.here
            here.editing, here.reply_to = message, None
            self.composer.write(message.content)
            self.composer.focus()
            self.draw()

    def action_delete(self) -> None:
        """Take it away from everybody."""
        message = self._chosen()

        def answered(sure: bool | None) -> None:
            if sure and message is not None:
                attempt(self, self._desk.delete(message))

        self.app.push_screen(Question("Delete this message for everybody?", "Delete"), answered)

    def action_react(self) -> None:
        """Put an emoji to it, or take it away."""
        message = self._chosen()
        if message is not None:
            self.app.push_screen(React(self._desk, message))

    def action_hide(self) -> None:
        """Take it away from the user alone."""
        message = self._chosen()

        def answered(sure: bool | None) -> None:
            if sure and message is not None:
                attempt(self, self._desk.hide(message))

        text = "Delete this message for you alone? The others keep it."
        self.app.push_screen(Question(text, "Delete"), answered)

    def action_thread(self) -> None:
        """Open the thread that it began or belongs to."""
        message = self._chosen()
        if message is not None:
            self.post_message(self.ThreadWanted(message.thread_id or message.id))

    def action_versions(self) -> None:
        """What it said before it was edited."""
        message = self._chosen()
        if message is not None:
            self.app.push_screen(Versions(self._desk, message))

    def action_pin(self) -> None:
        """Pin it, or no more."""
        message = self._chosen()
        if message is not None:
            attempt(self, self._desk.pin(message))

    def action_forward(self) -> None:
        """Send it on to another chat."""
        message = self._chosen()

        def found(chat: Chat | None) -> None:
            if chat is not None and message is not None:
                attempt(self, self._desk.forward(chat, message))
                self.notify(f"Forwarded to {chat.title}", markup=False, timeout=2)

        self.app.push_screen(Finder(self._desk), found)

    def action_copy(self) -> None:
        """Copy what it says."""
        message, outgoing = self._chosen(), self._chosen_outgoing()
        text = message.content if message else outgoing.send.content if outgoing else ""
        if text:
            self.app.copy_to_clipboard(plain(text))
            self.notify("Copied", timeout=2)

    def action_follow(self) -> None:
        """Open the first address in it."""
        message = self._chosen()
        where = first_address(message.content) if message else None
        if where:
            self.app.open_url(where)

    def action_act(self) -> None:
        """What Enter means: try again what was refused, else who has read it."""
        chat, outgoing, message = self.chat, self._chosen_outgoing(), self._chosen()
        if chat is None:
            return
        if outgoing is not None and outgoing.refusal:
            attempt(self, self._desk.again(chat, outgoing))
        elif message is not None and self._book.status(chat, message):
            self.app.push_screen(Receipts(self._desk, message))

    def action_discard(self) -> None:
        """Forget what was refused."""
        outgoing = self._chosen_outgoing()
        if outgoing is not None and outgoing.refusal and self.chat is not None:
            self._desk.discard(self.chat, outgoing)
