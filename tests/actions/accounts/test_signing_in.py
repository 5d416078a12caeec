"""Registering, signing in, refreshing, ending sessions: each verb on a store in memory."""

import pytest

from hubbub.domain.account import MAX_SESSIONS, Caller
from hubbub_protocol import ids, rest
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.times import unix_ms
from tests.support.accounts import CALLER, DAY, MINUTE, START, TOKEN_MINUTES, Rig, rig

PASSWORD = "correct horse"


async def registered(rig_: Rig, username: str = "ann", invite: str | None = None) -> rest.SignedIn:
    return await rig_.register(
        rest.Register(username=username, password=PASSWORD, invite=invite), CALLER
    )


async def refused(code: Code, awaitable) -> Refused:
    with pytest.raises(Refused) as caught:
        await awaitable
    assert caught.value.code is code
    assert caught.value.message.endswith(".")
    return caught.value


async def test_who_registers_is_signed_in() -> None:
    it = rig()
    signed_in = await it.register(
        rest.Register(username="ann", password=PASSWORD, display_name=" Ann B. "), CALLER
    )
    assert signed_in.user == rest.User(signed_in.user.id, "ann", "Ann B.")
    assert unix_ms(signed_in.expires_at) == START + TOKEN_MINUTES * MINUTE
    principal = await it.authenticate(signed_in.token)
    assert ids.text("user", principal.user_id) == signed_in.user.id
    assert ids.text("session", principal.session_id) == signed_in.session_id
    assert (await it.users.me(principal)).id == signed_in.user.id
    assert await it.users.get(principal, signed_in.user.id) == signed_in.user
    assert (await it.users.find(principal, "ANN")).users == [signed_in.user]
    assert (await it.users.find(principal, "not a name")).users == []
    (stored,) = await it.accounts.users([principal.user_id])
    assert stored.password_hash == f"plain:{PASSWORD}"


async def test_a_name_is_taken_once_in_whatever_case() -> None:
    it = rig()
    assert (await registered(it, "Ann")).user.username == "ann"
    await refused(Code.USERNAME_TAKEN, registered(it, "aNN"))
    assert (await registered(it, "bob")).user.display_name == "bob"


@pytest.mark.parametrize("name", ["", "-ann", "ann.", "a b", "änn", "a" * 33, "a\n"])
async def test_what_is_no_user_name(name: str) -> None:
    if name == "a\n":
        name = "a\nb"
    await refused(Code.INVALID, registered(rig(), name))


async def test_an_unknown_user_costs_a_login_the_same_work() -> None:
    it = rig()
    await registered(it)
    wrong = await refused(Code.BAD_CREDENTIALS, it.login(rest.Login("ann", "wrong"), CALLER))
    nobody = await refused(Code.BAD_CREDENTIALS, it.login(rest.Login("bob", "wrong"), CALLER))
    odd = await refused(Code.BAD_CREDENTIALS, it.login(rest.Login("no name", "wrong"), CALLER))
    assert wrong.message == nobody.message == odd.message
    assert it.passwords.asked == [f"plain:{PASSWORD}", "", ""]


async def test_each_login_is_a_session_of_its_own() -> None:
    it = rig()
    first = await registered(it)
    it.clock.ms += 5
    second = await it.login(rest.Login(" Ann ", PASSWORD), Caller("192.0.2.9", "x" * 500))
    assert second.session_id != first.session_id
    principal = await it.authenticate(second.token)
    sessions = (await it.sessions(principal)).sessions
    assert [(each.id, each.current) for each in sessions] == [
        (second.session_id, True),
        (first.session_id, False),
    ]
    assert [len(each.device) for each in sessions] == [120, len(CALLER.device)]


async def test_a_refresh_token_works_once_and_a_spent_one_ends_the_session() -> None:
    it = rig()
    first = await registered(it)
    it.clock.ms += MINUTE
    second = await it.refresh(rest.Refresh(first.refresh_token))
    assert second.session_id == first.session_id
    assert second.refresh_token != first.refresh_token
    assert unix_ms(second.expires_at) == START + (TOKEN_MINUTES + 1) * MINUTE
    ended: list[int] = []
    it.revocations.watch(ended.append)
    await refused(Code.UNAUTHORIZED, it.refresh(rest.Refresh(first.refresh_token)))
    assert [ids.text("session", number) for number in ended] == [first.session_id]
    await refused(Code.UNAUTHORIZED, it.refresh(rest.Refresh(second.refresh_token)))
    with pytest.raises(Refused, match="ended"):
        await it.authenticate(second.token)


async def test_a_made_up_refresh_token_ends_nothing() -> None:
    it = rig()
    signed_in = await registered(it)
    await refused(Code.UNAUTHORIZED, it.refresh(rest.Refresh("made up")))
    assert await it.authenticate(signed_in.token)


async def test_an_unused_session_ends() -> None:
    it = rig()
    signed_in = await registered(it)
    it.clock.ms += 30 * DAY
    await refused(Code.UNAUTHORIZED, it.refresh(rest.Refresh(signed_in.refresh_token)))
    with pytest.raises(Refused, match="expired"):
        await it.authenticate(signed_in.token)


