"""The open chat: its head, its messages, and where one writes."""

from datetime import datetime
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message as Said
from textual.widgets import TextArea

from hubbub_client import OutboxFull, TooLarge
from hubbub_terminal.chat import Chat
from hubbub_terminal.desk import Desk
from hubbub_terminal.head import head
from hubbub_terminal.paint import Painter
from hubbub_terminal.plain import cut
from hubbub_terminal.screens.acting import Acting
from hubbub_terminal.thread import Thread
from hubbub_terminal.trouble import attempt
from hubbub_terminal.widgets.composer import Composer
from hubbub_terminal.widgets.messages import Messages
from hubbub_terminal.widgets.names import Names
from hubbub_terminal.widgets.words import Words
from hubbub_terminal.words import AnyMessage, said, typing
from hubbub_terminal.writing import Writing


class Room(Acting):
    """One chat at a time, or none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", show=False),
    ]

    class Left(Said):
        """The user goes back from here."""

    class Changed(Said):
        """Something is to be drawn anew."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._painter = Painter(desk.book)
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
        names = Names(lambda: self._book.nameable(self.chat) if self.chat else [])
        yield names
        with Horizontal(id="write"):
            yield Words("❯ ", id="prompt")
            yield Composer(names)
        yield Words(id="mute")

    # ── which chat ───────────────────────────────────────────────────────────────────────────

    def show(self, chat: Chat | None) -> None:
        """Show a chat; what was being written in the one before stays there."""
        if chat is self.chat:
            return
        self.keep_draft()
        if self.chat is not None:
            self.chat.thread = None
        self.chat = chat
        self._desk.client.focus([chat.id] if chat else [])
        self._new_after = None
        if chat is not None:
            self._new_after = chat.read if chat.unread else None
        self._turn()

    def _turn(self) -> None:
        """Something else is shown: begin anew."""
        self._begun = False
        self.messages.show(())
        if self.chat is not None:
            self.composer.write(self.chat.here.draft)

    def keep_draft(self) -> None:
        """What is being written belongs to the chat, or to its thread."""
        if self.chat is not None:
            self.chat.here.draft = self.composer.text

    def on_acting_thread_wanted(self, event: Acting.ThreadWanted) -> None:
        """Show a thread instead of the chat."""
        if self.chat is not None:
            attempt(self, self._open_thread(self.chat, event.root_id))

    async def _open_thread(self, chat: Chat, root_id: str) -> None:
        self.keep_draft()
        await self._desk.open_thread(chat, root_id)
        if chat is self.chat:
            self._new_after = None
            self._turn()
            self.composer.focus()

    def _close_thread(self, chat: Chat) -> None:
        assert chat.thread is not None
        root_id, chat.thread = chat.thread.root_id, None
        self._turn()
        self.draw()
        self.messages.reveal(root_id)
        self.messages.unchoose()

    # ── drawing ──────────────────────────────────────────────────────────────────────────────

    def draw(self) -> None:
        """Show the chat as it is."""
        chat, messages = self.chat, self.messages
        if chat is None:
            return
        self.query_one("#head", Words).say(head(chat, self._book))
        what = "Reply in this thread" if chat.thread else f"Message {chat.title}"
        placeholder = Content(what)
        if placeholder != self.composer.placeholder:
            self.composer.placeholder = placeholder
        typers = [self._book.name(user) for user in sorted(chat.typers)]
        self.query_one("#typing", Words).say(Content(typing(typers)))
        self._draw_about(chat)
        closed = self._book.why_closed(chat)
        self.set_class(bool(closed), "-mute")
        self.query_one("#mute", Words).say(Content(closed))
        columns = messages.columns
        if columns:
            now = datetime.now().astimezone()
            messages.show(self._painter.paint(chat, columns, now, self._new_after))
            stale = chat.thread is None and chat.stale and self._desk.is_live
            if not self._begun and chat.shown.known and not stale:
                self._begun = True
                messages.begin(self._first_new(chat))
        self._draw_newer(chat)
        self._fetch_quotes(chat)
        self.look()

    def _draw_newer(self, chat: Chat) -> None:
        newer = chat.shown.newer or not self.messages.at_end
        self.query_one("#newer").set_class(chat.shown.known and newer, "-shown")

    def _draw_about(self, chat: Chat) -> None:
        about, here = self.query_one("#about", Words), chat.here
        message = here.editing or here.reply_to
        about.set_class(message is not None, "-shown")
        if message is not None:
            name = self._book.called(message.sender_id or "")
            what = "✎ Edit" if here.editing else f"↩ To {name}"
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
        chat = self.chat
        if chat is None or chat.thread is not None:
            return
        if self._begun and looks and self.messages.at_end:
            self._desk.seen(chat)

    # ── reading ──────────────────────────────────────────────────────────────────────────────

    def on_messages_near(self, event: Messages.Near) -> None:
        """More is wanted before or after what is held."""
        chat = self.chat
        if chat is not None and self._desk.is_live:
            if event.older and chat.shown.older:
                attempt(self, self._desk.older(chat), quiet=True)
            elif not event.older and chat.shown.newer:
                attempt(self, self._desk.newer(chat), quiet=True)

    def on_messages_moved(self) -> None:
        """Perhaps the end is in view now."""
        if self.chat is not None:
            self._draw_newer(self.chat)
            self.look()

    def on_messages_newest(self) -> None:
        """To the end of the chat, which may not be held."""
        if self.chat is not None and self.chat.shown.newer:
            attempt(self, self._desk.latest(self.chat))

    def on_messages_chosen(self, event: Messages.Chosen) -> None:
        """Where its quote was pressed: to what it quotes; where its replies: to them."""
        self.show_keys()
        message = self._chosen()
        if event.part == "replies":
            self.action_thread()
        elif event.part == "quote" and message is not None and message.reply_to is not None:
            self.jump(message.reply_to)

    def jump(self, message_id: str) -> None:
        """To a message of the open chat, wherever it is."""
        attempt(self, self._jump(message_id))

    async def _jump(self, message_id: str) -> None:
        if self.chat is not None:
            await self._desk.around(self.chat, message_id)
            if self.chat.thread is not None:
                self.chat.thread = None
                self._turn()
            self._begun = True
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
        elif self.chat is not None and (self.chat.here.reply_to or self.chat.here.editing):
            self._leave_about(self.chat.here)
        elif self.chat is not None and self.chat.thread is not None:
            self.keep_draft()
            self._close_thread(self.chat)
        else:
            self.post_message(self.Left())

    def _leave_about(self, here: Writing) -> None:
        """Neither answer nor change a message any more."""
        if here.editing is not None:
            here.draft = ""
            self.composer.write("")
        here.reply_to = here.editing = None
        self.draw()

    # ── writing ──────────────────────────────────────────────────────────────────────────────

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """The others see that the user types."""
        event.stop()
        chat, text = self.chat, self.composer.text
        if chat is not None and text != chat.here.draft:
            chat.here.draft = text
            self._desk.client.typing(chat.id, bool(text.strip()))
            self.post_message(self.Changed())

    def on_option_list_option_selected(self) -> None:
        """A name was pressed."""
        self.composer.action_complete()

    def on_composer_sent(self) -> None:
        """Send what is written."""
        chat, text = self.chat, self.composer.text.strip()
        if chat is None or not text:
            return
        here = chat.here
        if (edited := here.editing) is not None:
            self._leave_about(here)
            attempt(self, self._desk.edit(chat, edited, text))
            return
        reply_to, here.reply_to, here.draft = here.reply_to, None, ""
        self.composer.write("")
        self._new_after = None
        attempt(self, self._send(chat, here, text, reply_to))

    async def _send(
        self, chat: Chat, here: Writing, text: str, reply_to: AnyMessage | None
    ) -> None:
        root = here.root_id if isinstance(here, Thread) else None
        try:
            await self._desk.send(chat, text, reply_to.id if reply_to else root)
        except (OutboxFull, TooLarge):
            here.reply_to, here.draft = reply_to, text
            if chat is self.chat:
                self.composer.write(text)
            raise
        if chat is self.chat:
            if chat.shown.newer:
                await self._desk.latest(chat)
            self.draw()
            self.messages.action_to_end()
