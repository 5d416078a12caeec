"""The open chat: its head, its messages, and where one writes."""

from datetime import datetime
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message as Said
from textual.widgets import TextArea

from hubbub_client import OutboxFull, TooLarge
from hubbub_terminal.chat import Chat, Outgoing
from hubbub_terminal.desk import Desk
from hubbub_terminal.head import head
from hubbub_terminal.links import first_address
from hubbub_terminal.paint import Painter
from hubbub_terminal.plain import cut, plain
from hubbub_terminal.screens.finder import Finder
from hubbub_terminal.screens.question import Question
from hubbub_terminal.screens.receipts import Receipts
from hubbub_terminal.trouble import attempt
from hubbub_terminal.widgets.composer import Composer
from hubbub_terminal.widgets.messages import Messages
from hubbub_terminal.widgets.words import Words
from hubbub_terminal.words import AnyMessage, said, typing


class Room(Vertical):
    """One chat at a time, or none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", show=False),
        Binding("r", "reply", "Reply"),
        Binding("e", "edit", "Edit"),
        Binding("f", "forward", "Forward"),
        Binding("p", "pin", "Pin"),
        Binding("d", "delete", "Delete"),
        Binding("y", "copy", "Copy"),
        Binding("o", "follow", "Open link"),
        Binding("enter", "act", "Receipts"),
        Binding("delete", "discard", "Discard"),
    ]

    class Left(Said):
        """The user goes back from here."""

    class Changed(Said):
        """Something is to be drawn anew."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(id="room")
        self._desk = desk
        self._book = desk.book
        self._painter = Painter(desk.book)
        self.chat: Chat | None = None
        self._new_after: int | None = None
        self._begun = False  # scrolled to where reading goes on
        self._quoting: set[str] = set()

    def compose(self) -> ComposeResult:
        """The parts, from top to bottom."""
        yield Words(id="head")
        yield Messages()
        yield Words("↓ newer messages: End", id="newer")
        yield Words(id="typing")
        yield Words(id="about")
        with Horizontal(id="write"):
            yield Words("❯ ", id="prompt")
            yield Composer()
        yield Words("Only admins write here.", id="mute")

    @property
    def messages(self) -> Messages:
        """The list of messages."""
        return self.query_one(Messages)

    @property
    def composer(self) -> Composer:
        """The field."""
        return self.query_one(Composer)

    # ── which chat ───────────────────────────────────────────────────────────────────────────

    def show(self, chat: Chat | None) -> None:
        """Show a chat; what was being written in the one before stays there."""
        if chat is self.chat:
            return
        self.keep_draft()
        self.chat, self._begun = chat, False
        self._desk.client.focus([chat.id] if chat else [])
        self.messages.show(())
        self._new_after = None
        if chat is not None:
            self._new_after = chat.read if chat.unread else None
            self.composer.write(chat.draft)

    def keep_draft(self) -> None:
        """What is being written belongs to the chat."""
        if self.chat is not None:
            self.chat.draft = self.composer.text

    # ── drawing ──────────────────────────────────────────────────────────────────────────────

    def draw(self) -> None:
        """Show the chat as it is."""
        chat, messages = self.chat, self.messages
        if chat is None:
            return
        self.query_one("#head", Words).say(head(chat, self._book))
        placeholder = Content(f"Message {chat.title}")
        if placeholder != self.composer.placeholder:
            self.composer.placeholder = placeholder
        typers = [self._book.name(user) for user in sorted(chat.typers)]
        self.query_one("#typing", Words).say(Content(typing(typers)))
        self._draw_about(chat)
        self.set_class(not chat.may_write, "-mute")
        columns = messages.columns
        if columns:
            now = datetime.now().astimezone()
            messages.show(self._painter.paint(chat, columns, now, self._new_after))
            if not self._begun and chat.window.known and not (chat.stale and self._desk.is_live):
                self._begun = True
                messages.begin(self._first_new(chat))
        self._draw_newer(chat)
        self._fetch_quotes(chat)
        self.look()

    def _draw_newer(self, chat: Chat) -> None:
        newer = chat.window.newer or not self.messages.at_end
        self.query_one("#newer").set_class(chat.window.known and newer, "-shown")

    def _draw_about(self, chat: Chat) -> None:
        about, message = self.query_one("#about", Words), chat.editing or chat.reply_to
        about.set_class(message is not None, "-shown")
        if message is not None:
            name = self._book.called(message.sender_id or "")
            what = "✎ Edit" if chat.editing else f"↩ To {name}"
            text = f"{what}: {said(message, self._book.called)}"
            about.say(Content(cut(text, max(10, self.messages.columns - 6))))

    def _first_new(self, chat: Chat) -> str:
        after = self._new_after
        if after is None:
            return ""
        held = chat.window.messages
        if not held or (chat.window.older and held[0].seq > after):
            return ""  # too much is new to begin where reading stopped
        return next((each.id for each in held if each.seq > after and each.system is None), "")

    def _fetch_quotes(self, chat: Chat) -> None:
        for message_id in self._painter.wants - self._quoting:
            self._quoting.add(message_id)
            attempt(self, self._quote(chat, message_id), quiet=True)

    async def _quote(self, chat: Chat, message_id: str) -> None:
        try:
            self._painter.learn(message_id, await self._desk.message(chat, message_id))
        finally:
            self._quoting.discard(message_id)
        self.post_message(self.Changed())

    def look(self) -> None:
        """The user sees what is in view: at the end of the chat it counts as read."""
        looks = self.app.app_focus and self.app.screen is self.screen
        if self.chat is not None and self._begun and looks and self.messages.at_end:
            self._desk.seen(self.chat)

    # ── reading ──────────────────────────────────────────────────────────────────────────────

    def on_messages_near(self, event: Messages.Near) -> None:
        """More is wanted before or after what is held."""
        chat = self.chat
        if chat is not None and self._desk.is_live:
            if event.older and chat.window.older:
                attempt(self, self._desk.older(chat), quiet=True)
            elif not event.older and chat.window.newer:
                attempt(self, self._desk.newer(chat), quiet=True)

    def on_messages_moved(self) -> None:
        """Perhaps the end is in view now."""
        if self.chat is not None:
            self._draw_newer(self.chat)
            self.look()

    def on_messages_newest(self) -> None:
        """To the end of the chat, which may not be held."""
        if self.chat is not None and self.chat.window.newer:
            attempt(self, self._desk.latest(self.chat))

    def on_messages_chosen(self, event: Messages.Chosen) -> None:
        """Where its quote was pressed: to what it quotes."""
        self.refresh_bindings()
        message = self._chosen()
        if event.quote and message is not None and message.reply_to is not None:
            attempt(self, self._jump(message.reply_to))

    async def _jump(self, message_id: str) -> None:
        if self.chat is not None:
            await self._desk.around(self.chat, message_id)
            self.draw()
            self.messages.focus()
            self.messages.reveal(message_id)

    def on_composer_up(self) -> None:
        """From the empty field to the messages."""
        self.messages.focus()
        self.messages.action_choose(-1)

    def on_composer_scroll(self, event: Composer.Scroll) -> None:
        """Scroll without leaving the field."""
        if event.step < 0:
            self.messages.scroll_page_up(animate=False)
        else:
            self.messages.scroll_page_down(animate=False)

    def action_back(self) -> None:
        """Away from what is chosen, then from what is quoted, then from the chat."""
        if self.messages.has_focus:
            self.messages.unchoose()
            self.composer.focus()
        elif self.chat is not None and (self.chat.reply_to or self.chat.editing):
            if self.chat.editing is not None:
                self.composer.write("")
            self.chat.reply_to = self.chat.editing = None
            self.draw()
        else:
            self.post_message(self.Left())

    # ── writing ──────────────────────────────────────────────────────────────────────────────

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """The others see that the user types."""
        event.stop()
        chat, text = self.chat, self.composer.text
        if chat is not None and text != chat.draft:
            chat.draft = text
            self._desk.client.typing(chat.id, bool(text.strip()))
            self.post_message(self.Changed())

    def on_composer_sent(self) -> None:
        """Send what is written."""
        chat, text = self.chat, self.composer.text.strip()
        if chat is None or not text:
            return
        if (edited := chat.editing) is not None:
            self._leave_edit(chat)
            attempt(self, self._desk.edit(edited, text))
            return
        reply_to, chat.reply_to, chat.draft = chat.reply_to, None, ""
        self.composer.write("")
        self._new_after = None
        attempt(self, self._send(chat, text, reply_to))

    async def _send(self, chat: Chat, text: str, reply_to: AnyMessage | None) -> None:
        try:
            await self._desk.send(chat, text, reply_to.id if reply_to else None)
        except (OutboxFull, TooLarge):
            chat.reply_to, chat.draft = reply_to, text
            if chat is self.chat:
                self.composer.write(text)
            raise
        if chat is self.chat:
            if chat.window.newer:
                await self._desk.latest(chat)
            self.draw()
            self.messages.action_to_end()

    # ── what is done to the chosen message ───────────────────────────────────────────────────

    def _chosen(self) -> AnyMessage | None:
        return None if self.chat is None else self.chat.window.get(self.messages.chosen)

    def _chosen_outgoing(self) -> Outgoing | None:
        return None if self.chat is None else self.chat.outgoing.get(self.messages.chosen)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Which keys mean something for what is chosen."""
        message, outgoing = self._chosen(), self._chosen_outgoing()
        match action:
            case "reply" | "forward":
                return message is not None and not message.is_deleted
            case "pin":
                may = self.chat is not None and (self.chat.leads or not self.chat.is_group)
                return may and message is not None and not message.is_deleted
            case "edit":
                return self._is_own(message)
            case "delete":
                leads = self.chat is not None and self.chat.leads
                gone = message is None or message.is_deleted
                return self._is_own(message) or (leads and not gone)
            case "copy":
                return message is not None or outgoing is not None
            case "follow":
                return message is not None and first_address(message.content) is not None
            case "act":
                own = message is not None and message.sender_id == self._book.me.id
                return own or (outgoing is not None and bool(outgoing.refusal))
            case "discard":
                return outgoing is not None and bool(outgoing.refusal)
            case _:
                return True

    def action_reply(self) -> None:
        """Answer it."""
        message = self._chosen()
        if self.chat is not None and message is not None and not message.is_deleted:
            self.chat.reply_to = message
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
            self.chat.editing, self.chat.reply_to = message, None
            self.composer.write(message.content)
            self.composer.focus()
            self.draw()

    def _leave_edit(self, chat: Chat) -> None:
        chat.editing, chat.draft = None, ""
        self.composer.write("")
        self.draw()

    def action_delete(self) -> None:
        """Take it away from everybody."""
        message = self._chosen()

        def answered(sure: bool | None) -> None:
            if sure and message is not None:
                attempt(self, self._desk.delete(message))

        self.app.push_screen(Question("Delete this message for everybody?", "Delete"), answered)

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
