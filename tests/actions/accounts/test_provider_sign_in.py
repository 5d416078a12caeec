"""Signing in with an identity provider, on a store in memory and with the clock by hand."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from msgspec.structs import replace

from hubbub.actions.enrol import Enrol
from hubbub.actions.grant import Grant
from hubbub.actions.provider_sign_in import (
    TICKET_MS,
    Cookie,
    FromProvider,
    Leads,
    ProviderSignIn,
)
from hubbub.actions.throttle import Throttle
from hubbub.domain.account import MAX_SESSIONS, Identity, User
from hubbub.domain.attempt import LIFE_MS, Attempt, Seal
from hubbub.domain.provider import NotSignedIn, Profile, Provider
from hubbub.ports import Answered, Unavailable
from hubbub_protocol import ids, rest
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.ids import IdMaker
from tests.support.accounts import CALLER, REFRESH_DAYS, START, Rig, rig

BASE = "https://chat.example"
COOKIE = "__Host-hubbub-signin"
ANN = Profile("https://login.example", "4711", "ann", "Ann Archer", "corp.example", ("staff",))


class GoodProviders:
    """Providers whose answers are good; tells what it was asked."""

    def __init__(self, **told: Any) -> None:
        provider = Provider(issuer=ANN.issuer, client_id="x", title="Corp", **told)
        self.told: Mapping[str, Provider] = {"corp": provider, "other": provider}
        self.found = ANN
        self.fails: NotSignedIn | None = None
        self.way: str | None = "https://login.example/logout"
        self.went: list[tuple[str, Attempt, str]] = []
        self.answers: list[tuple[str, Attempt, Answered]] = []

    async def way_in(self, name: str, attempt: Attempt, back: str) -> str:
        if self.fails:
            raise self.fails
        self.went.append((name, attempt, back))
        return f"https://login.example/{attempt.state}"

    async def redeem(self, name: str, attempt: Attempt, answer: Answered) -> Profile:
        self.answers.append((name, attempt, answer))
        if self.fails:
            raise self.fails
        return self.found

    def way_out(self, name: str, back: str) -> str | None:
        return self.way and f"{self.way}?{back}"


class House:
    """A server, and one browser."""

    def __init__(self, base: str = BASE, per_minute: float = 0, **told: Any) -> None:
        self.rig: Rig = rig("closed")
        self.clock, self.accounts = self.rig.clock, self.rig.accounts
        self.providers = GoodProviders(**told)
        self.told: list[tuple[str, str, str]] = []
        maker = IdMaker(2, self.clock.now_ms)
        grant = Grant(
            self.accounts, self.rig.tokens, self.rig.revocations, maker, self.clock, REFRESH_DAYS
        )
        self.sign_in = ProviderSignIn(
            self.providers,
            Enrol(self.accounts, maker, self.clock),
            grant,
            Seal(b"k" * 32),
            Throttle("provider", self.clock, per_minute, per_minute),
            lambda: base,
            lambda name, why: self.told.append((name, why.failure, why.reason)),
        )
        self.cookies: dict[str, str] = {}

    def _keep(self, cookie: Cookie | None) -> None:
        if cookie is None:
            return
        self.cookies[cookie.name] = cookie.value
        if not cookie.seconds:
            del self.cookies[cookie.name]

    def _leads(self, leads: Leads) -> str:
        self._keep(leads.cookie)
        return leads.to

    async def start(self, name: str = "corp") -> str:
        """The state with which the provider is gone to."""
        to = self._leads(await self.sign_in.start(name, self.cookies, CALLER))
        return to.rpartition("/")[2]

    async def finish(self, state: str, name: str = "corp", **more: str) -> dict[str, str]:
        """What the page is told."""
        reply = FromProvider(**{"state": state, "code": "c0de", "error": "", "issuer": "", **more})
        to = self._leads(await self.sign_in.finish(name, reply, self.cookies, CALLER))
        assert to.startswith(f"{BASE}/#"), "nowhere else, and in the fragment"
        return dict(parse_qsl(urlsplit(to).fragment))

    async def exchange(self, code: str) -> rest.SignedIn:
        signed_in, cookie = await self.sign_in.exchange(rest.Exchange(code), self.cookies)
        self._keep(cookie)
        return signed_in

    async def comes_in(self) -> rest.SignedIn:
        return await self.exchange((await self.finish(await self.start()))["oidc"])

    async def refused(self, code: str) -> None:
        with pytest.raises(Refused) as caught:
            await self.exchange(code)
        assert caught.value.code is Code.UNAUTHORIZED


async def test_there_and_back() -> None:
    it = House()
    state = await it.start()
    ((name, attempt, back),) = it.providers.went
    assert (name, attempt.state) == ("corp", state)
    assert back == f"{BASE}/api/v1/auth/oidc/corp/callback"
    told = await it.finish(state)
    assert told["provider"] == "corp"
    assert it.providers.answers == [("corp", attempt, Answered("c0de", "", back, START))]
    signed_in = await it.exchange(told["oidc"])
    assert (signed_in.user.username, signed_in.user.display_name) == ("ann", "Ann Archer")
    assert it.cookies == {}, "nothing is left in the browser"
    principal = await it.rig.authenticate(signed_in.token)
    (session,) = (await it.rig.sessions(principal)).sessions
    assert (session.device, session.id) == (CALLER.device, signed_in.session_id)
    again = await it.rig.refresh(rest.Refresh(signed_in.refresh_token))
    await it.rig.revoke(principal, again.session_id)
    with pytest.raises(Refused):
        await it.rig.authenticate(again.token)


async def test_registration_may_be_closed() -> None:
    it = House()
    assert (await it.comes_in()).user.username == "ann"
    with pytest.raises(Refused):
        await it.rig.register(rest.Register(username="bob", password="12345678"), CALLER)


@pytest.mark.parametrize(
    ("base", "name", "secure"),
    [(BASE, COOKIE, True), ("http://localhost:8080", "hubbub-signin", False)],
)
async def test_the_cookie_is_this_host_s_alone(base: str, name: str, secure: bool) -> None:
    leads = await House(base).sign_in.start("corp", {}, CALLER)
    assert leads.cookie is not None
    assert leads.cookie == Cookie(name, leads.cookie.value, LIFE_MS // 1000, secure)


# ── another browser, another time ──


async def test_another_browser_s_state_signs_nobody_in() -> None:
    """Login CSRF: an attacker's own way back, opened by somebody else."""
    it = House()
    state = await it.start()
    for cookies in ({}, {COOKIE: "x" * 43}, {"hubbub-signin": it.cookies[COOKIE]}):
        it.cookies = dict(cookies)
        assert (await it.finish(state))["oidc-failed"] == "stale"
    assert it.providers.answers == [], "the code went nowhere"
    assert not await it.accounts.has_users()


