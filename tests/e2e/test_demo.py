"""`hubbub demo` as a newcomer meets it: the link, the page, the bots; and its books under kills."""

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.person import leave
from tests.support.server import PATIENCE

LINK = re.compile(r"http://localhost:\d+/#signin=\S+")


@contextmanager
def demo(*options: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", "hubbub.cli", "demo", *options],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"NO_COLOR": "1"},
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)
        assert process.stdout is not None
        process.stdout.close()


def said_until(process: "subprocess.Popen[str]", pattern: re.Pattern[str]) -> str:
    assert process.stdout is not None
    said, end = "", time.monotonic() + PATIENCE
    while not (found := pattern.search(said)):
        ready, _, _ = select.select([process.stdout], [], [], max(0.0, end - time.monotonic()))
        assert ready, said
        more = os.read(process.stdout.fileno(), 65_536).decode()
        assert more, said
        said += more
    return found[0]


def test_the_link_signs_in_once_and_the_bots_answer(browser: Browser, tmp_path: Path) -> None:
    data = tmp_path / "town"
    with demo("--messages", "1500", "--data", str(data), "--rate", "8") as process:
        link = said_until(process, re.compile(LINK.pattern + r"\n")).strip()
        context = browser.new_context()
        page = context.new_page()
        page.goto(link)
        expect(page.locator("#my-name")).to_contain_text("Ada Winter")
        expect(page.get_by_text("Lighthouse crew").first).to_be_visible()
        assert "signin" not in page.url
        page.get_by_text("Maya Brooks").first.click()
        box = page.locator("#compose textarea")
        box.fill("Hello Maya, what is new?")
        before = page.locator("#chats").inner_text()
        box.press("Enter")
        expect(page.get_by_text("Hello Maya, what is new?").last).to_be_visible()
        expect(page.locator("#chats")).not_to_have_text(before)
        other = browser.new_context()
        again = other.new_page()
        again.goto(link)
        expect(again.get_by_text("This link was used already")).to_be_visible()
        # What is used twice may have been stolen: the session ends, and its page begins anew.
        expect(page.locator("#enter-form")).to_be_visible()
        leave(page, again)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
    assert (data / "hubbub.db").exists(), "a folder that was named is kept"


@pytest.mark.parametrize("kills", [1, pytest.param(5, marks=pytest.mark.slow)])
def test_the_books_are_right_under_kills(kills: int) -> None:
    options = ["--messages", "200", "--chaos", "--every", "2", "--kills", str(kills)]
    with demo(*options) as process:
        said, _ = process.communicate(timeout=4 * PATIENCE)
    assert process.returncode == 0, said
    verdict = re.search(r"([\d,]+) acknowledged: 0 lost, 0 doubled, 0 out of order", said)
    assert verdict, said
    assert int(verdict[1].replace(",", "")) > 10
    folder = re.search(r"Data +(\S+)", said)
    assert folder, said
    assert not Path(folder[1]).exists(), "a folder of its own is gone"
