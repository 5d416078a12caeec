"""Who is named with an @ sees it: while it is written, in the list of chats, and in the text."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Newcomer


def test_a_name_is_completed_and_calls_whom_it_names(newcomer: Newcomer) -> None:
    ann, bob, cleo = newcomer("Ann"), newcomer("Bob"), newcomer("Cleo")
    ann.start_group("Picnic", bob, cleo)
    expect(bob.chat("Picnic")).to_be_visible()
    names = ann.page.get_by_role("listbox", name="People to mention").get_by_role("option")
    ann.box.press_sequentially("Who drives? @")
    expect(names).to_have_count(3)
    ann.box.press_sequentially("cl")
    expect(names).to_have_text([f"CCleo@{cleo.username}"])
    ann.box.press("Escape")
    expect(names).to_have_count(0)
    ann.box.fill("Who drives? ")
    ann.box.press_sequentially("@")
    expect(names).to_have_count(3)
    for key in ("ArrowDown", "ArrowUp", "ArrowUp", "ArrowUp"):
        ann.box.press(key)
    expect(ann.page.get_by_role("option", selected=True)).to_contain_text("Cleo")
    ann.box.press("ArrowUp")
    ann.box.press("Enter")
    expect(ann.box).to_have_value(f"Who drives? @{bob.username} ")
    ann.box.press("Enter")
    text = f"Who drives? @{bob.username}"
    ann.sees(text)

    expect(bob.chat("Picnic").get_by_label("1 mention")).to_be_visible()
    expect(cleo.unread("Picnic")).to_have_text("1")
    expect(cleo.chat("Picnic").get_by_label("mention")).to_have_count(0)
    bob.page.reload()
    expect(bob.chat("Picnic").get_by_label("1 mention")).to_be_visible()
    bob.enter("Picnic")
    expect(bob.message(text).locator(".mention.me")).to_have_text(f"@{bob.username}")
    expect(bob.chat("Picnic").get_by_label("mention")).to_have_count(0)
    cleo.enter("Picnic")
    expect(cleo.message(text).locator(".mention")).to_have_text(f"@{bob.username}")
    expect(cleo.message(text).locator(".mention.me")).to_have_count(0)


@pytest.mark.slow
def test_everybody_is_named_and_a_deleted_message_calls_nobody(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_group("Choir", bob)
    ann.say("@all at eight!", "or @allan at nine")
    expect(bob.chat("Choir").get_by_label("1 mention")).to_be_visible()
    ann.choose("@all at eight!", "Delete for everyone")
    expect(bob.chat("Choir").get_by_label("mention")).to_have_count(0)
    expect(bob.unread("Choir")).to_have_text("2")
    for before, after, mentions in (
        ("or @allan at nine", f"at ten, @{bob.username}!", 1),
        (f"at ten, @{bob.username}!", f"@{bob.username}, at eleven", 1),
        (f"@{bob.username}, at eleven", "at twelve", 0),
    ):
        ann.choose(before, "Edit")
        ann.box.fill(after)
        ann.box.press("Enter")
        expect(bob.chat("Choir")).to_contain_text(after)
        expect(bob.chat("Choir").get_by_label("1 mention")).to_have_count(mentions)


def test_an_edit_names_whom_it_says_and_whom_no_text_named(newcomer: Newcomer) -> None:
    edit = """async ([message, text]) => JSON.parse(JSON.stringify((await import(
        "/static/mentions.js")).namedAnew(message, text, [{id: "1", username: "ann"},
        {id: "2", username: "bob"}])))"""
    page = newcomer("Ann").page
    message = {"content": "@ann and @far", "mentions": ["1", "9"]}  # nobody knows 9's name here
    assert page.evaluate(edit, [message, "@ann!"]) == {}
    assert page.evaluate(edit, [message, "nobody"]) == {"mentions": ["9"]}
    assert page.evaluate(edit, [message, "@bob @all"]) == {
        "mentions": ["9", "2"],
        "mention_all": True,
    }
    everybody = {"content": "@all", "mention_all": True}
    assert page.evaluate(edit, [everybody, "@All!"]) == {}
    assert page.evaluate(edit, [everybody, "@ann"]) == {"mentions": ["1"], "mention_all": False}


def test_a_muted_chat_disturbs_only_by_name(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_group("News", bob)
    bob.enter("News")
    bob.choose_in_chat("Mute for 8 hours")
    expect(bob.chat("News").get_by_label("muted")).to_be_visible()
    bob.page.get_by_role("button", name="Your account").focus()
    bob.page.goto(bob.page.url.partition("#")[0])
    ann.say("nothing much")
    expect(bob.unread("News")).to_have_text("1")
    expect(bob.page).to_have_title("Hubbub")
    ann.say(f"@{bob.username} something")
    expect(bob.page).to_have_title("(1) Hubbub")
    bob.enter("News")
    bob.choose_in_chat("Unmute")
    expect(bob.chat("News").get_by_label("muted")).to_have_count(0)


@pytest.mark.slow
def test_one_gets_to_the_next_message_that_names_one(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_group("Long", bob)
    ann.say(*(f"line {number}" for number in range(30)))
    ann.say(f"@{bob.username} here", *(f"more {number}" for number in range(30)))
    expect(bob.unread("Long")).to_have_text("61")
    bob.enter("Long")
    named = bob.message(f"@{bob.username} here")
    expect(named).not_to_be_in_viewport()
    jump = bob.page.get_by_role("button", name="To the next message that mentions you")
    jump.click()
    expect(named).to_be_in_viewport()
    expect(jump).to_be_hidden()
    expect(bob.chat("Long").get_by_label("mention")).to_have_count(0)
