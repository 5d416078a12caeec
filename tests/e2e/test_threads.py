"""Threads beside the chat, and messages that are forwarded."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Newcomer


def test_a_thread_beside_the_chat(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_group("Build", bob)
    ann.say("Shall we ship?", "Lunch?")
    bob.enter("Build")
    thread = bob.open_thread("Shall we ship?")
    expect(thread.locator(".text")).to_have_text(["Shall we ship?"])
    reply = thread.get_by_role("textbox", name="Reply")
    for text in ("Tests first", "Then yes"):
        reply.fill(text)
        reply.press("Enter")
    expect(thread.locator(".text")).to_have_text(["Shall we ship?", "Tests first", "Then yes"])
    bob.sees("Shall we ship?", "Lunch?", "Tests first", "Then yes")

    counted = ann.message("Shall we ship?").get_by_role("button", name="2 replies")
    counted.click()
    beside = ann.page.get_by_role("complementary", name="Thread")
    expect(beside.locator(".text")).to_have_text(["Shall we ship?", "Tests first", "Then yes"])
    beside.get_by_role("textbox", name="Reply").fill("Green")
    beside.get_by_role("button", name="Send the reply").click()
    expect(thread.locator(".text").last).to_have_text("Green")
    expect(bob.message("Shall we ship?").get_by_role("button", name="3 replies")).to_be_visible()

    ann.page.reload()
    expect(beside.locator(".text")).to_have_count(4)
    ann.page.keyboard.press("Escape")
    expect(beside).to_be_hidden()
    expect(ann.page.locator("#room")).to_be_visible()
    expect(ann.message("Shall we ship?").get_by_role("button", name="3 replies")).to_be_visible()
    ann.page.go_back()
    expect(beside).to_be_visible()


@pytest.mark.slow
def test_a_reply_from_the_chat_comes_into_the_open_thread(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_chat(bob)
    ann.say("One")
    bob.enter("Ann")
    thread = bob.open_thread("One")
    ann.choose("One", "Reply")
    ann.say("Two")
    expect(thread.locator(".text")).to_have_text(["One", "Two"])
    ann.choose("Two", "Edit")
    ann.say("Two!")
    expect(thread.locator(".text")).to_have_text(["One", "Two!"])
    bob.page.set_viewport_size({"width": 390, "height": 780})
    expect(thread).to_be_visible()
    box = thread.bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (390, 780)
    thread.get_by_role("button", name="Close the thread").click()
    bob.sees("One", "Two!")


def test_a_message_is_forwarded_with_the_name_of_its_author(newcomer: Newcomer) -> None:
    ann, bob, cleo = newcomer("Ann"), newcomer("Bob"), newcomer("Cleo")
    ann.start_chat(bob)
    ann.say("The gate is open until ten")
    bob.start_chat(cleo)
    bob.enter("Ann")
    bob.choose("The gate is open until ten", "Forward")
    dialog = bob.page.get_by_role("dialog", name="Forward to")
    dialog.get_by_role("searchbox").fill("cle")
    expect(dialog.get_by_role("listitem")).to_have_count(1)
    dialog.get_by_role("button", name="Cleo").click()
    expect(bob.page.get_by_role("heading", name="Cleo")).to_be_visible()
    bob.status("The gate is open until ten", "Delivered")
    for person, chat in ((bob, "Cleo"), (cleo, "Bob")):
        person.enter(chat)
        copy = person.message("The gate is open until ten")
        expect(copy.locator(".forwarded")).to_have_text("Forwarded from Ann")
    bob.message("The gate is open until ten").hover()
    bob.message("The gate is open until ten").get_by_role("button", name="More").click()
    offered = bob.page.locator("#choices > button")
    expect(offered.filter(has_text=re.compile("Edit"))).to_have_count(0)
