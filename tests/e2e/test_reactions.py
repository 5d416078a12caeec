"""Reactions on the page: put there, seen, taken away."""

from playwright.sync_api import expect

from tests.e2e.conftest import Newcomer


def test_an_emoji_is_put_to_a_message_and_taken_away(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_chat(bob)
    ann.say("Done!")
    bob.enter("Ann")
    bob.choose("Done!", "React with 🎉")
    hers = ann.message("Done!").locator(".reactions button")
    expect(hers).to_have_text("🎉1")
    expect(hers).to_have_attribute("aria-pressed", "false")
    hers.click()
    expect(hers).to_have_text("🎉2")
    expect(hers).to_have_attribute("aria-pressed", "true")
    his = bob.message("Done!").locator(".reactions button")
    expect(his).to_have_text("🎉2")
    ann.choose("Done!", "Who reacted")
    dialog = ann.page.get_by_role("dialog", name="Who reacted")
    expect(dialog.get_by_role("listitem")).to_have_count(2)
    expect(dialog).to_contain_text("Bob 🎉")
    ann.page.keyboard.press("Escape")
    his.click()
    expect(hers).to_have_text("🎉1")
    hers.click()
    expect(hers).to_have_count(0)
    ann.choose("Done!", "React with ❤️")
    bob.page.reload()
    expect(his).to_have_text("❤️1")
