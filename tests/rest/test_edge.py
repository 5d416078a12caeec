"""The REST edge: reading, refusing, answering, whatever the action behind it."""

from pathlib import Path
from typing import Any

import pytest

from hubbub.actions import Refused, Unavailable
from hubbub.domain.account import Caller, Principal
from hubbub.entry.rest.app import RestApp, Surroundings
from hubbub.entry.rest.readers import Readers
from hubbub.entry.rest.routes import ROUTES
from hubbub_protocol import ids, rest
from hubbub_protocol.codes import Code
from tests.support.rest import Client, Watched, only

ANN = Principal(1, 2, 3)
CHAT = ids.text("chat", 5)
SIGNED_IN = rest.SignedIn(
    rest.User(ids.text("user", 1), "ann", "Ann"), ids.text("session", 2), "t", "then", "r"
)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_text("<!doctype html><title>page</title>")
    (tmp_path / "app.js").write_text("1")
    return tmp_path


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def make(page: Path, watched: Watched):
    def make(*, unready: str | None = None, around: dict[str, Any] | None = None, **verbs: Any):
        async def authenticate(token: str) -> Principal:
            if token != "good":
                raise Refused(Code.UNAUTHORIZED, "No.")
            return ANN

        surroundings = Surroundings(
            page=page,
            watch=watched,
            metrics=lambda: b"up 1\n",
            unready=lambda: unready,
            **(around or {}),
        )
        app = RestApp(only(authenticate=authenticate, **verbs), surroundings)
        return Client(app, token="good")

    return make


def gives(value: object, seen: list[Any] | None = None):
    async def action(*arguments: object) -> object:
        if seen is not None:
            seen.append(arguments)
        if isinstance(value, BaseException):
            raise value
        return value

    return action


# ── bodies ───────────────────────────────────────────────────────────────────────────────────


async def test_a_body_comes_to_the_action_as_its_type(make) -> None:
    seen: list[Any] = []
    client = make(register=gives(SIGNED_IN, seen))
    answer = await client(
        "POST",
        "/api/v1/auth/register",
        {"username": "ann", "password": "12345678", "unknown": 1},
        headers={"user-agent": "Test/1"},
    )
    assert answer.status == 201
    assert answer.json["user"] == {
        "id": SIGNED_IN.user.id,
        "username": "ann",
        "display_name": "Ann",
    }
    assert answer.headers["cache-control"] == "no-store"
    expected = rest.Register(username="ann", password="12345678")
    assert seen == [(expected, Caller("192.0.2.1", "Test/1"))]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed"),
        (b"{", 400, "malformed"),
        (b'{"username": "\xff"}', 400, "malformed"),
        (b'{"x":' + b"[" * 60_000, 400, "malformed"),
        (b"[]", 422, "invalid"),
        (b"null", 422, "invalid"),
        (b"{}", 422, "invalid"),
        (b'{"username": 1, "password": "x"}', 422, "invalid"),
        (b'{"username": "a", "password": "' + b"x" * 257 + b'"}', 422, "invalid"),
    ],
)
async def test_a_body_that_does_not_fit(make, body: bytes, status: int, code: str) -> None:
    headers = {"content-type": "application/json; charset=utf-8"}
    answer = await make()("POST", "/api/v1/auth/login", parts=[body], headers=headers)
    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize("kind", [None, "text/plain", "application/jsonx", "application/xml"])
async def test_only_json_is_taken(make, kind: str | None) -> None:
    headers = {"content-type": kind} if kind else {}
    answer = await make()("POST", "/api/v1/auth/login", parts=[b"{}"], headers=headers)
    assert (answer.status, answer.code) == (415, "unsupported_media_type")


async def test_a_body_that_says_it_is_too_large_is_not_read(make) -> None:
    client = make()
    headers = {"content-type": "application/json", "content-length": "65537"}
    answer = await client("POST", "/api/v1/messages", parts=[b"x"] * 9, headers=headers)
    assert (answer.status, answer.code, client.read) == (413, "too_large", 0)


