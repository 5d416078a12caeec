"""An identity provider's answers: good ones are taken, and nothing else is."""

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import aiohttp
import jwt
import pytest
from msgspec.structs import replace

from hubbub.adapters.issuers.discovery import _follows
from hubbub.adapters.issuers.followed import MAX_BYTES, Pace
from hubbub.adapters.issuers.providers import IdentityProviders, OneProvider
from hubbub.domain.attempt import Seal, new_browser
from hubbub.domain.provider import NotSignedIn, Profile, Provider
from hubbub.ports import Answered
from tests.support.hosts import EC_KEY, ED_KEY, OTHER_RSA_KEY, RSA_KEY, jwk, pem, signed
from tests.support.provider import CLIENT, KID, SECRET, ScriptedProvider, providing
from tests.support.wait import eventually

BACK = "http://localhost:8080/api/v1/auth/oidc/corp/callback"
QUICK = Pace(refresh=600, retry=0.02, pause=0.001, patience=5)
ANN = Profile("", "4711", "ann", "Ann Archer", "", ())
DOCUMENT = "/.well-known/openid-configuration"
Change = Callable[[ScriptedProvider], Any]


@pytest.fixture
def corp() -> Iterator[ScriptedProvider]:
    with providing() as provider:
        yield provider


@asynccontextmanager
async def using(
    corp: ScriptedProvider, told: list[str | None] | None = None, pace: Pace = QUICK, **more: Any
) -> AsyncIterator["Somebody"]:
    described = Provider(issuer=corp.issuer, client_id=CLIENT, **more)
    hear = (told if told is not None else []).append
    one = OneProvider(described, corp.secret or "", hear, pace)
    providers = IdentityProviders({"corp": one}, pace)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(providers.run())
        try:
            yield Somebody(providers)
        finally:
            task.cancel()


class Somebody:
    """Goes to the provider, and comes back with its answer."""

    def __init__(self, providers: IdentityProviders) -> None:
        self.providers = providers
        self.attempt = Seal(b"k" * 32).begin("corp", new_browser(), 0)

    async def go(self) -> Answered:
        url = await self.providers.way_in("corp", self.attempt, BACK)
        async with (
            aiohttp.ClientSession() as http,
            http.get(url, allow_redirects=False) as response,
        ):
            back = dict(parse_qsl(urlsplit(response.headers["Location"]).query))
        assert back["state"] == self.attempt.state
        return Answered(back.get("code", ""), back.get("iss", ""), BACK, int(time.time() * 1000))

    async def signs_in(self) -> Profile:
        return await self.providers.redeem("corp", self.attempt, await self.go())

    async def fails(self, answered: Answered | None = None) -> tuple[str, str]:
        with pytest.raises(NotSignedIn) as caught:
            await self.providers.redeem("corp", self.attempt, answered or await self.go())
        return caught.value.failure, caught.value.reason


async def fails(corp: ScriptedProvider, **more: Any) -> tuple[str, str]:
    """How a sign-in ends; nothing that is secret is in the reason."""
    async with using(corp, **more) as somebody:
        failure, reason = await somebody.fails()
    assert not any(secret and secret in reason for secret in [*corp.heard, SECRET])
    return failure, reason


# ── good ones ──


async def test_who_signs_in_is_told(corp: ScriptedProvider) -> None:
    async with using(corp) as somebody:
        assert await somebody.signs_in() == replace(ANN, issuer=corp.issuer)
        again = Somebody(somebody.providers)
        assert (await again.signs_in()).subject == "4711"
    assert corp.asked.count(DOCUMENT) == corp.asked.count("/jwks") == 1
    assert "/userinfo" not in corp.asked, "the ID token says all"


