"""Tokens of host applications: those that fit are taken, and nothing else is."""

import base64
import json
from typing import Any

import jwt
import pytest

from hubbub.adapters.issuers.claims import MAX_TOKEN
from hubbub.adapters.issuers.jwks import FixedKey
from hubbub.adapters.issuers.keys import BadKey, configured, published
from hubbub.adapters.issuers.tokens import MAX_AGE_MS, Host, HostApplications
from hubbub.domain.account import Visitor
from hubbub.domain.credentials import session_name
from hubbub.domain.issuer import Algorithm, Issuer
from hubbub_protocol.codes import Code, Refused
from tests.support.accounts import START
from tests.support.hosts import (
    AUDIENCE,
    ISSUER,
    OTHER_RSA_KEY,
    PRIVATE,
    RSA_KEY,
    SECRET,
    claims,
    jwk,
    pem,
    signed,
)

ALGORITHMS: tuple[Algorithm, ...] = ("HS256", "RS256", "ES256", "EdDSA")
SKEW = 30_000


def host(algorithm: Algorithm = "HS256", name: str = "default", **told: Any) -> Host:
    text = SECRET.encode() if algorithm == "HS256" else pem(PRIVATE[algorithm])
    issuer = Issuer(**{"issuer": ISSUER, "audience": AUDIENCE, **told})
    return Host(name, issuer, FixedKey(configured(algorithm, text)))


def hosts(algorithm: Algorithm = "HS256", **told: Any) -> HostApplications:
    return HostApplications([host(algorithm, **told)])


async def refusal(token: str, it: HostApplications | None = None, now: int = START) -> str:
    with pytest.raises(Refused) as caught:
        await (it or hosts()).verify(token, now)
    assert caught.value.code is Code.UNAUTHORIZED
    return caught.value.message


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_good_token_is_taken(algorithm: Algorithm) -> None:
    token = signed(claims(START, name="Ann B.", sid="phone"), algorithm)
    assert hosts(algorithm).is_named(token)
    assert await hosts(algorithm).verify(token, START) == Visitor(
        name="ext:ann",
        display_name="Ann B.",
        session=session_name("ext:ann", "phone"),
        device="default phone",
        issued_at=START,
        expires_at=START + 3_600_000 + SKEW,
    )


@pytest.mark.parametrize("used", ALGORITHMS)
@pytest.mark.parametrize("wanted", ALGORITHMS)
async def test_a_key_has_one_algorithm(wanted: Algorithm, used: Algorithm) -> None:
    if used != wanted:
        assert "no such key" in await refusal(signed(claims(START), used), hosts(wanted))


@pytest.mark.parametrize("secret", [pem(RSA_KEY), pem(RSA_KEY).strip(), jwk("RS256")["n"].encode()])
async def test_a_public_key_is_no_secret(secret: bytes) -> None:
    # RFC 8725 section 2.1. PyJWT itself would not sign so.
    head, body = ({"alg": "HS256", "typ": "JWT"}, claims(START))
    text = ".".join(part(each) for each in (head, body))
    forged = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        text.encode(), secret
    )
    token = f"{text}.{base64.urlsafe_b64encode(forged).rstrip(b'=').decode()}"
    assert "no such key" in await refusal(token, hosts("RS256"))


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["none", "nOnE", "", None, 5, ["HS256"]])
async def test_an_unsigned_token_is_refused(algorithm: object) -> None:
    for signature in ("", "AAAA"):
        token = f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(claims(START))}.{signature}"
        await refusal(token)


async def test_another_key_is_refused() -> None:
    token = signed(claims(START), "RS256", OTHER_RSA_KEY)
    assert "signature" in await refusal(token, hosts("RS256"))
    assert "signature" in await refusal(signed(claims(START), private="x" * 40))


