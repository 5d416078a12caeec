"""A host application for tests: its keys, its tokens, and where it publishes the keys."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER = "https://login.example"
AUDIENCE = "chat"
SECRET = "a secret of the shop and the chat server"

RSA_KEY = rsa.generate_private_key(65537, 2048)
OTHER_RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
PRIVATE: dict[str, Any] = {
    "HS256": SECRET,
    "RS256": RSA_KEY,
    "ES256": EC_KEY,
    "EdDSA": ED_KEY,
}
_JWK: dict[str, Callable[..., dict[str, Any]]] = {
    "RS256": RSAAlgorithm.to_jwk,
    "ES256": ECAlgorithm.to_jwk,
    "EdDSA": OKPAlgorithm.to_jwk,
}


def pem(private: Any) -> bytes:
    """The public key of a private one."""
    public: bytes = private.public_key().public_bytes(
        form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo
    )
    return public


def jwk(algorithm: str, kid: str | None = None, private: Any = None, **more: Any) -> dict[str, Any]:
    """A public key as it is published."""
    public = (private or PRIVATE[algorithm]).public_key()
    found = _JWK[algorithm](public, as_dict=True)
    return {**found, **({} if kid is None else {"kid": kid}), **more}


def claims(now_ms: int, **changed: Any) -> dict[str, Any]:
    """Those of a good token, an hour long; None leaves one out."""
    now = now_ms // 1000
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "iat": now, "exp": now + 3600}
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def signed(
    body: dict[str, Any], algorithm: str = "HS256", private: Any = None, **headers: Any
) -> str:
    """A token with these claims."""
    return jwt.encode(body, private or PRIVATE[algorithm], algorithm, headers=headers or None)


class KeyServer:
    """Publishes a JWK set, as a host application would, or misbehaves."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = []
        self.body: bytes | None = None
        self.status = 200
        self.held: asyncio.Event | None = None
        self.asked = 0
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.held is not None:
            await self.held.wait()
        body = json.dumps({"keys": self.keys}).encode() if self.body is None else self.body
        headers = {"Location": self.url} if self.status == 302 else {}
        return web.Response(body=body, status=self.status, headers=headers)


@asynccontextmanager
async def publishing(*keys: dict[str, Any]) -> AsyncIterator[KeyServer]:
    """A key server on loopback until the block ends."""
    server = KeyServer()
    server.keys = list(keys)
    app = web.Application()
    app.router.add_get("/jwks.json", server.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    server.url = f"http://127.0.0.1:{port}/jwks.json"
    try:
        yield server
    finally:
        await runner.cleanup()
