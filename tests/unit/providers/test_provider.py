"""Rules about identity providers and those who sign in with them."""

import hashlib
import re
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from hubbub.domain.attempt import LIFE_MS, Seal, known_browser, new_browser
from hubbub.domain.credentials import plain_username
from hubbub.domain.provider import (
    GOOGLE,
    NotSignedIn,
    Profile,
    Provider,
    is_admin,
    needed,
    profile,
    refusal,
)
from hubbub.domain.usernames import usernames

ISSUER = "https://login.example"
UNIQUE = "01h2x3y4z5a6b"
START = 1_790_000_000_000


def of(claims: dict[str, Any], **told: Any) -> Profile:
    provider = Provider(**{"issuer": ISSUER, "client_id": "x", **told})
    return profile(provider, {"sub": "1", **claims})


# ── who somebody is ──


@pytest.mark.parametrize(
    ("claims", "username", "name"),
    [
        ({"preferred_username": "ann", "name": " Ann A. "}, "ann", "Ann A."),
        ({"email": "ann@corp.example"}, "ann", ""),
        ({"preferred_username": "a\x00b", "name": 5}, "", "5"),
        ({"preferred_username": ["ann"], "name": None}, "", ""),
        ({"name": "x" * 300}, "", "x" * 100),
    ],
)
def test_names(claims: dict[str, Any], username: str, name: str) -> None:
    found = of(claims)
    assert (found.username, found.name) == (username, name)


def test_other_claims_may_be_named() -> None:
    found = of(
        {"upn": "ann", "nick": "Annie", "roles": ["a"]},
        username_claim="upn", name_claim="nick", groups_claim="roles",
    )  # fmt: skip
    assert (found.username, found.name, found.groups) == ("ann", "Annie", ("a",))


@pytest.mark.parametrize(
    ("claims", "issuer", "domain"),
    [
        ({"email": "ann@Corp.Example", "email_verified": True}, ISSUER, "corp.example"),
        ({"email": "ann@corp.example", "email_verified": "true"}, ISSUER, "corp.example"),
        ({"email": "ann@corp.example", "email_verified": False}, ISSUER, ""),
        ({"email": "ann@corp.example", "email_verified": 1.5}, ISSUER, ""),
        ({"email": "ann@corp.example"}, ISSUER, ""),
        ({"email": "ann", "email_verified": True}, ISSUER, ""),
        ({"hd": "corp.example"}, ISSUER, ""),
        ({"hd": "corp.example", "email": "ann@other.example"}, GOOGLE, "corp.example"),
        ({"email": "ann@corp.example", "email_verified": True}, GOOGLE, ""),
    ],
)
def test_the_domain_is_a_verified_one(claims: dict[str, Any], issuer: str, domain: str) -> None:
    assert of(claims, issuer=issuer).domain == domain


@pytest.mark.parametrize(
    ("groups", "found"),
    [(["a", "b"], ("a", "b")), ("a", ("a",)), (None, ()), ([1, "a", None], ("a",)), ({"a": 1}, ())],
)
def test_groups(groups: Any, found: tuple[str, ...]) -> None:
    assert of({"groups": groups}).groups == found


@pytest.mark.parametrize("subject", ["", "x" * 256, "a\x00b", 5, None, ["1"]])
def test_nobody_without_a_subject(subject: Any) -> None:
    with pytest.raises(NotSignedIn):
        of({"sub": subject})


# ── who may come in ──


@pytest.mark.parametrize(
    ("told", "domain", "groups", "good"),
    [
        ({}, "", (), True),
        ({"allowed_domains": ("corp.example",)}, "corp.example", (), True),
        ({"allowed_domains": ("@Corp.Example", "b")}, "corp.example", (), True),
        ({"allowed_domains": ("corp.example",)}, "evil.corp.example", (), False),
        ({"allowed_domains": ("corp.example",)}, "", (), False),
        ({"allowed_groups": ("chat",)}, "", ("all", "chat"), True),
        ({"allowed_groups": ("chat",)}, "", ("Chat",), False),
        ({"allowed_groups": ("chat",), "allowed_domains": ("b",)}, "b", (), False),
    ],
)
def test_who_may_come_in(told: Any, domain: str, groups: tuple[str, ...], good: bool) -> None:
    found = Profile(ISSUER, "1", "", "", domain, groups)
    assert (refusal(Provider(**told), found) is None) is good


