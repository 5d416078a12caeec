"""Two people talk in two browsers."""

from playwright.sync_api import expect

from tests.e2e.conftest import Newcomer
from tests.e2e.person import leave


def test_ticks_go_from_sent_to_delivered_to_read(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    leave(bob.page)
    ann.start_chat(bob)
    ann.say("Are you there?")
    ann.status("Are you there?", "Sent")

    bob.open()
    ann.status("Are you there?", "Delivered")
    expect(bob.unread("Ann")).to_have_text("1")

    bob.enter("Ann")
    ann.status("Are you there?", "Read")
    expect(bob.unread("Ann")).to_have_count(0)
    bob.sees("Are you there?")


def test_they_talk(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_chat(bob)
    ann.say("one", "two")
    bob.enter("Ann")
    bob.say("three")
    ann.sees("one", "two", "three")
    ann.say("four\nand a second line")
    bob.sees("one", "two", "three", "four\nand a second line")
    ann.status("two", "Read")
    bob.status("three", "Read")


def test_typing_is_seen_and_ends_with_the_message(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_chat(bob)
    ann.say("Hello")
    bob.enter("Ann")
    bob.box.press_sequentially("Hel")
    expect(ann.page.locator("#room-hint")).to_have_text("typing…")
    bob.box.press("Enter")
    ann.sees("Hello", "Hel")
    expect(ann.page.locator("#room-hint")).to_have_text(f"@{bob.username} · online")


def test_a_reply_quotes_and_leads_back(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_chat(bob)
    ann.say("Tea or coffee?")
    bob.enter("Ann")
    bob.message("Tea or coffee?").hover()
    bob.message("Tea or coffee?").get_by_role("button", name="Reply").click()
    bob.say("Tea, please.")
    quote = ann.message("Tea, please.").locator(".quote")
    expect(quote).to_have_text("YouTea or coffee?")
    quote.click()
    expect(ann.page.locator(".flash .text")).to_have_text("Tea or coffee?")


def test_what_looks_like_code_is_text(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    texts = (
        "<script>window.harm = 1</script>",
        '<img src=x onerror="window.harm = 1">',
        "javascript:window.harm=1",
        "see https://example.org/a?b=c&d=<b>.",
    )
    ann.start_chat(bob)
    ann.say(*texts)
    bob.enter("Ann")
    bob.sees(*texts)
    links = bob.page.locator("#messages a")
    expect(links).to_have_count(1)
    expect(links).to_have_attribute("href", "https://example.org/a?b=c&d=")
    assert bob.page.evaluate("window.harm") is None
    assert bob.page.locator("#messages :is(script, img, b)").count() == 0


def test_it_is_read_only_when_somebody_looks(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_chat(bob)
    ann.say("first")
    bob.enter("Ann")
    ann.status("first", "Read")
    bob.page.evaluate("document.hasFocus = () => false")  # another window covers this one
    ann.say("second")
    ann.status("second", "Delivered")
    expect(bob.unread("Ann")).to_have_text("1")
    bob.page.evaluate("delete document.hasFocus; window.dispatchEvent(new Event('focus'))")
    ann.status("second", "Read")
    expect(bob.unread("Ann")).to_have_count(0)