async def test_a_body_is_read_no_further_than_its_bound(make) -> None:
    client = make(around={"body_limit": 100})
    headers = {"content-type": "application/json"}
    answer = await client("POST", "/api/v1/messages", parts=[b" " * 40] * 9, headers=headers)
    assert (answer.status, answer.code, client.read) == (413, "too_large", 3)


async def test_making_a_chat_takes_larger_bodies(make) -> None:
    chat = rest.Chat(CHAT, "group", "then", 3, "owner", 0, "then")
    seen: list[Any] = []
    client = make(create_chat=gives((chat, True), seen), around={"body_limit": 100})
    answer = await client("POST", "/api/v1/chats", {"member_ids": ["user_x"] * 50_000})
    assert answer.status == 201
    assert len(seen[0][1].member_ids) == 50_000
    client = make(create_chat=gives((chat, False)))
    assert (await client("POST", "/api/v1/chats", {})).status == 200


async def test_a_client_that_hangs_up_is_not_answered(make, watched: Watched) -> None:
    headers = {"content-type": "application/json"}
    answer = await make()("POST", "/api/v1/messages", headers=headers, hang_up=True)
    assert answer.status == 0
    assert watched.answers == [("send_message", 0)]
    assert watched.failures == []


async def test_the_idempotency_key_is_the_client_id(make) -> None:
    seen: list[Any] = []
    accepted = rest.Accepted(ids.text("msg", 1), "then", CHAT)
    client = make(send_message=gives(accepted, seen))
    for body in ({}, {"client_id": "k"}):
        answer = await client("POST", "/api/v1/messages", body, headers={"Idempotency-Key": "k"})
        assert answer.status == 202
        assert answer.json["status"] == "queued"
    assert [message.client_id for _, message in seen] == ["k", "k"]
    answer = await client(
        "POST", "/api/v1/messages", {"client_id": "other"}, headers={"Idempotency-Key": "k"}
    )
    assert (answer.status, answer.code) == (422, "invalid")


# ── queries and paths ────────────────────────────────────────────────────────────────────────


async def test_a_query_comes_to_the_action(make) -> None:
    seen: list[Any] = []
    client = make(list_messages=gives(rest.MessagePage([], False, None), seen))
    path = f"/api/v1/chats/{CHAT}/messages"
    assert (await client("GET", f"{path}?limit=7&before_id=msg_x&more=1")).status == 200
    assert (await client("GET", f"{path}?around_id=msg_y")).status == 200
    assert (await client("GET", path)).json == {"messages": [], "has_more": False, "cursor": None}
    assert seen == [
        (ANN, CHAT, "before", "msg_x", 7),
        (ANN, CHAT, "around", "msg_y", 50),
        (ANN, CHAT, "before", None, 50),
    ]


@pytest.mark.parametrize(
    "path",
    [
        f"/api/v1/chats/{CHAT}/messages?limit=0",
        f"/api/v1/chats/{CHAT}/messages?limit=201",
        f"/api/v1/chats/{CHAT}/messages?limit=x",
        f"/api/v1/chats/{CHAT}/messages?limit=",
        f"/api/v1/chats/{CHAT}/messages?before_id=a&after_id=b",
        f"/api/v1/chats/{CHAT}/events?after=-1",
        "/api/v1/users",
        "/api/v1/users?username=",
        "/api/v1/users?" + "&".join(["a=1"] * 101),
        "/api/v1/me/events?after=99999999999999999999999",
    ],
)
async def test_a_query_that_does_not_fit(make, path: str) -> None:
    answer = await make()("GET", path)
    assert (answer.status, answer.code) == (422, "invalid")


async def test_long_poll_says_how_long(make) -> None:
    seen: list[Any] = []
    client = make(sync=gives(rest.Synced([]), seen))
    assert (await client("POST", "/api/v1/sync?wait=30", {})).status == 200
    assert seen == [(ANN, rest.Sync(), 30.0)]


@pytest.mark.parametrize("path", ["/nothing", "/api/v1", "/api/v1/", "/api/v1/chats/", "/static/x"])
async def test_where_nothing_is(make, path: str) -> None:
    answer = await make()("GET", path)
    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/api/v1/chats", "POST, GET"),
        ("DELETE", "/api/v1/messages", "POST"),
        ("POST", "/healthz", "GET, HEAD"),
        ("OPTIONS", "/api/v1/me", "GET, PATCH"),
    ],
)
async def test_a_method_that_a_path_does_not_take(make, method: str, path: str, allow: str) -> None:
    answer = await make()(method, path)
    assert (answer.status, answer.code, answer.headers["allow"]) == (
        405,
        "method_not_allowed",
        allow,
    )