def test_a_group_of_admins() -> None:
    found = Profile(ISSUER, "1", "", "", "", ("staff", ""))
    assert is_admin(Provider(), found) is None, "it has no say"
    assert is_admin(Provider(admin_group="staff"), found) is True
    assert is_admin(Provider(admin_group="root"), found) is False


def test_only_what_is_needed_is_asked_for() -> None:
    assert needed(Provider()) == ["preferred_username", "name"]
    assert "email_verified" in needed(Provider(allowed_domains=("a",)))
    assert "groups" in needed(Provider(admin_group="a"))
    assert "roles" in needed(Provider(allowed_groups=("a",), groups_claim="roles"))


# ── user names ──


@pytest.mark.parametrize(
    ("wanted", "first"),
    [
        ("ann", "ann"),
        ("Ann.Müller@corp.example", "ann.muller"),
        ("Åsa Öberg", "asa.oberg"),
        ("ann+test", "ann.test"),
        ("CORP\\ann", "corp.ann"),
        ("--ann--", "ann"),
        ("ﬁsh²", "fish2"),
        ("李雷", f"user-{UNIQUE}"),
        ("", f"user-{UNIQUE}"),
        ("@", f"user-{UNIQUE}"),
        ("x" * 50, "x" * 32),
        ("a" * 31 + ".b", "a" * 31),
    ],
)
def test_user_names(wanted: str, first: str) -> None:
    names = list(usernames(wanted, UNIQUE))
    assert names[0] == first
    assert names[-1].endswith(f"-{UNIQUE}")
    assert all(plain_username(name) == name for name in names)
    assert len(set(names)) == len(names)


def test_a_number_makes_it_another() -> None:
    assert list(usernames("ann", UNIQUE))[:3] == ["ann", "ann2", "ann3"]


# ── one way there and back ──

SEAL = Seal(b"k" * 32)


def test_an_attempt_is_known_again() -> None:
    browser = new_browser()
    attempt = SEAL.begin("corp", browser, START)
    assert Seal(b"k" * 32).resume("corp", browser, attempt.state, START + LIFE_MS) == attempt
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", attempt.verifier), "RFC 7636 section 4.1"
    digest = hashlib.sha256(attempt.verifier.encode()).digest()
    assert attempt.challenge == urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert len({attempt.state, attempt.nonce, attempt.verifier, attempt.challenge}) == 4
    again = SEAL.begin("corp", browser, START)
    assert again.state != attempt.state, "two tabs at once"
    assert SEAL.resume("corp", browser, again.state, START) == again


def test_an_attempt_is_of_one_browser_one_provider_one_server_and_a_while() -> None:
    browser = new_browser()
    state = SEAL.begin("corp", browser, START).state
    assert SEAL.resume("corp", new_browser(), state, START) is None
    assert SEAL.resume("other", browser, state, START) is None
    assert Seal(b"j" * 32).resume("corp", browser, state, START) is None
    assert SEAL.resume("corp", browser, state, START + LIFE_MS + 1) is None


def test_a_state_that_was_changed() -> None:
    browser = new_browser()
    state = SEAL.begin("corp", browser, START).state
    began, chance, mac = state.split(".")
    later = f"{int(began) + 1}.{chance}.{mac}"
    for bad in ("", "x", "..", later, f"0{state}", f"{began}.{'A' * 22}.{mac}", state + "\n", "é"):
        assert SEAL.resume("corp", browser, bad, START) is None


def test_a_ticket_is_of_one_browser_and_one_code() -> None:
    browser = new_browser()
    ticket = SEAL.ticket(browser, "code")
    assert SEAL.ticket(browser, "code") == ticket
    assert SEAL.ticket(new_browser(), "code") != ticket
    assert SEAL.ticket(browser, "other") != ticket


@pytest.mark.parametrize("value", ["", None, "x", "x" * 44, "x" * 42 + "=", "é" * 43])
def test_what_no_browser_was_given(value: str | None) -> None:
    assert known_browser(value) is None
    assert known_browser("x" * 43) == "x" * 43
