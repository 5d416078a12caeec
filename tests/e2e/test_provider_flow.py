"""A real server and identity providers that err or cheat: what the page and the operator hear."""

import asyncio
from collections.abc import Iterator
from urllib.parse import parse_qsl

import aiohttp
import pytest
from click.testing import CliRunner, Result

from hubbub.cli import main
from tests.support.provider import SECRET, ScriptedProvider, providing
from tests.support.server import ServerProcess, running
from tests.support.wait import eventually

START = "/api/v1/auth/oidc/{}/start"


@pytest.fixture(scope="module")
def providers() -> Iterator[tuple[ScriptedProvider, ScriptedProvider]]:
    with providing() as corp, providing() as shop:
        yield corp, shop


@pytest.fixture(scope="module")
def server(providers: tuple[ScriptedProvider, ScriptedProvider]) -> Iterator[ServerProcess]:
    corp, shop = providers
    more = {"HUBBUB_LOG_FORMAT": "json", "HUBBUB_LOG_LEVEL": "debug"}
    with running(corp.settings() | shop.settings("shop") | more) as process:
        yield process


class Browser:
    """Goes where it is led, keeps cookies, and stops at the page."""

    def __init__(self, server: ServerProcess, http: aiohttp.ClientSession) -> None:
        self.base = server.url.replace("127.0.0.1", "localhost")
        self.cookies: dict[str, str] = {}
        self.way: list[str] = []
        self._http = http

    async def goes(self, url: str, stop: str = "/#") -> str:
        while stop not in url:
            headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
            async with self._http.get(url, headers=headers, allow_redirects=False) as answer:
                self.cookies |= {name: it.value for name, it in answer.cookies.items()}
                assert answer.status == 303, await answer.text()
                url = answer.headers["Location"]
                self.way.append(url)
        return url

    async def signs_in(self, name: str = "corp") -> dict[str, str]:
        return told(await self.goes(self.base + START.format(name)))

    async def exchange(self, code: str) -> tuple[int, dict[str, object]]:
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        url = f"{self.base}/api/v1/auth/oidc/exchange"
        async with self._http.post(url, json={"code": code}, headers=headers) as answer:
            return answer.status, await answer.json()


def told(url: str) -> dict[str, str]:
    return dict(parse_qsl(url.partition("/#")[2]))


async def test_no_secret_is_in_a_log(
    server: ServerProcess, providers: tuple[ScriptedProvider, ScriptedProvider]
) -> None:
    corp, _ = providers
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        browser = Browser(server, http)
        code = (await browser.signs_in())["oidc"]
        status, signed_in = await browser.exchange(code)
        assert status == 200
        corp.claims["nonce"] = "wrong"
        assert (await browser.signs_in())["oidc-failed"] == "failed"
        del corp.claims["nonce"]
    log = server.printed()
    assert '"reason": "ID token: its nonce is not of this attempt"' in log
    tokens = [str(signed_in[name]) for name in ("token", "refresh_token")]
    for secret in (SECRET, code, *tokens, *browser.cookies.values(), *corp.heard):
        assert not secret or secret not in log
    for url in browser.way:
        assert not any(token in url for token in (*tokens, SECRET))


async def test_an_answer_of_one_provider_is_none_of_another(
    server: ServerProcess, providers: tuple[ScriptedProvider, ScriptedProvider]
) -> None:
    _, shop = providers
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        browser = Browser(server, http)
        back = await browser.goes(browser.base + START.format("corp"), stop="/callback?")
        asked = len(shop.asked)
        assert told(await browser.goes(back.replace("/corp/", "/shop/"))) == {
            "oidc-failed": "stale", "provider": "shop"
        }  # fmt: skip
        assert len(shop.asked) == asked, "the code went nowhere"
        other = Browser(server, http)
        assert told(await other.goes(back))["oidc-failed"] == "stale"
        assert "oidc" in told(await browser.goes(back))
        assert told(await browser.goes(back))["oidc-failed"] == "stale", "a way back is gone once"


@pytest.mark.slow
async def test_a_provider_that_is_down_is_said_and_comes_back(
    providers: tuple[ScriptedProvider, ScriptedProvider],
) -> None:
    corp, _ = providers
    document = "/.well-known/openid-configuration"
    corp.answers[document] = 503, b"a word of the provider's own"
    server_context = running(corp.settings())
    server = await asyncio.to_thread(server_context.__enter__)
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
            browser = Browser(server, http)
            assert (await browser.signs_in())["oidc-failed"] == "unavailable"
            await eventually(lambda: "HTTP 503" in server.printed(), "the operator is told")
            assert "of the provider's own" not in server.printed()
            del corp.answers[document]
            async with asyncio.timeout(60):
                while "oidc" not in await browser.signs_in():
                    pass  # who asks has it looked for again, at most every ten seconds
    finally:
        corp.answers.clear()
        await asyncio.to_thread(server_context.__exit__, None, None, None)


async def test_the_host_header_leads_nowhere_else(server: ServerProcess) -> None:
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        for path in (START.format("corp"), "/api/v1/auth/oidc/corp/callback?state=x&code=y"):
            url = server.url + path
            async with http.get(url, headers=headers, allow_redirects=False) as answer:
                assert answer.status == 303
                assert "evil" not in answer.headers["Location"]


async def test_the_operator_links_and_unlinks(
    server: ServerProcess, providers: tuple[ScriptedProvider, ScriptedProvider]
) -> None:
    corp, _ = providers
    corp.subject = "linked"
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        wanted = {"username": "zoe", "password": "correct horse"}
        async with http.post(f"{server.url}/api/v1/auth/register", json=wanted) as answer:
            assert answer.status == 201

        def admin(*words: str) -> Result:
            options = ["admin", "identity", *words, "--data", str(server.data)]
            return CliRunner().invoke(main, options, env=corp.settings())

        linked = await asyncio.to_thread(admin, "link", "zoe", "corp", "linked")
        assert linked.exit_code == 0, linked.output
        assert "corp  linked" in (await asyncio.to_thread(admin, "list", "zoe")).stdout
        browser = Browser(server, http)
        _, signed_in = await browser.exchange((await browser.signs_in())["oidc"])
        user = signed_in["user"]
        assert isinstance(user, dict)
        assert user["username"] == "zoe"
        assert (
            "zoe is signed out"
            in (await asyncio.to_thread(admin, "unlink", "corp", "linked")).stdout
        )
        refresh = {"refresh_token": signed_in["refresh_token"]}
        async with http.post(f"{server.url}/api/v1/auth/refresh", json=refresh) as answer:
            assert answer.status == 401
        for words in (("unlink", "corp", "linked"), ("link", "zoe", "nobody", "x"), ("list", "no")):
            assert (await asyncio.to_thread(admin, *words)).exit_code == 1