async def test_logout_ends_this_session_alone() -> None:
    it = rig()
    first = await registered(it)
    second = await it.login(rest.Login("ann", PASSWORD), CALLER)
    await it.revoke.logout(await it.authenticate(first.token))
    with pytest.raises(Refused):
        await it.authenticate(first.token)
    await refused(Code.UNAUTHORIZED, it.refresh(rest.Refresh(first.refresh_token)))
    principal = await it.authenticate(second.token)
    assert len((await it.sessions(principal)).sessions) == 1


async def test_a_user_ends_another_session_of_his_own_only() -> None:
    it = rig()
    first, stranger = await registered(it), await registered(it, "bob")
    second = await it.login(rest.Login("ann", PASSWORD), CALLER)
    principal = await it.authenticate(second.token)
    for session_id in (stranger.session_id, "session_x", first.user.id):
        await refused(Code.NOT_FOUND, it.revoke(principal, session_id))
    ended: list[int] = []
    it.revocations.watch(ended.append)
    await it.revoke(principal, first.session_id)
    assert ended == [ids.parse("session", first.session_id)]
    it.clock.ms += 1
    await refused(Code.NOT_FOUND, it.revoke(principal, first.session_id))
    assert await it.authenticate(stranger.token)


async def test_the_session_that_makes_room_ends_at_once() -> None:
    it = rig()
    first = await registered(it)
    for _ in range(MAX_SESSIONS):
        it.clock.ms += 1
        await it.login(rest.Login("ann", PASSWORD), CALLER)
    with pytest.raises(Refused):
        await it.authenticate(first.token)


async def test_a_user_who_is_not_there() -> None:
    it = rig()
    principal = await it.authenticate((await registered(it)).token)
    for user_id in ("user_0000000000000", "user_", "chat_0000000000000"):
        await refused(Code.NOT_FOUND, it.users.get(principal, user_id))


# ── who may register ─────────────────────────────────────────────────────────────────────────


async def test_the_first_link_makes_the_admin_who_invites() -> None:
    it = rig("invite")
    await refused(Code.INVITE_INVALID, registered(it))
    link = await it.invite.first()
    assert link is not None
    assert link.url == f"http://localhost:8080/#invite={link.code}"
    admin = await registered(it, "root", link.code)
    assert admin.user.is_admin
    assert await it.invite.first() is None
    await refused(Code.INVITE_INVALID, registered(it, "ann", link.code))
    invite = await it.invite(await it.authenticate(admin.token))
    ann = await registered(it, "ann", invite.code)
    assert not ann.user.is_admin
    await refused(Code.INVITE_INVALID, registered(it, "bob", invite.code))
    await refused(Code.FORBIDDEN, it.invite(await it.authenticate(ann.token)))


async def test_an_invite_is_over_after_a_week() -> None:
    it = rig("invite")
    link = await it.invite.first()
    assert link is not None
    it.clock.ms += 7 * DAY
    await refused(Code.INVITE_INVALID, registered(it, "root", link.code))


async def test_closed_lets_nobody_but_the_first_in() -> None:
    it = rig("closed")
    await refused(Code.REGISTRATION_CLOSED, registered(it))
    link = await it.invite.first()
    assert link is not None
    admin = await registered(it, "root", link.code)
    await refused(Code.REGISTRATION_CLOSED, registered(it, "ann", link.code))
    await refused(Code.REGISTRATION_CLOSED, it.invite(await it.authenticate(admin.token)))


async def test_where_all_may_register_all_may_invite() -> None:
    it = rig("open")
    link = await it.invite.first()
    assert link is not None
    ann = await registered(it)
    assert not ann.user.is_admin, "only the link makes an admin"
    assert (await it.invite(await it.authenticate(ann.token))).code != link.code
    await refused(Code.INVITE_INVALID, registered(it, "bob", "no such invite"))


# ── how often ────────────────────────────────────────────────────────────────────────────────


async def test_attempts_are_counted_by_address_and_by_name() -> None:
    it = rig(per_minute=2)
    await registered(it)
    for number in range(2):
        caller = Caller(f"192.0.2.{number}", "")
        await refused(Code.BAD_CREDENTIALS, it.login(rest.Login("ann", "wrong"), caller))
    other = Caller("192.0.2.7", "")
    by_name = await refused(Code.RATE_LIMITED, it.login(rest.Login("ann", PASSWORD), other))
    assert by_name.retry_after == 30
    for name in ("bob", "cid"):
        await refused(
            Code.BAD_CREDENTIALS, it.login(rest.Login(name, "wrong"), Caller("192.0.2.8", ""))
        )
    await refused(Code.RATE_LIMITED, it.login(rest.Login("dan", "wrong"), Caller("192.0.2.8", "")))
    it.clock.ms += 30_000
    assert await it.login(rest.Login("ann", PASSWORD), CALLER)


async def test_registrations_are_counted_by_address() -> None:
    it = rig(per_minute=2)
    await registered(it)
    await registered(it, "bob")
    await refused(Code.RATE_LIMITED, registered(it, "cid"))
