"""People go and come back: without a network, without a window, without a server."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Newcomer
from tests.e2e.person import leave
from tests.support.server import ServerProcess


def test_offline_and_back(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_chat(bob)
    ann.say("before")
    bob.enter("Ann")
    bob.sees("before")

    bob.context.set_offline(True)
    bob.offline()
    bob.say("from the tunnel 1", "from the tunnel 2")
    bob.status("from the tunnel 2", "Queued")
    ann.say("meanwhile 1", "meanwhile 2")
    ann.status("meanwhile 2", "Sent")

    bob.context.set_offline(False)
    bob.online()
    everything = ("before", "meanwhile 1", "meanwhile 2", "from the tunnel 1", "from the tunnel 2")
    bob.sees(*everything)
    ann.sees(*everything)
    ann.status("meanwhile 2", "Read")
    bob.status("from the tunnel 2", "Read")


def test_receipts_missed_offline_are_there_afterwards(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_chat(bob)
    ann.say("look at this")
    ann.status("look at this", "Delivered")
    ann.context.set_offline(True)
    ann.offline()
    bob.enter("Ann")
    expect(bob.unread("Ann")).to_have_count(0)
    bob.say("seen")
    bob.status("seen", "Sent")
    ann.context.set_offline(False)
    ann.sees("look at this", "seen")
    ann.status("look at this", "Read")


def test_a_closed_window_finds_everything_in_order(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_chat(bob)
    ann.say("0")
    bob.enter("Ann")
    ann.status("0", "Read")
    leave(bob.page)
    ann.say("1", "2", "3")
    ann.status("3", "Sent")

    bob.open()
    bob.online()
    expect(bob.unread("Ann")).to_have_text("3")
    bob.enter("Ann")
    bob.sees("0", "1", "2", "3")
    expect(bob.page.locator("li.unread + li .text")).to_have_text("1")
    ann.status("3", "Read")


def test_the_server_is_killed_under_the_page(own: ServerProcess, newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_chat(bob)
    ann.say("0")
    bob.enter("Ann")
    texts = ["0"]
    for round_ in range(2):
        for i in range(12):
            if i == 6:
                own.crash()
            texts.append(f"{round_}-{i}")
            ann.say(texts[-1])
        ann.offline()
        bob.offline()
        own.start()
        ann.online()
        bob.online()
        bob.sees(*texts)
        ann.sees(*texts)
    ann.status("1-11", "Read")
    bob.say("all there")
    ann.sees(*texts, "all there")


def test_signed_out_elsewhere(newcomer: Newcomer) -> None:
    ann = newcomer("Ann")
    first = ann.page
    ann.open()
    ann.online()
    ann.sign_out()
    for page in (first, ann.page):
        expect(page.get_by_role("heading", name="Welcome to Hubbub")).to_be_visible()
    assert ann.page.evaluate("Object.keys(localStorage)") == []
    ann.sign_in()


@pytest.mark.parametrize("own", [{"HUBBUB_REPLAY_PER_CHAT": "5"}], indirect=True)
def test_more_was_missed_than_is_pushed(own: ServerProcess, newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_chat(bob)
    ann.say("0")
    bob.enter("Ann")
    bob.sees("0")
    bob.context.set_offline(True)
    bob.offline()
    missed = [str(i) for i in range(1, 15)]
    ann.say(*missed)
    ann.status("14", "Sent")
    bob.context.set_offline(False)
    bob.sees("0", *missed)
    ann.status("14", "Read")
