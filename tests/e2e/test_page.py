"""The page itself: links that invite, long histories, narrow screens, the keyboard."""

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Newcomer
from tests.e2e.person import PASSWORD, Person, leave
from tests.support.server import ServerProcess

POST = """async ([chat, from, to]) => {
  const { token } = JSON.parse(localStorage.getItem("hubbub.session"));
  for (let i = from; i < to; i += 1) {
    const answer = await fetch("/api/v1/messages", { method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ chat_id: chat, content: `message ${i}` }) });
    if (!answer.ok) throw new Error(await answer.text());
  }
}"""


UNLIMITED = {"HUBBUB_LIMITS_MESSAGES_PER_SECOND": "0"}


def post(person: Person, start: int, end: int) -> None:
    chat = person.page.evaluate("location.hash.slice(1)")
    person.page.evaluate(POST, [chat, start, end])


@pytest.mark.parametrize("link", ["/{fragment}", pytest.param("/?{code}", marks=pytest.mark.slow)])
def test_a_link_fills_in_its_code(browser: Browser, own: ServerProcess, link: str) -> None:
    context = browser.new_context()
    code = own.admin_fragment.removeprefix("#")
    ann = Person(context, own.url, "Ann", "ann")
    leave(ann.page)
    ann.open(link.format(code=code, fragment=own.admin_fragment))
    expect(ann.page.get_by_label("Invite code")).to_have_value(code.removeprefix("invite="))
    assert ann.page.url == f"{own.url}/"
    form = ann.page.locator("#enter-form")
    form.get_by_label("User name").fill("ann")
    form.get_by_label("Password").fill(PASSWORD)
    form.get_by_label("Password").press("Enter")
    ann.online()
    session = ann.page.evaluate("JSON.parse(localStorage.getItem('hubbub.session'))")
    assert session["user"]["is_admin"] is True
    leave(ann.page)


def test_a_wrong_password_is_said(newcomer: Newcomer) -> None:
    ann = newcomer("Ann")
    ann.sign_out()
    form = ann.page.locator("#enter-form")
    form.get_by_label("User name").fill(ann.username)
    form.get_by_label("Password").fill("something else")
    form.get_by_role("button", name="Sign in").last.click()
    expect(form.get_by_role("alert")).to_be_visible()
    form.get_by_label("Password").fill(PASSWORD)
    form.get_by_role("button", name="Sign in").last.click()
    ann.online()


@pytest.mark.slow
@pytest.mark.parametrize("own", [UNLIMITED], indirect=True)
def test_scrolling_up_and_down_a_long_history(own: ServerProcess, newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_chat(bob)
    post(ann, 0, 420)
    bob.enter("Ann")
    scroll = bob.page.locator("#scroll")
    expect(bob.page.locator("li.unread")).to_be_attached()
    bob.page.get_by_role("button", name="To the newest message").click()
    expect(bob.message("message 419")).to_be_visible()
    shown = bob.page.locator("#messages .msg")
    while not bob.page.get_by_text("message 0", exact=True).count():
        oldest = shown.first.inner_text()
        scroll.evaluate("view => { view.scrollTop = 0; }")
        expect(shown.first).not_to_have_text(oldest)
        assert shown.count() <= 300
    expect(bob.page.get_by_text("message 0", exact=True)).to_be_attached()
    ann.say("the very newest")
    bob.page.get_by_role("button", name="To the newest message").click()
    expect(bob.message("the very newest")).to_be_visible()
    ann.status("the very newest", "Read")
    texts = bob.page.locator("#messages .msg .text").all_inner_texts()
    assert texts[:-1] == [f"message {i}" for i in range(420 - len(texts) + 1, 420)]


def test_a_press_counts_though_its_line_changes(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_chat(bob)
    ann.say("first")
    expect(bob.unread("Ann")).to_have_text("1")
    bob.chat("Ann").hover()
    bob.page.mouse.down()
    ann.say("second")
    expect(bob.unread("Ann")).to_have_text("2")
    bob.page.mouse.up()
    bob.sees("first", "second")


def test_a_narrow_screen(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    bob.start_chat(ann)
    bob.say("a" * 300)
    ann.page.set_viewport_size({"width": 375, "height": 667})
    expect(ann.page.locator("#room")).to_be_hidden()
    ann.enter("Bob")
    expect(ann.page.locator("#side")).to_be_hidden()
    wider = "document.documentElement.scrollWidth > innerWidth || scroll.scrollWidth > innerWidth"
    assert ann.page.evaluate(f"const scroll = document.querySelector('#scroll'); {wider}") is False
    ann.page.get_by_role("button", name="Back to the chats").click()
    expect(ann.chat("Bob")).to_be_visible()
    ann.page.go_back()
    expect(ann.page.locator("#room")).to_be_visible()


@pytest.mark.slow
def test_the_keyboard_is_enough(newcomer: Newcomer) -> None:
    ann = newcomer("Ann")
    ann.start_chat(newcomer("Bob"))
    ann.box.press_sequentially("one")
    ann.box.press("Shift+Enter")
    ann.box.press_sequentially("two")
    ann.box.press("Enter")
    ann.sees("one\ntwo")
    ann.page.keyboard.press("Escape")
    expect(ann.page.locator("#room")).to_be_hidden()
    ann.chat("Bob").press("Enter")
    expect(ann.box).to_be_focused()
