"""Groups: three people, who come and go."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Newcomer


def test_three_people(newcomer: Newcomer) -> None:
    ann, bob, cleo = newcomer("Ann"), newcomer("Bob"), newcomer("Cleo")
    ann.start_group("Picnic", bob, cleo)
    ann.say("Who brings what?")
    ann.status("Who brings what?", "Delivered")
    bob.enter("Picnic")
    bob.say("Bread")
    ann.status("Who brings what?", "Delivered")
    cleo.enter("Picnic")
    cleo.say("Cheese")
    ann.status("Who brings what?", "Read")
    bob.status("Bread", "Read")
    for person in (ann, bob, cleo):
        person.sees("Who brings what?", "Bread", "Cheese")
    expect(bob.message("Cheese").locator(".sender")).to_have_text("Cleo")


@pytest.mark.slow
def test_people_come_and_go(newcomer: Newcomer) -> None:
    ann, bob, cleo = newcomer("Ann"), newcomer("Bob"), newcomer("Cleo")
    ann.start_group("Choir", bob)
    ann.say("only for Bob")
    expect(bob.chat("Choir")).to_be_visible()
    expect(cleo.chat("Choir")).to_have_count(0)

    ann.page.get_by_role("button", name="Members").click()
    members = ann.page.get_by_role("dialog", name="Members")
    members.get_by_label("Add people").fill(cleo.username)
    members.get_by_role("button", name="Add", exact=True).click()
    expect(members.get_by_role("listitem")).to_have_count(3)
    cleo.enter("Choir")
    cleo.say("hello")
    ann.page.keyboard.press("Escape")
    ann.sees("only for Bob", "hello")
    cleo.sees("hello")
    expect(ann.page.locator("li.system")).to_have_text("You added Cleo")

    ann.page.get_by_role("button", name="Members").click()
    members.get_by_role("button", name="Remove Bob").click()
    expect(members.get_by_role("listitem")).to_have_count(2)
    expect(bob.chat("Choir")).to_have_count(0)
    ann.page.keyboard.press("Escape")
    ann.say("without Bob", "and without him")
    ann.page.get_by_role("button", name="Members").click()
    members.get_by_label("Add people").fill(bob.username)
    members.get_by_role("button", name="Add", exact=True).click()
    expect(bob.chat("Choir")).to_contain_text("added you")
    expect(bob.unread("Choir")).to_have_count(0)
    ann.page.keyboard.press("Escape")
    ann.say("with Bob again")
    expect(bob.unread("Choir")).to_have_text("1")

    cleo.page.once("dialog", lambda dialog: dialog.accept())
    cleo.page.get_by_role("button", name="Members").click()
    cleo.page.get_by_role("button", name="Leave the group").click()
    expect(cleo.chat("Choir")).to_have_count(0)
    expect(cleo.page.locator("#room")).to_be_hidden()
    expect(ann.page.locator("li.system").last).to_have_text("Cleo left")
    ann.say("alone")
    ann.status("alone", "Delivered")


def test_who_was_put_out_and_back_while_offline_has_only_what_is_new(newcomer: Newcomer) -> None:
    """The state of the page by itself: before anything is asked of the server."""
    counts = newcomer("Ann").page.evaluate("""async () => {
        const { Session } = await import("/static/session.js");
        const session = new Session({id: "ann"}, 1, {arrived() {}, lost() {}, acked() {}});
        const message = (seq, number, rest = {}) => ({type: "message", id: `msg_${seq}`,
          chat_id: "choir", seq, rev: seq, number, sender_id: "bob", content: "", ...rest});
        session.chat({id: "choir", seq: 6, chat_type: "group", role: "member", member_count: 3,
          last_message: message(6, 6), read: 2, unread: 4});
        session.frame({type: "caught_up", positions: {}}, 0);
        session.frame(message(7, 7, {mentions: ["ann"]}), 0);
        const chat = session.chats.get("choir");
        const told = [[session.unread(chat), chat.mentions.count]];
        session.lost();
        session.frame({type: "me", rev: 2, kind: "chat", chat_id: "choir", joined_seq: 20,
          read: 19}, 0);
        session.frame(message(20, 18, {message_type: "system",
          system: {kind: "members_added", by: "bob", user_ids: ["ann"], count: 1}}), 0);
        session.frame(message(21, 19), 0);
        told.push([session.unread(chat), chat.mentions.count]);
        session.frame({type: "caught_up", positions: {choir: 21}}, 0);
        session.frame(message(22, 20), 0);
        session.markRead(chat, 21);
        told.push([session.unread(chat), chat.read, session.wants.chats.has("choir")]);
        return told;
    }""")
    assert counts == [[5, 1], [1, 0], [1, 21, True]]


def test_an_unknown_name_is_said(newcomer: Newcomer) -> None:
    ann = newcomer("Ann")
    ann.page.get_by_role("button", name="New chat").click()
    dialog = ann.page.get_by_role("dialog", name="New chat")
    dialog.get_by_label("User name").fill("nobody")
    dialog.get_by_label("User name").press("Enter")
    expect(dialog.get_by_role("alert")).to_have_text("There is nobody with the user name nobody.")
    ann.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
