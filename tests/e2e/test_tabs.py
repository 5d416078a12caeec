"""Several tabs of one session, for longer than an access token lives."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Newcomer
from tests.support.server import ServerProcess

SHORT = {"HUBBUB_AUTH_ACCESS_TOKEN_MINUTES": "0.05"}  # three seconds


@pytest.mark.slow
@pytest.mark.parametrize("own", [SHORT], indirect=True)
def test_tabs_share_a_session_past_its_tokens(own: ServerProcess, newcomer: Newcomer) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    bob.start_chat(ann)
    bob.say("hello")
    first = ann.page
    second = ann.open()
    ann.online()
    token = "JSON.parse(localStorage.getItem('hubbub.session')).token"
    seen = {second.evaluate(token)}
    while len(seen) < 3:
        second.wait_for_function(f"last => {token} !== last", arg=second.evaluate(token))
        seen.add(second.evaluate(token))
    ann.enter("Bob")
    ann.say("from the second tab")
    ann.page = first
    expect(ann.unread("Bob")).to_have_count(0)
    ann.enter("Bob")
    ann.say("from the first tab")
    everything = ("hello", "from the second tab", "from the first tab")
    ann.sees(*everything)
    ann.page = second
    ann.sees(*everything)
    bob.sees(*everything)
