"""Real server, real browser: what the end-to-end tests share."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.e2e.person import SCREEN, Person, vacate
from tests.support.server import ServerProcess, running

FLAGS = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE_MS = 30_000  # of one expectation, on a busy machine

Newcomer = Callable[[str], Person]


@pytest.fixture(scope="module")
def browser(chromium: dict[str, Any]) -> Iterator[Browser]:
    """A module's browser. Not a session's: while Playwright is open its event loop counts as
    running, and no other test of the process could run one."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(args=FLAGS, **chromium)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shared() -> Iterator[ServerProcess]:
    with running() as server:
        yield server


@pytest.fixture
def own(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    """A server for one test; its parameter, if any, are settings."""
    server = ServerProcess(tmp_path, getattr(request, "param", {}))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server(request: pytest.FixtureRequest) -> ServerProcess:
    """The one of this test, else the one that all share."""
    found: ServerProcess = request.getfixturevalue(
        "own" if "own" in request.fixturenames else "shared"
    )
    return found


@pytest.fixture(scope="session")
def numbers() -> Iterator[int]:
    return count(1)


@pytest.fixture(scope="module")
def vacant(browser: Browser) -> list[BrowserContext]:
    """Browsers that people of tests before have left."""
    return []


@pytest.fixture
def newcomer(
    browser: Browser, vacant: list[BrowserContext], server: ServerProcess, numbers: Iterator[int]
) -> Iterator[Newcomer]:
    """Makes a person in a browser of his own, signed up; at the end nothing may have failed."""
    people: list[Person] = []

    def sign_up(name: str) -> Person:
        context = vacant.pop() if vacant else browser.new_context(viewport=SCREEN)
        context.set_default_timeout(PATIENCE_MS)
        person = Person(context, server.url, name, f"{name.lower()}-{next(numbers)}")
        people.append(person)
        person.sign_up()
        return person

    yield sign_up
    faults = [fault for person in people for fault in person.faults]
    for person in people:
        vacate(person.context)
        vacant.append(person.context)
    assert not faults
