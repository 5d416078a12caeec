"""Somebody who uses the chat page: what he does, and what he sees."""

import re

from playwright.sync_api import BrowserContext, Locator, Page, ViewportSize, expect

PASSWORD = "correct horse"
EMPTY = "about:blank"
SCREEN: ViewportSize = {"width": 1100, "height": 720}
ICONS = ("Queued", "Sent", "Delivered", "Read")


def leave(*pages: Page) -> None:
    """Close tabs, or what is in them: their connections end, the tabs stay, empty.

    A tab that is closed while it goes somewhere by itself, or its context, may never answer, and
    Playwright then waits for ever; a navigation has a limit.
    """
    for page in pages:
        page.goto(EMPTY)


def vacate(context: BrowserContext) -> None:
    """Leave it to the next person: in one empty tab, and nothing stored.

    A browser whose first tab is open already shows a page in half the time of a new one.
    """
    context.set_offline(False)
    context.clear_cookies()
    page, *others = context.pages
    leave(*others)  # before: they would hear that somebody signed out
    if page.url != EMPTY:
        page.evaluate("localStorage.clear(); sessionStorage.clear()")
        page.goto(EMPTY)
    page.set_viewport_size(SCREEN)


class Person:
    """One browser with its storage; `page` is the tab he looks at."""

    def __init__(self, context: BrowserContext, url: str, name: str, username: str) -> None:
        self.context = context
        self.name = name
        self.username = username
        self.faults: list[str] = []
        self.url = url
        self.page = self.open()

    def open(self, path: str = "/") -> Page:
        """Another tab, or an empty one, which becomes the one he looks at."""
        empty = [page for page in self.context.pages if page.url == EMPTY]
        page = empty[0] if empty else self.context.new_page()
        page.on("pageerror", lambda error: self.faults.append(f"{self.username}: {error}"))
        page.on("console", lambda message: self._console(message.type, message.text))
        page.goto(self.url + path)
        self.page = page
        return page

    def _console(self, kind: str, text: str) -> None:
        if kind == "error" and "Content Security Policy" in text:
            self.faults.append(f"{self.username}: {text}")

    def sign_up(self) -> None:
        form = self.page.locator("#enter-form")
        form.get_by_role("button", name="Sign up").first.click()
        form.get_by_label("User name").fill(self.username)
        form.get_by_label("Your name").fill(self.name)
        form.get_by_label("Password").fill(PASSWORD)
        form.get_by_label("Password").press("Enter")
        self.online()

    def sign_in(self) -> None:
        form = self.page.locator("#enter-form")
        form.get_by_label("User name").fill(self.username)
        form.get_by_label("Password").fill(PASSWORD)
        form.get_by_label("Password").press("Enter")
        self.online()

    def sign_out(self) -> None:
        self.page.get_by_role("button", name="Your account").click()
        self.page.get_by_role("dialog").get_by_role("button", name="Sign out", exact=True).click()

    def online(self) -> None:
        expect(self.page.locator("#app")).to_be_visible()
        expect(self.page.locator("#state")).to_be_hidden()

    def offline(self) -> None:
        expect(self.page.get_by_role("status")).to_have_text("Network error; retrying")

    # ── chats ───────────────────────────────────────────────────────────────────────────────

    def start_chat(self, other: "Person") -> None:
        self.page.get_by_role("button", name="New chat").click()
        dialog = self.page.get_by_role("dialog", name="New chat")
        dialog.get_by_label("User name").fill(other.username)
        dialog.get_by_label("User name").press("Enter")
        expect(self.page.get_by_role("heading", name=other.name)).to_be_visible()

    def start_group(self, title: str, *others: "Person") -> None:
        self.page.get_by_role("button", name="New group").click()
        dialog = self.page.get_by_role("dialog", name="New group")
        dialog.get_by_label("Title").fill(title)
        dialog.get_by_label("User names").fill(", ".join(other.username for other in others))
        dialog.get_by_role("button", name="Create").click()
        expect(self.page.get_by_role("heading", name=title)).to_be_visible()

    def chat(self, name: str) -> Locator:
        """Its line in the list of chats."""
        return self.page.get_by_role("navigation").get_by_role("link", name=name)

    def unread(self, name: str) -> Locator:
        return self.chat(name).locator(".badge")

    def enter(self, name: str) -> None:
        self.chat(name).click()
        expect(self.page.get_by_role("heading", name=name)).to_be_visible()

    # ── messages ────────────────────────────────────────────────────────────────────────────

    @property
    def box(self) -> Locator:
        return self.page.get_by_role("textbox", name="Message")

    def say(self, *texts: str) -> None:
        for text in texts:
            self.box.fill(text)
            self.box.press("Enter")
            expect(self.box).to_have_value("")

    def message(self, text: str) -> Locator:
        says = self.page.locator(".text", has_text=re.compile(f"^{re.escape(text)}$"))
        return self.page.locator("#messages .msg", has=says)

    def sees(self, *texts: str) -> None:
        """Exactly these messages, in this order."""
        expect(self.page.locator("#messages .msg .text")).to_have_text(list(texts))

    def status(self, text: str, status: str) -> None:
        """The ticks of his own message."""
        assert status in ICONS
        expect(self.message(text).locator("svg[role=img]")).to_have_attribute("aria-label", status)

    def choose(self, text: str, what: str) -> None:
        """From the menu of a message."""
        self.message(text).hover()
        self.message(text).get_by_role("button", name="More").click()
        self.page.get_by_role("dialog", name="Message").get_by_role("button", name=what).click()

    def open_thread(self, text: str) -> Locator:
        """Beside the chat, the thread that a message began."""
        self.choose(text, "Open thread")
        thread = self.page.get_by_role("complementary", name="Thread")
        expect(thread.get_by_role("textbox")).to_be_focused()
        return thread

    def choose_in_chat(self, what: str) -> None:
        """From the menu of the open chat."""
        self.page.get_by_role("button", name="More about this chat").click()
        self.page.get_by_role("dialog", name="Chat").get_by_role("button", name=what).click()