# ── who ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "header", [None, "", "good", "Bearer", "Bearer ", "Basic good", "Bearer x"]
)
async def test_without_a_good_token_nothing_is_told(make, header: str | None) -> None:
    client = make()
    client.token = None
    headers = {} if header is None else {"authorization": header}
    for method, path in (("GET", f"/api/v1/chats/{CHAT}"), ("POST", "/api/v1/messages")):
        answer = await client(method, path, headers=headers)
        assert (answer.status, answer.code) == (401, "unauthorized")
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_the_scheme_is_bearer_in_any_case(make) -> None:
    client = make(get_me=gives(SIGNED_IN.user))
    client.token = None
    assert (
        await client("GET", "/api/v1/me", headers={"authorization": "bEARER good"})
    ).status == 200


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        ((), "203.0.113.5", "192.0.2.1"),
        (("192.0.2.1",), "198.51.100.1, 203.0.113.5", "203.0.113.5"),
        (("192.0.2.1", "10.0.0.9"), "203.0.113.5,10.0.0.9", "203.0.113.5"),
        (("192.0.2.1",), "", "192.0.2.1"),
    ],
)
async def test_only_a_trusted_proxy_says_who_calls(
    make, proxies: tuple[str, ...], forwarded: str, address: str
) -> None:
    seen: list[Any] = []
    client = make(login=gives(SIGNED_IN, seen), around={"trusted_proxies": proxies})
    headers = {"x-forwarded-for": forwarded}
    login = {"username": "ann", "password": "x"}
    assert (await client("POST", "/api/v1/auth/login", login, headers=headers)).status == 200
    assert seen[0][1].address == address


# ── answers ──────────────────────────────────────────────────────────────────────────────────


async def test_an_answer_without_a_body(make) -> None:
    answer = await make(logout=gives(None))("POST", "/api/v1/auth/logout")
    assert (answer.status, answer.body) == (204, b"")
    assert "content-type" not in answer.headers


@pytest.mark.parametrize("code", list(Code))
async def test_every_refusal_is_a_problem_document(make, code: Code) -> None:
    client = make(get_me=gives(Refused(code, "Do this.", 2.3)))
    answer = await client("GET", "/api/v1/me")
    assert (answer.status, answer.code) == (code.http_status, code.value)
    assert answer.json["retry_after"] == 2.3
    assert answer.headers["retry-after"] == "3"


async def test_an_engine_that_does_not_answer(make, watched: Watched) -> None:
    answer = await make(get_me=gives(Unavailable("secret words")))("GET", "/api/v1/me")
    assert (answer.status, answer.code) == (503, "unavailable")
    assert "retry-after" in answer.headers
    assert b"secret" not in answer.body
    assert watched.answers == [("get_me", 503)]


async def test_a_fault_of_ours_is_told_without_its_words(make, watched: Watched) -> None:
    answer = await make(get_me=gives(KeyError("secret words")))("GET", "/api/v1/me")
    assert (answer.status, answer.code) == (500, "internal")
    assert b"secret" not in answer.body
    assert watched.failures == [("get_me", "KeyError")]
    assert watched.answers == [("get_me", 500)]


