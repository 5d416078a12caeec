"""Access tokens: what is issued is taken, and nothing else is."""

import base64
import json
from typing import Any

import jwt
import pytest

from hubbub.adapters.local.tokens import JwtTokens
from hubbub_protocol import ids
from hubbub_protocol.codes import Code, Refused
from tests.support.accounts import MINUTE, START

KEY = b"k" * 32
USER, SESSION = ids.text("user", 7), ids.text("session", 8)
GOOD: dict[str, Any] = {
    "iss": "hubbub",
    "aud": "hubbub",
    "sub": USER,
    "sid": SESSION,
    "iat": START // 1000,
    "exp": START // 1000 + 60,
}


def tokens(remembered: int = 10) -> JwtTokens:
    return JwtTokens(KEY, minutes=15, remembered=remembered)


def refusal(token: str, now: int = START) -> str:
    with pytest.raises(Refused) as caught:
        tokens().verify(token, now)
    assert caught.value.code is Code.UNAUTHORIZED
    return caught.value.message


def test_what_was_issued_is_taken_until_its_end() -> None:
    it = tokens()
    token, end = it.issue(7, 8, START + 1)
    assert end == START + 15 * MINUTE
    assert it.verify(token, START) == (7, 8, end)
    assert it.verify(token, end - 1) == (7, 8, end)
    with pytest.raises(Refused, match="expired"):
        it.verify(token, end)
    with pytest.raises(Refused, match="expired"):
        tokens().verify(token, end)


def test_the_claims_are_as_documented() -> None:
    assert tokens().verify(jwt.encode(GOOD, KEY, "HS256"), START) == (7, 8, START + 60_000)


@pytest.mark.parametrize("claim", sorted(GOOD))
def test_no_claim_may_be_missing(claim: str) -> None:
    claims = {name: value for name, value in GOOD.items() if name != claim}
    assert claim in refusal(jwt.encode(claims, KEY, "HS256"))


@pytest.mark.parametrize(
    ("claim", "value", "says"),
    [
        ("iss", "other", "another service"),
        ("aud", "other", "another service"),
        ("sub", "user_x", "cannot be read"),
        ("sub", SESSION, "cannot be read"),
        ("sid", USER, "cannot be read"),
        ("exp", "soon", "cannot be read"),
        ("exp", START // 1000 - 1, "expired"),
    ],
)
def test_a_wrong_claim(claim: str, value: object, says: str) -> None:
    assert says in refusal(jwt.encode({**GOOD, claim: value}, KEY, "HS256"))


def test_another_key_or_algorithm_is_refused() -> None:
    assert "not signed by this server" in refusal(jwt.encode(GOOD, b"x" * 32, "HS256"))
    assert "HS256" in refusal(jwt.encode(GOOD, KEY * 2, "HS512"))
    assert "HS256" in refusal(jwt.encode(GOOD, "", "none"))


def test_a_changed_token_is_refused() -> None:
    head, _, signature = jwt.encode(GOOD, KEY, "HS256").split(".")
    claims = json.dumps({**GOOD, "sub": ids.text("user", 9)}).encode()
    forged = base64.urlsafe_b64encode(claims).rstrip(b"=").decode()
    assert "not signed" in refusal(f"{head}.{forged}.{signature}")


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "ä.b.c", "\ud800", "." * 4000, "a b"])
def test_what_is_no_token(token: str) -> None:
    assert "cannot be read" in refusal(token)


def test_the_memory_of_good_tokens_is_bounded() -> None:
    it = tokens(remembered=2)
    issued = [it.issue(number, 1, START)[0] for number in range(5)]
    for _ in range(2):
        for number, token in enumerate(issued):
            assert it.verify(token, START)[0] == number
    assert len(it._good) == 2


def test_an_operator_is_no_user_and_no_user_an_operator() -> None:
    tokens = JwtTokens(b"k" * 32, 15)
    now = 1_790_000_000_000
    operator, (user, _) = tokens.issue_operator(now), tokens.issue(1, 2, now)
    assert tokens.is_operator(operator, now)
    assert not tokens.is_operator(operator, now + 60_000), "good for a minute"
    assert not tokens.is_operator(user, now)
    assert not JwtTokens(b"x" * 32, 15).is_operator(operator, now)
    assert not any(tokens.is_operator(text, now) for text in ("", "a.b.c", operator[:-3]))
    with pytest.raises(Refused):
        tokens.verify(operator, now)
