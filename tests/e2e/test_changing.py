"""Messages are edited, deleted and pinned, and both sides see it at once."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Newcomer
from tests.e2e.person import leave


def test_an_edit_a_pin_and_a_deletion(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_chat(bob)
    ann.say("Helo", "Two")
    bob.enter("Ann")
    ann.status("Two", "Read")
    ann.choose("Helo", "Edit")
    expect(ann.box).to_have_value("Helo")
    ann.say("Hello")
    bob.sees("Hello", "Two")
    expect(bob.message("Hello").locator(".meta")).to_contain_text("edited")
    ann.status("Hello", "Read")

    bob.choose("Hello", "Pin")
    expect(ann.message("Hello").locator(".meta")).to_contain_text("pinned")
    ann.choose_in_chat("Pinned messages")
    pins = ann.page.get_by_role("dialog", name="Pinned messages")
    pins.get_by_role("button", name="You Hello").click()
    expect(pins).to_be_hidden()
    expect(ann.message("Hello")).to_be_in_viewport()
    ann.choose("Hello", "Earlier versions")
    versions = ann.page.get_by_role("dialog", name="Earlier versions")
    expect(versions.get_by_role("listitem")).to_contain_text("Helo")
    ann.page.keyboard.press("Escape")
    bob.choose("Hello", "Unpin")
    expect(ann.message("Hello").locator(".meta")).not_to_contain_text("pinned")

    ann.choose("Two", "Delete for everyone")
    bob.sees("Hello", "Message deleted")
    expect(bob.chat("Ann").locator(".says")).to_have_text("Message deleted")
    expect(bob.message("Message deleted").get_by_role("button")).to_have_count(0)
    bob.page.reload()
    bob.sees("Hello", "Message deleted")


def test_what_one_may_not_is_not_offered(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_group("Tea", bob)
    ann.say("Mine")
    bob.enter("Tea")
    bob.message("Mine").hover()
    bob.message("Mine").get_by_role("button", name="More").click()
    offered = bob.page.locator("#choices > button")
    expect(offered).to_have_text(["Reply", "Open thread", "Forward", "Delete for me"])
    bob.page.keyboard.press("Escape")
    bob.say("His")
    ann.message("His").hover()
    ann.message("His").get_by_role("button", name="More").click()
    offered = ann.page.locator("#choices > button")
    expect(offered).to_have_text(
        ["Reply", "Open thread", "Forward", "Pin", "Delete for everyone", "Delete for me"]
    )


@pytest.mark.slow
def test_what_one_deletes_for_oneself_others_keep(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_chat(bob)
    ann.say("One", "Two", "Three")
    expect(bob.unread("Ann")).to_have_text("3")
    bob.enter("Ann")
    first = bob.page
    tab = bob.open(first.url.partition(bob.url)[2])
    bob.sees("One", "Two", "Three")
    bob.choose("Three", "Delete for me")
    bob.sees("One", "Two")
    expect(bob.chat("Ann").locator(".says")).to_have_text("Two")
    bob.page = first
    bob.sees("One", "Two")
    leave(tab)
    ann.sees("One", "Two", "Three")
    ann.say("Four")
    bob.sees("One", "Two", "Four")
    bob.page.reload()
    bob.sees("One", "Two", "Four")