async def test_what_the_provider_is_asked(corp: ScriptedProvider) -> None:
    corp.metadata = {"authorization_endpoint": f"{corp.issuer}/authorize?tenant=1"}
    async with using(corp, scopes=("openid", "groups")) as somebody:
        url = await somebody.providers.way_in("corp", somebody.attempt, BACK)
    query = parse_qs(urlsplit(url).query)
    assert query.pop("code_challenge")[0] not in somebody.attempt.verifier
    assert query == {
        "tenant": ["1"],
        "response_type": ["code"],
        "client_id": [CLIENT],
        "redirect_uri": [BACK],
        "scope": ["openid groups"],
        "state": [somebody.attempt.state],
        "nonce": [somebody.attempt.nonce],
        "code_challenge_method": ["S256"],
    }


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_every_public_algorithm(corp: ScriptedProvider, algorithm: str) -> None:
    corp.keys = [jwk(algorithm, KID)]
    corp.sign = lambda body: signed(body, algorithm, kid=KID)
    async with using(corp) as somebody:
        assert (await somebody.signs_in()).subject == "4711"


@pytest.mark.parametrize(
    ("secret", "methods"),
    [
        (SECRET, None),
        (SECRET, ["client_secret_basic", "client_secret_post"]),
        (SECRET, ["client_secret_post"]),
        (None, ["none"]),
        (None, None),
    ],
)
async def test_the_client_s_own_authentication(
    corp: ScriptedProvider, secret: str | None, methods: list[str] | None
) -> None:
    corp.secret = secret
    corp.metadata = {"token_endpoint_auth_methods_supported": methods}
    async with using(corp) as somebody:
        assert (await somebody.signs_in()).subject == "4711"


def hashed(token: str, name: str) -> str:
    digest = hashlib.new(name, token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


@pytest.mark.parametrize(("algorithm", "name"), [("RS256", "sha256"), ("EdDSA", "sha512")])
async def test_at_hash(corp: ScriptedProvider, algorithm: str, name: str) -> None:
    corp.keys = [jwk(algorithm, KID)]
    corp.tokens = {"access_token": "opened"}
    corp.sign = lambda body: signed(body, algorithm, kid=KID)
    corp.claims["at_hash"] = hashed("opened", name)
    async with using(corp) as somebody:
        assert (await somebody.signs_in()).subject == "4711"
    corp.claims["at_hash"] = hashed("another", name)
    assert "at_hash" in (await fails(corp))[1]


async def test_userinfo_says_what_the_token_leaves_out(corp: ScriptedProvider) -> None:
    corp.claims = {"name": "Of the token"}
    corp.userinfo = {"preferred_username": "annie", "name": "Of userinfo", "groups": ["chat"]}
    async with using(corp, admin_group="staff") as somebody:
        found = await somebody.signs_in()
    assert (found.username, found.name, found.groups) == ("annie", "Of the token", ("chat",))


async def test_without_userinfo_a_sparse_token_is_enough(corp: ScriptedProvider) -> None:
    corp.claims, corp.metadata = {}, {"userinfo_endpoint": None}
    async with using(corp) as somebody:
        assert await somebody.signs_in() == Profile(corp.issuer, "4711", "", "", "", ())


async def test_clocks_may_differ_by_the_skew(corp: ScriptedProvider) -> None:
    now = int(time.time())
    for iat, exp in ((now + 25, now + 300), (now - 300, now - 25)):
        corp.claims |= {"iat": iat, "exp": exp}
        async with using(corp) as somebody:
            assert (await somebody.signs_in()).subject == "4711"


# ── bad ones ──


BAD_CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "nonce of another attempt": ({"nonce": "x"}, "nonce"),
    "no nonce": ({"nonce": None}, "nonce"),
    "nonce is no text": ({"nonce": ["x"]}, "nonce"),
    "nonce is no Unicode": ({"nonce": "\ud800"}, "nonce"),
    "another audience": ({"aud": "another client"}, "another service"),
    "other audiences": ({"aud": ["another client"]}, "another service"),
    "no audience": ({"aud": None}, "'aud'"),
    "several audiences": ({"aud": [CLIENT, "another client"]}, "azp"),
    "another authorized party": ({"azp": "another client"}, "azp"),
    "another issuer": ({"iss": "https://other.example"}, "another service"),
    "no issuer": ({"iss": None}, "'iss'"),
    "no subject": ({"sub": None}, "'sub'"),
    "empty subject": ({"sub": ""}, "sub"),
    "long subject": ({"sub": "x" * 256}, "sub"),
    "no end": ({"exp": None}, "'exp'"),
    "no beginning": ({"iat": None}, "'iat'"),
}