@pytest.mark.parametrize(
    ("given", "taken"), [("abc-1.2_X", True), ("a b", False), ("x" * 65, False), ("", False)]
)
async def test_a_request_id_is_taken_or_made(make, given: str, taken: bool) -> None:
    answer = await make()("GET", "/healthz", headers={"x-request-id": given})
    assert (answer.headers["x-request-id"] == given) is taken
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/", "/docs", "/healthz", "/api/v1/me", "/nothing"])
async def test_every_answer_is_guarded(make, path: str) -> None:
    headers = (await make(get_me=gives(SIGNED_IN.user))("GET", path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "unsafe" not in headers["content-security-policy"]
    assert "default-src 'self'" in headers["content-security-policy"]


# ── files, health, other origins ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/static/app.js", "text/javascript; charset=utf-8"),
        ("/docs", "text/html; charset=utf-8"),
        ("/docs/docs.js", "text/javascript; charset=utf-8"),
        ("/docs/docs.css", "text/css; charset=utf-8"),
    ],
)
async def test_files_are_sent_once(make, path: str, kind: str) -> None:
    client = make()
    client.token = None
    first = await client("GET", path)
    assert (first.status, first.headers["content-type"]) == (200, kind)
    etag = first.headers["etag"]
    for known in (etag, f'"x", W/{etag}', "*"):
        again = await client("GET", path, headers={"if-none-match": known})
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", etag)
    assert (await client("GET", path, headers={"if-none-match": '"x"'})).status == 200


@pytest.mark.parametrize("path", ["/static/../app.js", "/static/%2e%2e/app.js", "/static/"])
async def test_no_path_leads_out_of_the_folder(make, path: str) -> None:
    assert (await make()("GET", path)).status == 404


async def test_health(make) -> None:
    client = make(unready="The store is starting.")
    client.token = None
    assert (await client("GET", "/healthz")).json == {"status": "ok"}
    answer = await client("GET", "/readyz")
    assert (answer.status, answer.code) == (503, "unavailable")
    assert (await make()("GET", "/readyz")).status == 200
    client.address = "127.0.0.1"
    metrics = await client("GET", "/metrics")
    assert metrics.body == b"up 1\n"
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize(
    ("address", "forwarded", "status"),
    [
        ("127.0.0.1", "", 200),
        ("::1", "", 200),
        ("10.1.2.3", "", 200),
        ("::ffff:192.168.0.7", "", 200),
        ("8.8.8.8", "", 403),
        ("::ffff:8.8.8.8", "", 403),
        ("2001:4860::8888", "", 403),
        ("", "", 403),
        ("127.0.0.1", "10.1.2.3", 403),  # an unknown proxy's word
        ("10.0.0.1", "8.8.8.8", 403),
        ("10.0.0.1", "10.1.2.3", 200),
        ("10.0.0.1", "8.8.8.8, 10.0.0.1", 403),
        ("10.0.0.1", "", 200),
    ],
)
async def test_figures_are_for_who_is_near(make, address: str, forwarded: str, status: int) -> None:
    readers = Readers(proxies=("10.0.0.1",))
    client = make(around={"readers": readers})
    client.address = address
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    answer = await client("GET", "/metrics", headers=headers)
    assert answer.status == status
    assert status == 200 or answer.code == "forbidden"


async def test_figures_are_for_who_has_the_token_or_for_all(make) -> None:
    for readers, given, status in (
        (Readers(token="secret"), "Bearer secret", 200),
        (Readers(token="secret"), "Bearer secrets", 403),
        (Readers(token="secret"), "Basic secret", 403),
        (Readers(), "Bearer ", 403),
        (Readers(public=True), "", 200),
    ):
        client = make(around={"readers": readers})
        client.address = "8.8.8.8"
        answer = await client("GET", "/metrics", headers={"authorization": given})
        assert answer.status == status, (readers, given)


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        ((), "https://app.example.org", False),
        (("https://app.example.org",), "https://app.example.org", True),
        (("https://app.example.org/",), "https://APP.example.org", True),
        (("https://app.example.org",), "https://evil.example.org", False),
        (("*",), "https://any.example.org", True),
        (("*",), "", False),
    ],
)
async def test_other_origins(make, origins: tuple[str, ...], origin: str, allowed: bool) -> None:
    client = make(around={"origins": origins})
    headers = {"origin": origin} if origin else {}
    answer = await client("GET", "/healthz", headers=headers)
    assert answer.headers.get("access-control-allow-origin") == (origin if allowed else None)
    headers["access-control-request-method"] = "POST"
    preflight = await client("OPTIONS", "/api/v1/messages", headers=headers)
    assert preflight.status == (204 if allowed else 405)
    if allowed:
        assert "idempotency-key" in preflight.headers["access-control-allow-headers"]
        methods = set(preflight.headers["access-control-allow-methods"].split(", "))
        assert methods == {route.method for route in ROUTES}
