"""A real server whose users sign in with a host application."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner, Result

from hubbub.cli import main
from hubbub_client import Client
from tests.support.hosts import (
    ED_KEY,
    OTHER_RSA_KEY,
    SECRET,
    KeyServer,
    claims,
    jwk,
    pem,
    publishing,
    signed,
)
from tests.support.server import NotStarted, ServerProcess, running

SETTINGS = {
    "HUBBUB_ISSUERS_DEFAULT_ISSUER": "https://login.example",
    "HUBBUB_ISSUERS_DEFAULT_AUDIENCE": "chat",
    "HUBBUB_ISSUERS_DEFAULT_ALGORITHM": "HS256",
    "HUBBUB_ISSUERS_DEFAULT_KEY": SECRET,
}


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with running(SETTINGS) as process:
        yield process


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def token(sub: str, seconds: int = 3600, **more: Any) -> str:
    now = int(time.time())
    return signed(claims(now * 1000, sub=sub, exp=now + seconds, **more))


async def get(
    http: aiohttp.ClientSession, server: ServerProcess, bearer: str, path: str
) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {bearer}"}
    async with http.get(f"{server.url}/api/v1{path}", headers=headers) as answer:
        return answer.status, await answer.json()


async def until(socket: aiohttp.ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    """The next frame of this type."""
    async with asyncio.timeout(30):
        while True:
            frame: dict[str, Any] = json.loads((await socket.receive()).data)
            if frame["type"] == kind:
                return frame


async def test_first_tokens_at_once_make_one_user(
    server: ServerProcess, http: aiohttp.ClientSession
) -> None:
    bearers = [token("many", n=number) for number in range(20)]
    answers = await asyncio.gather(*(get(http, server, each, "/me") for each in bearers))
    assert {status for status, _ in answers} == {200}
    assert len({user["id"] for _, user in answers}) == 1
    _, sessions = await get(http, server, bearers[0], "/sessions")
    assert len(sessions["sessions"]) == 1


async def test_the_end_is_announced_and_a_new_token_goes_on(
    server: ServerProcess, http: aiohttp.ClientSession
) -> None:
    # 30 s of skew more: it ends in 62 s, and says so once there is less than a minute.
    brief, long = token("zoe", 32), token("zoe")
    headers = {"Authorization": f"Bearer {brief}"}
    async with http.ws_connect(
        f"{server.url}/ws", headers=headers, protocols=["hubbub.v1"]
    ) as socket:
        welcome = await until(socket, "welcome")
        await until(socket, "token_expiring")
        await socket.send_json({"type": "auth", "token": long})
        renewed = await until(socket, "welcome")
        assert renewed["session_id"] == welcome["session_id"]
        await socket.send_json({"type": "auth", "token": token("somebody else")})
        await socket.receive()
        assert socket.close_code == 1008


async def test_sends_by_name_keep_their_order(
    server: ServerProcess, http: aiohttp.ClientSession
) -> None:
    for sub in ("order.a", "order.b"):
        await get(http, server, token(sub), "/me")
    headers = {"Authorization": f"Bearer {token('order.a')}"}
    async with http.ws_connect(
        f"{server.url}/ws", headers=headers, protocols=["hubbub.v1"]
    ) as socket:
        await until(socket, "welcome")
        for number in range(30):
            frame = {
                "type": "send",
                "client_id": f"00000000-0000-4000-8000-{number:012}",
                "recipient_ids": ["ext:order.b" if number != 3 else f"ext:nobody{number}"],
                "content": str(number),
            }
            await socket.send_json(frame)
        answers = [json.loads((await socket.receive()).data) for _ in range(30)]
    (refused,) = [each for each in answers if each["type"] == "error"]
    assert (refused["ref"][-2:], refused["code"]) == ("03", "not_found")
    chat = next(each["chat_id"] for each in answers if each["type"] == "ack")
    _, page = await get(http, server, token("order.b"), f"/chats/{chat}/messages")
    told = [message["content"] for message in reversed(page["messages"])]
    assert told == [str(number) for number in range(30) if number != 3]


async def test_the_python_client_with_an_application_s_tokens(
    server: ServerProcess, http: aiohttp.ClientSession
) -> None:
    given = 0

    async def brief() -> str:
        nonlocal given
        given += 1
        return token("py", -28 if given == 1 else 600)  # the first one ends in 2 s, skew and all

    await get(http, server, token("peer"), "/me")
    async with asyncio.timeout(60), Client(server.url, token=brief) as client:
        assert client.user.username == "ext:py"
        while given < 2:
            await (await client.send("hello", recipient_ids=["ext:peer"]))
        pending = await client.send("and again", recipient_ids=["ext:peer"])
        assert (await pending).chat_id.startswith("chat_")
    _, page = await get(http, server, token("peer"), "/chats")
    assert page["chats"][0]["last_message"]["content"] == "and again"


async def test_bad_tokens_close_a_websocket(
    server: ServerProcess, http: aiohttp.ClientSession
) -> None:
    for bad in (token("zoe", -60), token("zoe", aud="mail"), token("zoe") + "A", "x" * 9_000):
        async with http.ws_connect(
            f"{server.url}/ws", headers={"Authorization": f"Bearer {bad}"}
        ) as socket:
            await socket.receive()
            assert socket.close_code == 4401
        assert (await get(http, server, bad, "/me"))[0] == 401


@pytest.mark.slow
async def test_keys_that_are_published_and_rotated(http: aiohttp.ClientSession) -> None:
    def theirs(kid: str, private: Any, algorithm: str, sub: str = "zoe") -> str:
        now = int(time.time()) * 1000
        return signed(claims(now, sub=sub, iss="corp"), algorithm, private, kid=kid)

    keys: KeyServer
    async with publishing(jwk("EdDSA", "one")) as keys:
        corp = {
            "HUBBUB_ISSUERS_CORP_ISSUER": "corp",
            "HUBBUB_ISSUERS_CORP_AUDIENCE": "chat",
            "HUBBUB_ISSUERS_CORP_JWKS_URL": keys.url,
        }
        # Started in a thread: it asks for the keys at once, and the loop here answers.
        server_context = running(SETTINGS | corp)
        server = await asyncio.to_thread(server_context.__enter__)
        try:
            status, user = await get(http, server, theirs("one", ED_KEY, "EdDSA"), "/me")
            assert (status, user["username"]) == (200, "ext:corp:zoe")
            assert (await get(http, server, token("zoe"), "/me"))[1]["username"] == "ext:zoe"
            unknown = theirs("two", OTHER_RSA_KEY, "RS256", "yan")
            assert (await get(http, server, unknown, "/me"))[0] == 401
            confused = signed(
                claims(int(time.time()) * 1000, iss="corp"), "HS256", SECRET, kid="one"
            )
            assert (await get(http, server, confused, "/me"))[0] == 401
            keys.keys = [jwk("RS256", "two", OTHER_RSA_KEY)]
            async with asyncio.timeout(60):
                while (await get(http, server, unknown, "/me"))[0] != 200:
                    pass  # each unknown name may have them fetched anew
        finally:
            await asyncio.to_thread(server_context.__exit__, None, None, None)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"KEY": "short"}, "32 bytes"),
        ({"ALGORITHM": "RS256"}, "no public key"),
        pytest.param(
            {"KEY": "", "KEY_FILE": "/nowhere/key.pem"},
            "/nowhere/key.pem cannot be read",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            {"ALGORITHM": "RS256", "KEY": pem(ED_KEY).decode()},
            "not one for RS256",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_key_that_cannot_be_used_is_told_at_the_start(told: dict[str, str], says: str) -> None:
    changed = {f"HUBBUB_ISSUERS_DEFAULT_{name}": value for name, value in told.items()}
    with pytest.raises(NotStarted) as caught, running(SETTINGS | changed):
        pass
    assert says in caught.value.said
    assert "Traceback" not in caught.value.said


# ── the command line ──


def hubbub(server: ServerProcess, *words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--data", str(server.data)], env={"HUBBUB_CONFIG": ""})


async def test_a_token_to_try_things_out_with(
    server: ServerProcess, http: aiohttp.ClientSession
) -> None:
    _, zoe = await get(http, server, token("cli"), "/me")
    for name in ("ext:cli", zoe["id"], "cli"):
        made = hubbub(server, "token", "--user", name)
        assert made.exit_code == 0, made.output
        assert await get(http, server, made.stdout.strip(), "/me") == (200, zoe)
    _, listed = await get(http, server, token("cli"), "/sessions")
    assert sorted(each["device"] for each in listed["sessions"]) == ["default", "hubbub token"]
    missing = hubbub(server, "token", "--user", "ext:missing")
    assert missing.exit_code == 1
    assert "no user 'ext:missing'" in missing.stderr
    assert hubbub(server, "token", "--user", "ext:cli", "--minutes", "0").exit_code == 2


async def test_keys_are_made_shown_once_listed_and_revoked(
    server: ServerProcess, http: aiohttp.ClientSession
) -> None:
    def key(*words: str) -> Result:
        return hubbub(server, "admin", "key", *words)

    made = key("create", "shop", "--scope", "users:write", "--scope", "messages:write")
    secret = made.stdout.strip()
    assert made.exit_code == 0
    assert secret.startswith("hbk_")
    assert "not shown again" in made.stderr
    assert secret.encode() not in (server.data / "hubbub.db-wal").read_bytes()
    url, headers = f"{server.url}/api/v1/users/ext:kay", {"Authorization": f"Bearer {secret}"}
    async with http.put(url, json={"display_name": "Kay"}, headers=headers) as answer:
        assert answer.status == 201
    assert "already" in key("create", "shop", "--scope", "users:write").stderr
    listed = key("list").stdout
    assert "shop" in listed
    assert "users:write messages:write" in listed
    assert secret[:8] in listed
    assert secret not in listed
    assert key("revoke", "shop").exit_code == 0
    async with http.put(url, json={"display_name": "Kay"}, headers=headers) as answer:
        assert answer.status == 401
    assert key("revoke", "shop").exit_code == 1
    assert key("create", "shop").exit_code == 2, "a scope has to be said"
    assert key("create", "a b", "--scope", "users:write").exit_code == 2
    assert key("create", "shop", "--scope", "all").exit_code == 2
    assert secret not in server.printed()


def test_a_folder_without_a_server(tmp_path_factory: pytest.TempPathFactory) -> None:
    nowhere = tmp_path_factory.mktemp("nowhere")
    for words in (("token", "--user", "x"), ("admin", "key", "list")):
        said = CliRunner().invoke(main, [*words, "--data", str(nowhere)], env={"HUBBUB_CONFIG": ""})
        assert said.exit_code == 1
        assert "holds no data" in said.stderr
    assert list(nowhere.iterdir()) == []