@pytest.mark.parametrize("name", BAD_CLAIMS)
async def test_a_claim_that_does_not_fit(corp: ScriptedProvider, name: str) -> None:
    changed, says = BAD_CLAIMS[name]
    corp.claims |= changed
    failure, reason = await fails(corp)
    assert failure == "failed"
    assert says in reason


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        ({"iat": -300, "exp": -35}, "expired"),
        ({"iat": 35}, "not good yet"),
        ({"nbf": 35}, "not good yet"),
    ],
)
async def test_a_token_of_another_time(
    corp: ScriptedProvider, seconds: dict[str, int], says: str
) -> None:
    now = int(time.time())
    corp.claims |= {name: now + by for name, by in seconds.items()}
    failure, reason = await fails(corp)
    assert (failure, says in reason) == ("failed", True)


async def test_several_audiences_with_this_client_as_the_authorized_party(
    corp: ScriptedProvider,
) -> None:
    corp.claims |= {"aud": [CLIENT, "another client"], "azp": CLIENT}
    async with using(corp) as somebody:
        assert (await somebody.signs_in()).subject == "4711"


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(algorithm: str) -> Callable[[dict[str, Any]], str]:
    return lambda body: f"{part({'alg': algorithm, 'kid': KID})}.{part(body)}."


def with_secret(secret: bytes) -> Callable[[dict[str, Any]], str]:
    """HS256, which PyJWT itself would refuse to sign with a public key."""

    def sign(body: dict[str, Any]) -> str:
        text = f"{part({'alg': 'HS256', 'kid': KID})}.{part(body)}"
        algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
        forged = base64.urlsafe_b64encode(algorithm.sign(text.encode(), secret))
        return f"{text}.{forged.rstrip(b'=').decode()}"

    return sign


