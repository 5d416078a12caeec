"""Signing in with a host application's token, on a store in memory and with the clock by hand."""

import asyncio

import pytest

from hubbub.actions.authenticate import Authenticate
from hubbub.actions.directory import Directory, UnknownNames
from hubbub.actions.sessions import ListSessions, RevokeSession
from hubbub.actions.visits import Visits
from hubbub.adapters.issuers.jwks import FixedKey
from hubbub.adapters.issuers.keys import configured
from hubbub.adapters.issuers.tokens import Host, HostApplications
from hubbub.adapters.local.tokens import JwtTokens
from hubbub.adapters.memory.accounts import MemoryAccounts
from hubbub.domain.account import MAX_SESSIONS, Principal, User, Visitor
from hubbub.domain.issuer import Issuer
from hubbub.domain.revocation import Revocations
from hubbub.ports import OutcomeUnknown, Unavailable
from hubbub_protocol import ids
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.ids import BadId, IdMaker
from tests.support.accounts import MINUTE, TOKEN_MINUTES, HandClock
from tests.support.hosts import AUDIENCE, ISSUER, SECRET, claims, signed


class Counted(HostApplications):
    """Counts what it verifies."""

    verified = 0
    away = False

    async def verify(self, token: str, now: int) -> Visitor:
        self.verified += 1
        if self.away:
            raise Unavailable("no keys")
        return await super().verify(token, now)


class House:
    def __init__(self) -> None:
        self.clock, self.accounts = HandClock(), MemoryAccounts()
        told = Issuer(issuer=ISSUER, audience=AUDIENCE)
        self.hosts = Counted(
            [Host("default", told, FixedKey(configured("HS256", SECRET.encode())))]
        )
        self.revocations = Revocations(TOKEN_MINUTES * MINUTE)
        self.tokens = JwtTokens(b"k" * 32, TOKEN_MINUTES)
        visits = Visits(
            self.hosts,
            self.accounts,
            self.revocations,
            IdMaker(1, self.clock.now_ms),
            self.clock,
            TOKEN_MINUTES * MINUTE,
            30,
        )
        self.authenticate = Authenticate(self.tokens, visits, self.revocations, self.clock)
        self.sessions = ListSessions(self.accounts, self.clock)
        self.revoke = RevokeSession(self.accounts, self.revocations, self.clock)

    def token(self, **changed: object) -> str:
        return signed(claims(self.clock.ms, **changed))

    async def refusal(self, token: str) -> str:
        with pytest.raises(Refused) as caught:
            await self.authenticate(token)
        assert caught.value.code is Code.UNAUTHORIZED
        return caught.value.message


async def test_a_token_is_looked_at_once_and_again_after_a_while() -> None:
    it = House()
    token = it.token(exp=it.clock.ms // 1000 + 7200)
    assert it.authenticate.now(token) is None
    first = await it.authenticate(token)
    assert first.host
    assert it.authenticate.now(token) == first
    assert await it.authenticate(token) == first
    assert it.hosts.verified == 1
    it.clock.ms += TOKEN_MINUTES * MINUTE
    assert it.authenticate.now(token) is None
    assert await it.authenticate(token) == first
    assert it.hosts.verified == 2
    it.clock.ms += 7200_000
    assert "expired" in await it.refusal(token)


async def test_our_own_tokens_are_none_of_theirs() -> None:
    it = House()
    ours, end = it.tokens.issue(5, 6, it.clock.ms)
    assert it.authenticate.now(ours) == Principal(5, 6, end)
    for token in ("nonsense", it.token(iss="other"), signed(claims(it.clock.ms, iss="hubbub"))):
        with pytest.raises(Refused):
            it.authenticate.now(token)
    assert it.hosts.verified == 0


async def test_an_ended_session_is_refused_at_once_and_for_ever() -> None:
    it = House()
    old = it.token()
    principal = await it.authenticate(old)
    it.clock.ms += 10
    await it.revoke.logout(principal)
    assert "ended" in await it.refusal(old)
    it.clock.ms += TOKEN_MINUTES * MINUTE + 1_000
    await it.revoke.logout(principal)  # nothing happens
    assert "ended" in await it.refusal(old)
    again = await it.authenticate(it.token())
    assert again.user_id == principal.user_id
    assert again.session_id != principal.session_id
    assert "ended" in await it.refusal(old), "though there is a session of that name again"


async def test_the_twenty_first_device_ends_the_first() -> None:
    it = House()
    first = it.token(sid="0")
    await it.authenticate(first)
    for number in range(1, MAX_SESSIONS + 1):
        it.clock.ms += 1
        principal = await it.authenticate(it.token(sid=str(number)))
    assert "ended" in await it.refusal(first)
    assert len((await it.sessions(principal)).sessions) == MAX_SESSIONS


async def test_without_keys_or_store_nothing_is_said_of_a_token() -> None:
    it = House()
    it.hosts.away = True
    with pytest.raises(Unavailable):
        await it.authenticate(it.token())
    it.hosts.away = False

    async def lost(*_: object) -> None:
        raise OutcomeUnknown("gone")

    it.accounts.enter = lost  # type: ignore[method-assign,assignment]
    with pytest.raises(Unavailable):
        await it.authenticate(it.token())


async def test_a_lost_answer_leaves_one_session() -> None:
    it = House()
    enter, calls = it.accounts.enter, 0

    async def losing(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        entered = await enter(*arguments)  # type: ignore[arg-type]
        if calls == 1:
            raise OutcomeUnknown("the store went away over it")
        return entered

    it.accounts.enter = losing  # type: ignore[method-assign,assignment]
    principal = await it.authenticate(it.token())
    assert calls == 2
    assert len((await it.sessions(principal)).sessions) == 1


async def test_names_are_looked_up_once() -> None:
    it = House()
    principal = await it.authenticate(it.token())
    directory = Directory(it.accounts, it.accounts)
    own = ids.text("user", principal.user_id)
    with pytest.raises(UnknownNames) as caught:
        directory.numbers([own, "ext:ann"])
    assert caught.value.names == ["ext:ann"]
    assert await directory.users(["ext:ann", own, "ext:ann"]) == [principal.user_id]
    assert directory.numbers(["ext:ann", own]) == [principal.user_id] * 2
    with pytest.raises(BadId):
        directory.numbers(["ext:ann", "nonsense"])
    for bad in ("ext:", "ext:nobody", "nonsense", "ext:" + "x" * 999, "ext:a\x00", "EXT:ann"):
        with pytest.raises(Refused) as refused:
            await directory.users([own, bad])
        assert refused.value.code is Code.NOT_FOUND
        assert repr(bad[:40]) in refused.value.message


async def test_many_names_at_once() -> None:
    it = House()
    names = [f"ext:{number}" for number in range(60_000)]
    users = [User(n + 1, name, name, "", False, 0) for n, name in enumerate(names)]
    await it.accounts.put_users(users)
    directory = Directory(it.accounts, it.accounts)
    assert await directory.users(names) == list(range(1, 60_001))
    assert len(directory._known) <= 50_000
    assert await asyncio.gather(*(directory.number(name) for name in names[:5])) == [1, 2, 3, 4, 5]
