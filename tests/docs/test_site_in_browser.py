"""The finished site in a browser, from a folder of files and without a network."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tools.docs.__main__ import build


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site") / "docs"
    assert build(target) == []
    return target


@pytest.fixture(scope="module")
def browser(chromium: dict[str, Any]) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A phone; whatever it asks of another host, or fails at, fails the test."""
    complaints: list[str] = []
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(("file:", "data:", "blob:"))
            else complaints.append(request.url)
        ),
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert not complaints


@pytest.mark.slow
def test_search_finds_a_clause_and_nothing_comes_from_elsewhere(site: Path, page: Page) -> None:
    page.goto((site / "index.html").as_uri())
    page.keyboard.press("Control+k")
    page.keyboard.type("idempotency_mismatch")
    hit = page.get_by_role("option", name="4.4 Sending").first
    expect(hit).to_be_visible(timeout=30_000)
    hit.click()
    expect(page.locator('[id="4.4.4"]')).to_be_visible()


@pytest.mark.slow
def test_pages_fit_a_phone(site: Path, page: Page) -> None:
    for name in ("index", "start", "rest/messages", "operate/metrics"):
        page.goto((site / f"{name}.html").as_uri())
        expect(page.locator("h1")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