Sign = Callable[[dict[str, Any]], str]
FORGED: dict[str, tuple[Sign, str]] = {
    "alg none": (unsigned("none"), "no such key"),
    "no signature": (unsigned("RS256"), "signature"),
    "the public key as a secret": (with_secret(pem(RSA_KEY)), "no such key"),
    "the client secret": (with_secret(SECRET.encode()), "no such key"),
    "another key": (lambda body: signed(body, "RS256", OTHER_RSA_KEY, kid=KID), "signature"),
    "an unknown key": (lambda body: signed(body, "RS256", kid="two"), "no such key"),
    "another algorithm": (lambda body: signed(body, "ES256", kid=KID), "no such key"),
    "a critical header": (
        lambda body: signed(body, "RS256", kid=KID, crit=["x"], x=1), "cannot be read",
    ),
    "huge": (lambda body: signed({**body, "groups": ["x" * 70_000]}, "RS256", kid=KID), "at most"),
    "words": (lambda body: "no token", "cannot be read"),
    "nothing": (lambda body: "", "cannot be read"),
    "deep": (lambda body: "[" * 9_000, "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
async def test_a_token_that_is_not_its_own(corp: ScriptedProvider, name: str) -> None:
    corp.sign, says = FORGED[name]
    failure, reason = await fails(corp)
    assert failure == "failed"
    assert says in reason


async def test_a_key_that_is_exchanged(corp: ScriptedProvider) -> None:
    async with using(corp) as somebody:
        await somebody.signs_in()
        corp.keys = [jwk("EdDSA", "two"), jwk("ES256", "three")]
        corp.sign = lambda body: signed(body, "ES256", EC_KEY, kid="three")
        published = somebody.providers._providers["corp"].published
        await eventually(lambda: not published.resting, "it may fetch again")
        assert (await Somebody(somebody.providers).signs_in()).subject == "4711"
        corp.sign = lambda body: signed(body, "EdDSA", ED_KEY, kid="two")
        assert (await Somebody(somebody.providers).signs_in()).subject == "4711"
        corp.sign = lambda body: signed(body, "RS256", kid=KID)
        failure, reason = await Somebody(somebody.providers).fails()
        assert (failure, "no such key" in reason) == ("failed", True), "the old one is gone"


async def test_a_code_is_taken_once_and_for_its_own_attempt(corp: ScriptedProvider) -> None:
    async with using(corp) as somebody:
        answered = await somebody.go()
        other = Somebody(somebody.providers)
        assert (await other.fails(answered))[0] == "stale", "PKCE: another verifier"
        await somebody.providers.redeem("corp", somebody.attempt, answered)
        assert (await somebody.fails(answered))[0] == "stale"
        corp.single_use = False
        await somebody.signs_in()
        other.attempt = replace(somebody.attempt, nonce="another")
        assert "nonce" in (await other.fails(await somebody.go()))[1]


@pytest.mark.parametrize("issuer", ["https://evil.example", None])
async def test_an_answer_of_another_issuer(corp: ScriptedProvider, issuer: str | None) -> None:
    corp.reply["iss"] = issuer
    failure, reason = await fails(corp)
    assert (failure, "RFC 9207" in reason) == ("failed", True)
    assert "/token" not in corp.asked, "the code went nowhere"


async def test_an_issuer_that_never_names_itself(corp: ScriptedProvider) -> None:
    corp.metadata = {"authorization_response_iss_parameter_supported": None}
    corp.reply["iss"] = None
    async with using(corp) as somebody:
        assert (await somebody.signs_in()).subject == "4711"


async def test_userinfo_of_somebody_else(corp: ScriptedProvider) -> None:
    corp.claims, corp.userinfo = {}, {"sub": "4712", "preferred_username": "root"}
    assert "another subject" in (await fails(corp))[1]


HUGE = b" " * (MAX_BYTES + 1)


NO_ANSWERS: dict[str, tuple[str, int, bytes, str]] = {
    "tokens: a fault": ("/token", 500, b"", "unavailable"),
    "tokens: huge": ("/token", 200, HUGE, "unavailable"),
    "tokens: moved": ("/token", 302, b"", "failed"),
    "tokens: a page": ("/token", 200, b"<html>", "failed"),
    "tokens: none": ("/token", 200, b"{}", "failed"),
    "tokens: of another type": ("/token", 200, b'{"id_token": 5}', "failed"),
    "tokens: deep": ("/token", 200, b"[" * 100_000, "failed"),
    "tokens: the code is spent": ("/token", 400, b'{"error": "invalid_grant"}', "stale"),
    "tokens: not for it": ("/token", 400, b'{"error": "unauthorized_client"}', "failed"),
    "tokens: bytes": ("/token", 404, b"\xff", "failed"),
    "userinfo: not for it": ("/userinfo", 401, b"", "failed"),
    "userinfo: away": ("/userinfo", 503, b"", "unavailable"),
    "userinfo: a list": ("/userinfo", 200, b"[]", "failed"),
    "userinfo: of nobody": ("/userinfo", 200, b"{}", "failed"),
    "userinfo: huge": ("/userinfo", 200, HUGE, "unavailable"),
}


@pytest.mark.parametrize("name", NO_ANSWERS)
async def test_an_answer_that_is_none(corp: ScriptedProvider, name: str) -> None:
    path, status, body, failure = NO_ANSWERS[name]
    corp.claims, corp.answers[path] = {}, (status, body)
    assert (await fails(corp))[0] == failure
    assert corp.asked[-1] == path, "no redirect is followed"


async def test_a_wrong_client_secret_is_told_to_the_operator(corp: ScriptedProvider) -> None:
    async with using(corp) as somebody:
        corp.secret = "another"
        failure, reason = await somebody.fails()
    assert (failure, "invalid_client" in reason) == ("failed", True)


async def test_what_a_provider_says_is_not_passed_on(corp: ScriptedProvider) -> None:
    corp.answers["/token"] = 400, b'{"error": "\\u001b[31m the code is 12345"}'
    _, reason = await fails(corp)
    assert reason == "the token endpoint answers HTTP 400; check the client"


@pytest.mark.parametrize("path", ["/token", "/userinfo"])
async def test_a_slow_answer_is_not_waited_for(corp: ScriptedProvider, path: str) -> None:
    corp.claims = {}
    brief = Pace(refresh=600, retry=600, pause=0.001, patience=1)
    async with using(corp, pace=brief) as somebody:
        answered = await somebody.go()
        corp.held.add(path)
        failure, reason = await somebody.fails(answered)
    assert (failure, "no answer within 1 s" in reason) == ("unavailable", True)


# ── what it publishes ──


UNUSABLE: dict[str, tuple[Change, str]] = {
    "another issuer": (lambda it: it.metadata.update(issuer="https://x.example"), "its issuer is"),
    "an endpoint is missing": (lambda it: it.metadata.update(token_endpoint=None), "no OpenID"),
    "keys in the clear": (lambda it: it.metadata.update(jwks_uri="http://a.example/"), "jwks_uri"),
    "another scheme": (lambda it: it.metadata.update(token_endpoint="ftp://x/"), "token_endpoint"),
    "no address": (lambda it: it.metadata.update(userinfo_endpoint="/u"), "userinfo_endpoint"),
    "no such port": (lambda it: it.metadata.update(jwks_uri="http://a:99999/"), "InvalidU"),
    "not found": (lambda it: it.answers.update({DOCUMENT: (404, b"")}), "HTTP 404"),
    "moved": (lambda it: it.answers.update({DOCUMENT: (302, b"")}), "HTTP 302"),
    "huge": (lambda it: it.answers.update({DOCUMENT: (200, HUGE)}), "bytes"),
    "deep": (lambda it: it.answers.update({DOCUMENT: (200, b"[" * 99_999)}), "no OpenID"),
    "no key set": (lambda it: it.answers.update({"/jwks": (200, b"{}")}), "no JWK set"),
    "a huge key set": (lambda it: it.answers.update({"/jwks": (200, HUGE)}), "bytes"),
    "no keys": (lambda it: it.keys.clear(), "no key for"),
}


@pytest.mark.parametrize("name", UNUSABLE)
async def test_what_cannot_be_used_is_told_and_nobody_is_sent_there(
    corp: ScriptedProvider, name: str
) -> None:
    change, says = UNUSABLE[name]
    change(corp)
    told: list[str | None] = []
    async with using(corp, told, replace(QUICK, retry=600)) as somebody:
        with pytest.raises(NotSignedIn) as caught:
            await somebody.providers.way_in("corp", somebody.attempt, BACK)
        assert caught.value.failure == "unavailable"
        assert somebody.providers.way_out("corp", BACK) is None
    assert told[0] is not None
    assert says in told[0]


async def test_a_provider_that_was_away_comes_back(corp: ScriptedProvider) -> None:
    corp.answers[DOCUMENT] = 503, b""
    told: list[str | None] = []
    async with using(corp, told) as somebody:
        await eventually(lambda: told == ["HTTP 503"], "it is told")
        del corp.answers[DOCUMENT]
        await eventually(lambda: told == ["HTTP 503", None], "and its end")
        await somebody.signs_in()
        corp.answers[DOCUMENT] = 503, b""
        assert (await Somebody(somebody.providers).signs_in()).subject == "4711", (
            "what was good stays"
        )


async def test_the_way_out_has_no_token(corp: ScriptedProvider) -> None:
    async with using(corp) as somebody:
        await somebody.signs_in()
        url = somebody.providers.way_out("corp", "http://localhost:8080/")
    assert url is not None
    assert url.startswith(f"{corp.issuer}/logout?")
    assert parse_qs(urlsplit(url).query) == {
        "client_id": [CLIENT],
        "post_logout_redirect_uri": ["http://localhost:8080/"],
    }


async def test_endpoints_of_an_https_issuer_are_https() -> None:
    assert _follows("https://login.example", "https://keys.example/jwks")
    assert not _follows("https://login.example", "http://127.0.0.1/jwks")
    assert _follows("http://keycloak:8080/realms/x", "http://keycloak:8080/jwks")
