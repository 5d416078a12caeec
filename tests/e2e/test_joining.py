"""Groups that change, and people who come in by themselves."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.conftest import Newcomer
from tests.e2e.person import Person


def settings(person: Person) -> Locator:
    person.page.get_by_role("button", name="Group settings").click()
    return person.page.get_by_role("dialog", name="Group settings")


def test_a_title_changes_for_everybody_at_once(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_group("Choir", bob)
    bob.enter("Choir")
    expect(bob.page.get_by_role("button", name="Group settings")).to_be_hidden()
    form = settings(ann)
    form.get_by_label("Title").fill("Quartet")
    form.get_by_label("Who writes").select_option("admins")
    form.get_by_role("button", name="Save").click()
    for person in (ann, bob):
        expect(person.page.get_by_role("heading", name="Quartet")).to_be_visible()
        expect(person.chat("Quartet")).to_be_visible()
    expect(bob.page.locator("li.system")).to_have_text(
        "Ann named the group “Quartet” and let only admins write"
    )
    expect(bob.box).to_be_hidden()
    expect(bob.page.get_by_text("Only owners and admins write in this group.")).to_be_visible()
    ann.say("Tonight at eight")
    bob.sees("Tonight at eight")
    form = settings(ann)
    form.get_by_label("Who writes").select_option("all")
    form.get_by_label("Title").fill("")
    form.get_by_role("button", name="Save").click()
    bob.say("I come")
    ann.sees("Tonight at eight", "I come")
    expect(bob.page.locator("li.system").last).to_have_text(
        "Ann took the title away and let everybody write"
    )


@pytest.mark.slow
def test_an_owner_gives_roles_and_hands_over(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_group("Chess", bob)
    bob.enter("Chess")
    ann.page.get_by_role("button", name="Members").click()
    role = ann.page.get_by_label("Role of Bob")
    for name in ("admin", "owner"):
        role.select_option(name)
        expect(bob.page.locator("li.system").last).to_have_text(f"Ann made you {name}")
    bob.page.get_by_role("button", name="Members").click()
    bob.page.get_by_label("Role of Ann").select_option("member")
    expect(ann.page.locator("li.system").last).to_have_text("Bob made you member")
    expect(role).to_have_count(0)
    expect(ann.page.get_by_text(f"@{bob.username}, owner")).to_be_visible()


@pytest.mark.slow
def test_slow_mode_holds_up_one_group_alone(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_group("Debate", bob)
    form = settings(ann)
    form.get_by_label("Slow mode").select_option("3600")
    form.get_by_role("button", name="Save").click()
    bob.enter("Debate")
    expect(bob.page.locator("li.system")).to_have_text("Ann set slow mode to an hour")
    bob.say("First", "Second")
    expect(bob.page.locator("#toast")).to_contain_text("Slow mode: one message every 3600 s")
    bob.status("Second", "Queued")
    bob.start_chat(ann)
    bob.say("Let me speak!")
    bob.status("Let me speak!", "Delivered")
    form = settings(ann)
    form.get_by_label("Slow mode").select_option("0")
    form.get_by_role("button", name="Save").click()
    ann.sees("First")


def test_a_link_leads_into_the_group(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_group("Book club", ann)
    form = settings(ann)
    form.get_by_role("button", name="New link").click()
    link = form.get_by_label("Invite link")
    expect(link).to_have_value(re.compile("/#join=.+"))
    path = "/#join=" + link.input_value().partition("#join=")[2]
    form.get_by_role("button", name="Cancel").click()

    bob.open(path)
    asked = bob.page.get_by_role("dialog", name="Book club")
    expect(asked.get_by_text("Ann invites you. 1 member.")).to_be_visible()
    asked.get_by_role("button", name="Join").click()
    expect(bob.page.get_by_role("heading", name="Book club")).to_be_visible()
    assert "join=" not in bob.page.url
    bob.say("hello")
    ann.sees("hello")
    expect(ann.page.locator("li.system")).to_have_text("Bob joined by an invite from you")

    ann.page.get_by_role("button", name="Members").click()
    ann.page.get_by_role("button", name="Remove Bob").click()
    expect(bob.chat("Book club")).to_have_count(0)
    bob.open(path)
    bob.online()
    expect(bob.page.locator("#toast")).to_contain_text("This invite is not good")


def test_a_public_group_is_found_and_joined(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_group(f"Hikers of {ann.username}", ann)
    form = settings(ann)
    form.get_by_label("Description").fill("Every Sunday")
    form.get_by_label("The group is").select_option("public")
    form.get_by_role("button", name="Save").click()
    expect(ann.page.locator("li.system")).to_have_text(
        "You changed the description and made the group public"
    )
    bob.page.get_by_role("button", name="Find a group").click()
    found = bob.page.get_by_role("dialog", name="Public groups")
    found.get_by_label("What about").fill(f"hikers OF {ann.username}")
    found.get_by_role("button", name="Search").click()
    expect(found.get_by_role("listitem")).to_have_count(1)
    expect(found.get_by_text("1 member · Every Sunday")).to_be_visible()
    found.get_by_role("button", name=f"Join Hikers of {ann.username}").click()
    expect(bob.page.get_by_role("heading", name="Hikers")).to_be_visible()
    bob.say("hello")
    ann.sees("hello")
    ann.page.once("dialog", lambda dialog: dialog.accept())
    ann.page.get_by_role("button", name="Members").click()
    ann.page.get_by_role("button", name="Leave the group").click()
    expect(bob.page.locator("li.system").last).to_have_text("Ann left; you are owner now")
