"""Whether the other is here, as the open chat shows it."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Newcomer
from tests.support.server import ServerProcess


@pytest.mark.parametrize("own", [{"HUBBUB_SERVER_OFFLINE_AFTER": "0.3"}], indirect=True)
def test_online_then_last_seen(newcomer: Newcomer, own: ServerProcess) -> None:
    ann, bob = newcomer("Ann"), newcomer("Bob")
    ann.start_chat(bob)
    hint, picture = ann.page.locator("#room-hint"), ann.page.locator("#room-avatar")
    expect(hint).to_have_text(f"@{bob.username} · online")
    expect(picture).to_have_class(re.compile("online"))
    bob.page.goto("about:blank")
    expect(hint).to_have_text(re.compile(rf"@{bob.username} · last seen at \d\d.\d\d"))
    expect(picture).not_to_have_class(re.compile("online"))
    bob.open()
    expect(hint).to_have_text(f"@{bob.username} · online")
    own.end()
    own.start()
    ann.online()
    expect(hint).to_have_text(f"@{bob.username} · online")
