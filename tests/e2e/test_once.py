"""Frames that are lost on the way: nothing is lost or doubled by it."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import WebSocketRoute, expect

from tests.e2e.conftest import Newcomer
from tests.e2e.person import Person

Keep = Callable[[str, dict], bool]


def meddle(person: Person, keep: Keep) -> None:
    """Put somebody between page and server, who passes on what `keep(who, frame)` says."""

    def route(page: WebSocketRoute) -> None:
        server = page.connect_to_server()

        def up(text: str | bytes) -> None:
            if keep("page", json.loads(text)):
                server.send(text)

        def down(text: str | bytes) -> None:
            if keep("server", json.loads(text)):
                page.send(text)

        page.on_message(up)
        server.on_message(down)

    person.page.route_web_socket("**/ws?*", route)
    person.page.reload()
    person.online()


def test_a_reload_sends_what_was_not_sent(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_chat(bob)
    ann.say("first")
    bob.enter("Ann")
    sent: list[dict] = []
    blocked = True

    def keep(who: str, frame: dict) -> bool:
        if who == "page" and frame["type"] == "send":
            sent.append(frame)
            return not blocked
        return True

    meddle(ann, keep)
    ann.say("never sent", "nor this")
    ann.status("nor this", "Queued")
    blocked = False
    ann.page.reload()
    everything = ("first", "never sent", "nor this")
    ann.sees(*everything)
    bob.sees(*everything)
    ann.status("nor this", "Read")
    ids = {text: {f["client_id"] for f in sent if f["content"] == text} for text in everything[1:]}
    assert [len(of_one) for of_one in ids.values()] == [1, 1]


def test_a_lost_answer_does_not_double(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_chat(bob)
    ann.say("first")
    bob.enter("Ann")
    blocked = True

    def keep(who: str, frame: dict) -> bool:
        return not (blocked and who == "server" and frame["type"] in ("ack", "message"))

    meddle(ann, keep)
    ann.say("stored, but nobody said so")
    bob.sees("first", "stored, but nobody said so")
    ann.status("stored, but nobody said so", "Queued")
    blocked = False
    ann.page.reload()
    ann.say("next")
    everything = ("first", "stored, but nobody said so", "next")
    ann.sees(*everything)
    bob.sees(*everything)
    ann.status("stored, but nobody said so", "Read")


def test_a_hole_is_repaired(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_chat(bob)
    ann.say("1")
    bob.enter("Ann")

    def keep(who: str, frame: dict) -> bool:
        return not (frame["type"] == "message" and frame["content"] in ("2", "3"))

    meddle(bob, keep)
    bob.sees("1")
    with bob.page.expect_response("**/events?*"):
        ann.say("2", "3", "4")
    bob.sees("1", "2", "3", "4")
    ann.status("4", "Read")


@pytest.mark.slow
def test_what_is_refused_says_so_and_may_be_tried_again(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_chat(bob)
    ann.say("first")
    bob.enter("Ann")
    refusing = True

    def route(page: WebSocketRoute) -> None:
        server = page.connect_to_server()

        def up(text: str | bytes) -> None:
            frame = json.loads(text)
            if refusing and frame["type"] == "send":
                why = {"type": "error", "code": "forbidden", "message": "Not today."}
                page.send(json.dumps(why | {"ref": frame["client_id"]}))
            else:
                server.send(text)

        page.on_message(up)

    ann.page.route_web_socket("**/ws?*", route)
    ann.page.reload()
    ann.online()
    ann.say("second", "third")
    failed = ann.message("second").locator(".failed")
    expect(failed).to_contain_text("Not sent: Not today.")
    ann.message("third").get_by_role("button", name="Discard").click()
    ann.sees("first", "second")
    refusing = False
    ann.page.reload()  # it is still there, and still not sent by itself
    expect(failed).to_contain_text("Not sent: Not today.")
    failed.get_by_role("button", name="Try again").click()
    ann.status("second", "Read")
    bob.sees("first", "second")


@pytest.mark.slow
def test_refused_for_now_keeps_the_order(newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_chat(bob)
    texts = [f"message {i}" for i in range(90)]  # more than the rate limit lets through at once
    ann.page.evaluate(
        """texts => {
          const box = document.querySelector("textarea");
          for (const text of texts) {
            box.value = text;
            box.form.requestSubmit();
          }
        }""",
        texts,
    )
    ann.status("message 89", "Delivered")
    ann.sees(*texts)
    bob.enter("Ann")
    bob.sees(*texts)
