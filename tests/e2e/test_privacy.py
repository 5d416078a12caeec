"""Blocks, and what one shows of oneself, on the page."""

from playwright.sync_api import expect

from tests.e2e.conftest import Newcomer
from tests.e2e.person import Person


def test_who_is_blocked_cannot_write(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_chat(bob)
    ann.say("Hello")
    bob.enter("Ann")
    ann.choose_in_chat("Block Bob")
    expect(ann.page.get_by_text("You have blocked Bob.")).to_be_visible()
    expect(ann.box).to_be_hidden()
    bob.box.fill("Ann?")
    bob.box.press("Enter")
    expect(bob.page.get_by_text("You cannot write to Ann.")).to_be_visible()
    expect(bob.box).to_be_hidden()
    expect(bob.message("Ann?")).to_contain_text("Not sent:")

    ann.page.reload()
    expect(ann.page.get_by_text("You have blocked Bob.")).to_be_visible()
    ann.page.get_by_role("button", name="Unblock").click()
    ann.say("Sorry")
    expect(bob.box).to_be_visible()
    bob.message("Ann?").get_by_role("button", name="Try again").click()
    ann.sees("Hello", "Sorry", "Ann?")


def account(person: Person, what: str, choice: str) -> None:
    """Choose something in the dialog of one's account, and save it."""
    person.page.get_by_role("button", name="Your account").click()
    dialog = person.page.get_by_role("dialog", name=person.name)
    if choice in ("on", "off"):
        dialog.get_by_label(what).set_checked(choice == "on")
    elif what == "Your name":
        dialog.get_by_label(what).fill(choice)
    else:
        dialog.get_by_label(what).select_option(choice)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()


def test_what_one_shows_is_ones_own_choice(newcomer: Newcomer) -> None:
    ann, bob, cleo = newcomer("Ann"), newcomer("Bob"), newcomer("Cleo")
    ann.start_chat(bob)
    hint = ann.page.locator("#room-hint")
    expect(hint).to_have_text(f"@{bob.username} · online")
    account(bob, "Last seen", "off")
    expect(hint).to_have_text(f"@{bob.username}")
    account(bob, "Last seen", "on")
    expect(hint).to_have_text(f"@{bob.username} · online")

    account(bob, "Who may begin to write to you", "contacts")
    cleo.page.get_by_role("button", name="New chat").click()
    dialog = cleo.page.get_by_role("dialog", name="New chat")
    dialog.get_by_label("User name").fill(bob.username)
    dialog.get_by_label("User name").press("Enter")
    expect(dialog.get_by_role("alert")).to_be_visible()


def test_ones_name_is_ones_own_choice(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_chat(bob)
    ann.say("Hello")
    account(ann, "Your name", "Anna Livia")
    expect(ann.page.locator("#my-name")).to_have_text(f"Anna Livia · @{ann.username}")
    bob.page.reload()
    bob.enter("Anna Livia")


def test_another_session_is_ended_from_here(newcomer: Newcomer) -> None:
    ann = newcomer("Ann")
    token = ann.page.evaluate("""async ({username, password}) => (await (await fetch(
        "/api/v1/auth/login", {method: "POST", headers: {"Content-Type": "application/json"},
        body: JSON.stringify({username, password})})).json()).token""",
        {"username": ann.username, "password": "correct horse"},
    )  # fmt: skip
    ann.page.get_by_role("button", name="Your account").click()
    sessions = ann.page.locator("#sessions").get_by_role("listitem")
    expect(sessions).to_have_count(2)
    expect(sessions.filter(has_text="this one")).to_have_text("Chrome on Linuxthis one")
    ann.page.get_by_role("button", name="Sign out Chrome on Linux").click()
    expect(sessions).to_have_count(1)
    status = ann.page.evaluate(
        """async (token) => (await fetch("/api/v1/me",
        {headers: {Authorization: `Bearer ${token}`}})).status""",
        token,
    )
    assert status == 401