@pytest.mark.parametrize("claim", ["aud", "sub", "iat", "exp"])
async def test_a_claim_that_is_missing(claim: str) -> None:
    assert repr(claim) in await refusal(signed(claims(START, **{claim: None})))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"aud": "mail"}, "another service"),
        ({"aud": ["mail", "calendar"]}, "another service"),
        ({"aud": 5}, ""),
        ({"iss": "https://other.example"}, "not known"),
        ({"iss": None}, "not known"),
        ({"sub": ""}, "cannot be a user"),
        ({"sub": "x" * 256}, "cannot be a user"),
        ({"sub": "a\nb"}, "cannot be a user"),
        ({"sub": "a\u202eb"}, "cannot be a user"),
        ({"sub": 5}, "cannot be read"),
        ({"exp": "soon"}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": 1e300}, "exp"),
        ({"exp": float("inf")}, "exp"),
        ({"iat": -1}, "iat"),
        ({"nbf": "x"}, "nbf"),
    ],
)
async def test_a_wrong_claim(changed: dict[str, Any], says: str) -> None:
    assert says in await refusal(signed(claims(START, **changed)))


async def test_an_audience_among_others() -> None:
    token = signed(claims(START, aud=["mail", AUDIENCE]))
    assert (await hosts().verify(token, START)).name == "ext:ann"


async def test_a_token_is_good_from_its_beginning_to_its_end_give_or_take_the_skew() -> None:
    it, second = hosts(), START // 1000
    token = signed(claims(START, exp=second + 60, nbf=second))
    for now in (START - SKEW, START, START + 60_000 + SKEW - 1):
        assert (await it.verify(token, now)).expires_at == START + 60_000 + SKEW
    assert "expired" in await refusal(token, it, START + 60_000 + SKEW)
    assert "not good yet" in await refusal(token, it, START - SKEW - 1)
    later = signed(claims(START, nbf=second + 31))
    assert "not good yet" in await refusal(later, it)
    assert await it.verify(later, START + 1_000)
    exact = hosts(skew=0)
    assert "expired" in await refusal(token, exact, START + 60_000)
    assert await exact.verify(token, START + 59_999)