async def test_a_way_back_is_gone_once() -> None:
    it = House()
    state = await it.start()
    told = await it.finish(state)
    assert (await it.finish(state))["oidc-failed"] == "stale"
    assert len(it.providers.answers) == 1
    await it.exchange(told["oidc"])


async def test_two_tabs_at_once_are_one_browser() -> None:
    it = House()
    first, second = await it.start(), await it.start()
    assert first != second
    assert "oidc" in await it.finish(first)


async def test_a_state_is_of_one_provider() -> None:
    """Mix-up: an answer of one provider, brought to another's address."""
    it = House()
    assert (await it.finish(await it.start("corp"), "other"))["oidc-failed"] == "stale"
    assert it.providers.answers == []


async def test_whoever_takes_too_long_begins_again() -> None:
    it = House()
    state = await it.start()
    it.clock.ms += LIFE_MS + 1
    assert (await it.finish(state))["oidc-failed"] == "stale"
    assert "oidc" in await it.finish(await it.start())


async def test_the_page_s_code_is_exchanged_once_soon_and_in_the_same_browser() -> None:
    it = House()
    code = (await it.finish(await it.start()))["oidc"]
    kept, it.cookies = it.cookies, {COOKIE: "x" * 43}
    await it.refused(code)
    it.cookies = {}
    await it.refused(code)
    it.cookies = dict(kept)
    await it.refused(code + "x")
    with pytest.raises(Refused):
        await it.rig.refresh(rest.Refresh(code))
    signed_in = await it.exchange(code)
    it.cookies = dict(kept)
    await it.refused(code)
    with pytest.raises(Refused):
        await it.rig.refresh(rest.Refresh(signed_in.refresh_token))  # two had the code
    late = (await it.finish(await it.start()))["oidc"]
    it.clock.ms += TICKET_MS
    await it.refused(late)


