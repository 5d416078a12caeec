"""An identity provider that does as it is told: a good one, or one that errs or cheats.

It signs in whoever comes, without asking. On threads of its own, so that tests of any kind can
use it.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from tests.support.hosts import jwk, signed

CLIENT = "hubbub"
SECRET = "a secret: with + and %"
SUBJECT = "4711"
PROFILE = {"preferred_username": "ann", "name": "Ann Archer"}
KID = "one"


class ScriptedProvider:
    """What it publishes and answers; tests change it while it runs.

    `claims` change those of the next ID tokens, None leaves one out; `sign` makes a token of
    them. `metadata` changes what it says of itself, `reply` what the browser brings back, `tokens`
    the token endpoint's answer. `answers`: (status, body) instead, by path. `held`: paths that
    wait until `go`.
    """

    def __init__(self, host: str) -> None:
        self.issuer = f"http://{host}"
        self.keys: list[dict[str, Any]] = [jwk("RS256", KID)]
        self.subject = SUBJECT
        self.claims: dict[str, Any] = dict(PROFILE)
        self.userinfo: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.reply: dict[str, str | None] = {}
        self.tokens: dict[str, Any] = {}
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.held: set[str] = set()
        self.go = threading.Event()
        self.sign: Callable[[dict[str, Any]], str] = lambda body: signed(body, "RS256", kid=KID)
        self.secret: str | None = SECRET
        self.single_use = True
        self.asked: list[str] = []
        self.heard: list[str] = []
        """All that it was sent: what must be in no log."""
        self._codes: dict[str, dict[str, str]] = {}

    def settings(self, name: str = "corp", **more: str) -> dict[str, str]:
        """Of a server that uses it."""
        told = {"issuer": self.issuer, "client_id": CLIENT, "title": "Corp", **more}
        if self.secret is not None:
            told["client_secret"] = self.secret
        return {f"HUBBUB_OIDC_{name}_{key}".upper(): value for key, value in told.items()}

    # ── answers ──

    def discovery(self, query: dict[str, str]) -> Any:
        at = self.issuer
        found = {
            "issuer": at,
            "authorization_endpoint": f"{at}/authorize",
            "token_endpoint": f"{at}/token",
            "jwks_uri": f"{at}/jwks",
            "userinfo_endpoint": f"{at}/userinfo",
            "end_session_endpoint": f"{at}/logout",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            **self.metadata,
        }
        return {name: value for name, value in found.items() if value is not None}

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser goes on."""
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        self.heard += [code, query["state"], query["nonce"]]
        reply = {"code": code, "state": query["state"], "iss": self.issuer, **self.reply}
        given = {name: value for name, value in reply.items() if value is not None}
        return f"{query['redirect_uri']}?{urlencode(given)}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        asked = self._codes.get(form.get("code", ""))
        if not self._knows_client(form, authorization):
            return 401, {"error": "invalid_client"}
        self.heard.append(form.get("code_verifier", ""))
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            asked is None
            or asked["redirect_uri"] != form.get("redirect_uri")
            or asked["code_challenge"] != challenge
        ):
            return 400, {"error": "invalid_grant"}
        if self.single_use:
            del self._codes[form["code"]]
        access = secrets.token_urlsafe(16)
        token = self.sign(self._body(asked["nonce"]))
        self.heard += [access, token]
        return 200, {"access_token": access, "token_type": "Bearer", "id_token": token,
                     **self.tokens}  # fmt: skip

    def _knows_client(self, form: dict[str, str], authorization: str) -> bool:
        if self.secret is None:
            return form.get("client_id") == CLIENT and not authorization
        if "client_secret" in form:
            return (form["client_id"], form["client_secret"]) == (CLIENT, self.secret)
        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode().split(":")
        return [unquote(part) for part in pair] == [CLIENT, self.secret]

    def _body(self, nonce: str) -> dict[str, Any]:
        now = int(time.time())
        good = {"iss": self.issuer, "aud": CLIENT, "sub": self.subject, "nonce": nonce,
                "iat": now, "exp": now + 300}  # fmt: skip
        body = {**good, **self.claims}
        return {name: value for name, value in body.items() if value is not None}

    def respond(self, handler: "Handler") -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        path, query = urlsplit(handler.path).path, dict(parse_qsl(urlsplit(handler.path).query))
        self.asked.append(path)
        if path in self.held:
            self.go.wait(60)
        if path in self.answers:
            status, body = self.answers[path]
            return status, {"Location": self.issuer} if status in (301, 302, 307) else {}, body
        json_, status = {"Content-Type": "application/json"}, 200
        match path:
            case "/.well-known/openid-configuration":
                answer = self.discovery(query)
            case "/jwks":
                answer = {"keys": self.keys}
            case "/authorize":
                return 303, {"Location": self.authorize(query)}, b""
            case "/token":
                size = int(handler.headers["Content-Length"])
                form = dict(parse_qsl(handler.rfile.read(size).decode()))
                status, answer = self.token(form, handler.headers.get("Authorization", ""))
            case "/userinfo":
                answer = {"sub": self.subject, **self.userinfo}
            case "/logout":
                return 200, {"Content-Type": "text/plain"}, b"signed out of everything"
            case _:
                status, answer = 404, {}
        return status, json_, json.dumps(answer).encode()


class Handler(BaseHTTPRequestHandler):
    provider: ScriptedProvider

    def do_GET(self) -> None:
        status, headers, body = self.provider.respond(self)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(ConnectionError):  # who asked may have gone
            self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Not a word."""


@contextmanager
def providing(host: str = "127.0.0.1") -> Iterator[ScriptedProvider]:
    """A provider on loopback until the block ends."""

    class Bound(Handler):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
    server.daemon_threads = True
    Bound.provider = provider = ScriptedProvider(f"{host}:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield provider
    finally:
        provider.go.set()
        server.shutdown()
        server.server_close()
        thread.join()