async def test_a_token_of_a_year_is_good_for_a_week() -> None:
    token = signed(claims(START, exp=START // 1000 + 365 * 86_400))
    assert (await hosts().verify(token, START)).expires_at == START + MAX_AGE_MS
    assert "expired" in await refusal(token, now=START + MAX_AGE_MS)


@pytest.mark.parametrize(
    "headers",
    [{"crit": ["exp"]}, {"crit": ["b64"], "b64": False}, {"crit": []}, {"crit": "x"}, {"crit": 5}],
)
async def test_critical_headers_are_not_passed_over(headers: dict[str, Any]) -> None:
    text = f"{part({'alg': 'HS256', 'typ': 'JWT', **headers})}.{part(claims(START))}"
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    signature = base64.urlsafe_b64encode(algorithm.sign(text.encode(), SECRET.encode()))
    token = f"{text}.{signature.rstrip(b'=').decode()}"
    assert not hosts().is_named(token)
    await refusal(token)


async def test_keys_in_the_token_itself_are_not_taken() -> None:
    body = claims(START)
    for name, value in (("jwk", jwk("RS256", private=OTHER_RSA_KEY)), ("jku", "http://evil/")):
        token = signed(body, "RS256", OTHER_RSA_KEY, **{name: value})
        assert "signature" in await refusal(token, hosts("RS256"))


@pytest.mark.parametrize(
    "token", ["", "a", "a.b.c", "ä.b.c", "\ud800", "." * 4000, "a b", "é" * 99]
)
async def test_what_is_no_token(token: str) -> None:
    assert not hosts().is_named(token)
    await refusal(token)


async def test_a_huge_token_is_not_looked_at() -> None:
    token = signed(claims(START, name="x" * MAX_TOKEN))
    assert len(token) > MAX_TOKEN
    assert not hosts().is_named(token)
    assert f"{MAX_TOKEN}" in await refusal(token)
    deep = f"{part({'alg': 'HS256'})}.{base64.urlsafe_b64encode(b'[' * 5000).decode()}.AAAA"
    await refusal(deep)


async def test_users_of_several_issuers_are_kept_apart() -> None:
    other = "https://other.example"
    it = HostApplications([host(), host(name="corp", issuer=other)])
    ann = await it.verify(signed(claims(START)), START)
    theirs = await it.verify(signed(claims(START, iss=other)), START)
    assert (ann.name, theirs.name) == ("ext:ann", "ext:corp:ann")
    assert ann.session != theirs.session
    assert "cannot be a user" in await refusal(signed(claims(START, sub="corp:ann")), it)
    assert (await it.verify(signed(claims(START, sub="corps:ann")), START)).name == "ext:corps:ann"


async def test_a_session_for_each_device_and_one_without() -> None:
    async def session(**changed: Any) -> bytes:
        return (await hosts().verify(signed(claims(START, **changed)), START)).session

    assert await session() == await session(jti="other", sid=None) == await session(sid="")
    assert await session(sid="a") != await session(sid="b") != await session()
    assert await session(sid=5) == await session(sid="5")
    assert await session(sid=["a"]) == await session()
    by_device = hosts(session_claim="device")
    visitor = await by_device.verify(signed(claims(START, device="a", sid="b")), START)
    assert visitor.session == session_name("ext:ann", "a")


@pytest.mark.parametrize(
    ("name", "shown"),
    [(" Ann ", "Ann"), ("", "ann"), (None, "ann"), (["x"], "ann"), ("x" * 300, "x" * 100),
     ("a\x00b", "ann")],
)  # fmt: skip
async def test_the_display_name(name: object, shown: str) -> None:
    it = hosts(name_claim="nick")
    assert (await it.verify(signed(claims(START, nick=name)), START)).display_name == shown


# ── keys ──


@pytest.mark.parametrize(
    ("algorithm", "text", "says"),
    [
        ("HS256", b"short", "32 bytes"),
        ("HS256", pem(RSA_KEY), "PEM"),
        ("RS256", SECRET.encode(), "no public key"),
        ("RS256", pem(PRIVATE["ES256"]), "not one for RS256"),
        ("ES256", pem(PRIVATE["EdDSA"]), "not one for ES256"),
        ("EdDSA", pem(RSA_KEY), "not one for EdDSA"),
        ("RS256", b"", "no public key"),
    ],
)
def test_a_key_that_cannot_be_used(algorithm: Algorithm, text: bytes, says: str) -> None:
    with pytest.raises(BadKey, match=says):
        configured(algorithm, text)


def test_of_a_key_set_what_can_be_used_is_taken() -> None:
    good = [jwk("RS256", "r", alg="RS256"), jwk("ES256", "e", use="sig"), jwk("EdDSA", "d"),
            jwk("RS256")]  # fmt: skip
    bad: list[Any] = [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "s", "alg": "HS256"},
        jwk("RS256", "x", use="enc"),
        jwk("RS256", "x", alg="RS512"),
        jwk("RS256", "x", alg="HS256"),
        {**jwk("RS256", "x"), "n": "!"},
        {**jwk("ES256", "x"), "crv": "P-999"},
        {"kty": ["RSA"]},
        {**jwk("RS256"), "kid": 5},
        {},
    ]
    document = json.dumps({"keys": [*bad, *good]}).encode()
    assert [(key.kid, key.algorithm) for key in published(document)] == [
        ("r", "RS256"), ("e", "ES256"), ("d", "EdDSA"), (None, "RS256")
    ]  # fmt: skip
    for nothing in (b"", b"[]", b"{}", b'{"keys": 5}', b"\xff", json.dumps({"keys": bad}).encode()):
        with pytest.raises(BadKey):
            published(nothing)
    many = json.dumps({"keys": [jwk("EdDSA", str(n)) for n in range(200)]}).encode()
    assert len(published(many)) == 50