async def test_who_never_comes_back_leaves_no_session() -> None:
    it = House()
    first = await it.comes_in()
    for _ in range(MAX_SESSIONS // 2):
        await it.finish(await it.start())
    it.clock.ms += TICKET_MS
    principal = await it.rig.authenticate(first.token)
    assert len((await it.rig.sessions(principal)).sessions) == 1


# ── who somebody is ──


async def test_who_comes_again_is_the_same_user_with_the_provider_s_name() -> None:
    it = House()
    first = await it.comes_in()
    it.providers.found = replace(ANN, username="annie", name="Ann B.")
    second = await it.comes_in()
    assert second.user == rest.User(first.user.id, "ann", "Ann B.")


async def test_a_name_that_is_taken_makes_another() -> None:
    it = House()
    await it.accounts.add_user(User(7, "ann", "Somebody", "hash", False, START), None)
    assert (await it.comes_in()).user.username == "ann2"
    it.providers.found = replace(ANN, subject="4712")
    assert (await it.comes_in()).user.username == "ann3"
    for number in range(4713, 4719):
        it.providers.found = replace(ANN, subject=str(number))
        await it.comes_in()
    it.providers.found = replace(ANN, subject="5000")
    last = (await it.comes_in()).user
    assert last.username == f"ann-{last.id.removeprefix('user_')}"


async def test_the_same_subject_of_another_issuer_is_somebody_else() -> None:
    it = House()
    first = await it.comes_in()
    it.providers.found = replace(ANN, issuer="https://other.example")
    assert (await it.comes_in()).user.id != first.user.id


async def test_whom_no_name_is_known_of() -> None:
    it = House()
    it.providers.found = replace(ANN, username="", name="")
    user = (await it.comes_in()).user
    assert (user.username, user.display_name) == (f"user-{user.id.removeprefix('user_')}", "4711")


async def test_a_user_who_was_there_is_one_whom_the_operator_links() -> None:
    it = House(create_users=False)
    await it.accounts.add_user(User(7, "ann", "Ann", "hash", True, START), None)
    assert (await it.finish(await it.start()))["oidc-failed"] == "forbidden"
    assert "'4711'; `hubbub admin identity link`" in it.told[-1][2]
    await it.accounts.link(Identity(ANN.issuer, ANN.subject), 7)
    user = (await it.comes_in()).user
    assert user == rest.User(ids.text("user", 7), "ann", "Ann Archer", is_admin=True)


async def test_an_admin_is_who_is_in_the_group_now() -> None:
    it = House(admin_group="staff")
    assert (await it.comes_in()).user.is_admin
    it.providers.found = replace(ANN, groups=())
    assert not (await it.comes_in()).user.is_admin


async def test_who_may_not_come_in_leaves_nothing() -> None:
    it = House(allowed_domains=("other.example",))
    assert (await it.finish(await it.start()))["oidc-failed"] == "forbidden"
    assert not await it.accounts.has_users()
    assert it.told == [
        ("corp", "forbidden", "no verified mail address of an allowed domain (subject '4711')")
    ]


# ── what goes wrong ──


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        ("access_denied", "cancelled"),
        ("login_required", "cancelled"),
        ("temporarily_unavailable", "unavailable"),
        ("unauthorized_client", "failed"),
        ("\x1b[31m", "failed"),
        ("x" * 250, "failed"),
        ("", "failed"),
    ],
)
async def test_an_answer_without_a_code(error: str, failure: str) -> None:
    it = House()
    told = await it.finish(await it.start(), code="", error=error)
    assert told == {"oidc-failed": failure, "provider": "corp"}
    assert it.told[0][2].isprintable()
    assert len(it.told[0][2]) < 120


async def test_what_the_provider_s_answer_is_not_worth() -> None:
    it = House()
    state = await it.start()
    it.providers.fails = NotSignedIn("failed", "its nonce is not of this attempt")
    assert await it.finish(state) == {"oidc-failed": "failed", "provider": "corp"}
    assert it.told == [("corp", "failed", "its nonce is not of this attempt")]


async def test_a_provider_that_is_away() -> None:
    it = House()
    it.providers.fails = NotSignedIn("unavailable", "no answer within 5 s")
    leads = await it.sign_in.start("corp", {}, CALLER)
    assert leads.to == f"{BASE}/#oidc-failed=unavailable&provider=corp"
    assert leads.cookie is None


async def test_a_store_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    it = House()
    state = await it.start()

    async def away(*_: object) -> None:
        raise Unavailable("away")

    monkeypatch.setattr(it.accounts, "recognise", away)
    assert (await it.finish(state))["oidc-failed"] == "unavailable"


async def test_tries_are_counted() -> None:
    it = House(per_minute=2)
    for _ in range(2):
        state = await it.start()
    limited = await it.sign_in.start("corp", it.cookies, CALLER)
    assert limited.to == f"{BASE}/#oidc-failed=rate_limited&provider=corp"
    assert "oidc" in await it.finish(state), "who has begun comes back"


@pytest.mark.parametrize("name", ["nobody", "", "corp\n"])
async def test_a_provider_that_is_not_there(name: str) -> None:
    it = House()
    reply = FromProvider("", "", "", "")
    for step in (
        lambda: it.sign_in.start(name, {}, CALLER),
        lambda: it.sign_in.finish(name, reply, {}, CALLER),
    ):
        with pytest.raises(Refused) as caught:
            await step()
        assert caught.value.code is Code.NOT_FOUND
    with pytest.raises(Refused):
        it.sign_in.leave(name)


async def test_what_is_offered() -> None:
    it = House()
    corp, _ = it.sign_in.offered()
    at = f"{BASE}/api/v1/auth/oidc/corp"
    assert corp == rest.Provider("corp", "Corp", f"{at}/start", f"{at}/logout")
    assert it.sign_in.leave("corp") == Leads(f"https://login.example/logout?{BASE}/")
    it.providers.way = None
    assert it.sign_in.offered()[0].logout_url is None
    with pytest.raises(Refused):
        it.sign_in.leave("corp")
