"""How each row of [rest] is asked for: `CALLS[title]` makes the call, as an account."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.authorization.world import NOBODY, PASSWORD, Account, Answer, Group, World, ghost


@dataclass(frozen=True)
class Cell:
    """One cell: who asks, about which group."""

    world: World
    role: str
    group: Group

    @property
    def me(self) -> Account:
        return self.world[self.role]

    async def call(self, operation: str, *args: Any, **kwargs: Any) -> Answer:
        return await self.world.call(self.me, operation, *args, **kwargs)

    async def fresh(self) -> Account:
        """A session of his that nothing else uses; where he has none, what he comes with."""
        if self.role in UNKNOWN:
            return self.me
        return await self.world.sign_in(self.role)


Call = Callable[[Cell], Awaitable[Answer]]
UNKNOWN = ("revoked", "nobody", "bad", "expired")
"""Who has no good token."""
CALLS: dict[str, Call] = {}


def row(title: str) -> Callable[[Call], Call]:
    """Register how to make the call of a row."""

    def register(call: Call) -> Call:
        assert title not in CALLS, title
        CALLS[title] = call
        return call

    return register


def simple(title: str, body: object = None, query: str = "", **of: str) -> None:
    """A row that is one call. `of`: path parameters, by the name of an id in the group."""
    operation = title.partition("/")[0]

    @row(title)
    async def call(cell: Cell) -> Answer:
        path = {name: getattr(cell.group, which) for name, which in of.items()}
        return await cell.call(operation, body, query, **path)


# ── accounts ─────────────────────────────────────────────────────────────────────────────────


@row("register/invited")
async def _(cell: Cell) -> Answer:
    code = (await cell.world.must("operator", "create_invite"))["code"]
    wanted = {"username": f"u{uuid.uuid4().hex[:20]}", "password": PASSWORD, "invite": code}
    return await cell.call("register", wanted)


@row("register/uninvited")
async def _(cell: Cell) -> Answer:
    return await cell.call("register", {"username": "intruder", "password": PASSWORD})


@row("login/right-password")
async def _(cell: Cell) -> Answer:
    return await cell.call("login", {"username": cell.world["stranger"].name, "password": PASSWORD})


@row("login/wrong-password")
async def _(cell: Cell) -> Answer:
    return await cell.call(
        "login", {"username": cell.world["stranger"].name, "password": "incorrect horse"}
    )


@row("refresh/once")
async def _(cell: Cell) -> Answer:
    fresh = await cell.world.sign_in("stranger")
    return await cell.call("refresh", {"refresh_token": fresh.refresh_token})


@row("refresh/twice")
async def _(cell: Cell) -> Answer:
    fresh = await cell.world.sign_in("stranger")
    used = {"refresh_token": fresh.refresh_token}
    renewed = await cell.world.must(NOBODY, "refresh", used)
    answer = await cell.call("refresh", used)
    # Two had it: the session ends for both.
    for token in (fresh.token, renewed["token"]):
        assert (await cell.world.call(_bearer(fresh, token), "get_me")).status == 401
    return answer


@row("refresh/revoked")
async def _(cell: Cell) -> Answer:
    fresh = await cell.world.sign_in("stranger")
    await cell.world.must(fresh, "logout")
    return await cell.call("refresh", {"refresh_token": fresh.refresh_token})


@row("list_providers")
async def _(cell: Cell) -> Answer:
    answer = await cell.call("list_providers")
    assert [each["name"] for each in answer.body["providers"]] == ["corp"]
    return answer


@row("start_sign_in")
async def _(cell: Cell) -> Answer:
    return (await _begun(cell))[0]


@row("start_sign_in/unknown")
async def _(cell: Cell) -> Answer:
    return await cell.call("start_sign_in", provider="nobody")


@row("finish_sign_in")
async def _(cell: Cell) -> Answer:
    answer = (await _back(cell))[0]
    assert "/#oidc=" in answer.headers["Location"]
    return answer


@row("finish_sign_in/of-another-browser")
async def _(cell: Cell) -> Answer:
    start, _ = await _begun(cell)
    query = await _at_provider(cell, start)
    answer = await cell.call("finish_sign_in", query=query, provider="corp")
    assert "/#oidc-failed=stale&" in answer.headers["Location"]
    return answer


@row("exchange_sign_in")
async def _(cell: Cell) -> Answer:
    finish, cookie = await _back(cell)
    answer = await cell.call("exchange_sign_in", _code(finish), cookie=cookie)
    assert answer.body["user"]["display_name"] == "Ann Archer"
    return answer


@row("exchange_sign_in/of-another-browser")
async def _(cell: Cell) -> Answer:
    finish, _ = await _back(cell)
    return await cell.call("exchange_sign_in", _code(finish))


@row("sign_out_of_provider")
async def _(cell: Cell) -> Answer:
    return await cell.call("sign_out_of_provider", provider="corp")


async def _begun(cell: Cell) -> tuple[Answer, str]:
    """To the provider, and the browser's cookie."""
    answer = await cell.call("start_sign_in", provider="corp")
    return answer, answer.headers["Set-Cookie"].partition(";")[0]


async def _at_provider(cell: Cell, start: Answer) -> str:
    """With what the provider, which asks nobody, sends a browser back."""
    url = start.headers["Location"]
    async with cell.world.http.get(url, allow_redirects=False) as response:
        return "?" + response.headers["Location"].partition("?")[2]


async def _back(cell: Cell) -> tuple[Answer, str]:
    """Back from the provider, and the browser's cookie now."""
    start, cookie = await _begun(cell)
    query = await _at_provider(cell, start)
    answer = await cell.call("finish_sign_in", query=query, cookie=cookie, provider="corp")
    return answer, answer.headers["Set-Cookie"].partition(";")[0]


def _code(finish: Answer) -> dict[str, str]:
    return {"code": finish.headers["Location"].partition("#oidc=")[2].partition("&")[0]}


@row("logout")
async def _(cell: Cell) -> Answer:
    fresh = await cell.fresh()
    answer = await cell.world.call(fresh, "logout")
    assert (await cell.world.call(fresh, "get_me")).status == 401
    return answer


@row("list_sessions")
async def _(cell: Cell) -> Answer:
    answer = await cell.call("list_sessions")
    if answer.status == 200:
        (current,) = [s["id"] for s in answer.body["sessions"] if s["current"]]
        assert current == cell.me.session_id
    return answer


@row("revoke_session/own")
async def _(cell: Cell) -> Answer:
    fresh = await cell.fresh()
    answer = await cell.call("revoke_session", session_id=fresh.session_id or ghost("session"))
    assert (await cell.world.call(fresh, "get_me")).status == 401
    return answer


@row("revoke_session/of-another")
async def _(cell: Cell) -> Answer:
    theirs = await cell.world.newcomer("neighbour")
    answer = await cell.call("revoke_session", session_id=theirs.session_id)
    assert (await cell.world.call(theirs, "get_me")).status == 200
    if answer.status == 404:
        assert answer.told == (await cell.call("revoke_session", session_id=ghost("session"))).told
    return answer


@row("get_me")
async def _(cell: Cell) -> Answer:
    answer = await cell.call("get_me")
    assert answer.status != 200 or answer.body["id"] == cell.me.id
    return answer


@row("find_user")
async def _(cell: Cell) -> Answer:
    return await cell.call("find_user", query=f"?username={cell.world['observer'].name}")


@row("get_user")
async def _(cell: Cell) -> Answer:
    answer = await cell.call("get_user", user_id=cell.world["observer"].id)
    if answer.status == 200:
        # Whether the observer is here is for those who have a direct chat with him.
        assert ("status" in answer.body) is (cell.role in ("member", "other"))
    return answer


simple("change_me", {"display_name": "Somebody", "privacy": {"last_seen": True}})
simple("list_blocks")


def _on_user(operation: str) -> None:
    @row(operation)
    async def call(cell: Cell) -> Answer:
        """Of somebody whom no other cell is about."""
        return await cell.call(operation, user_id=(await cell.world.newcomer("neighbour")).id)


_on_user("block_user")
_on_user("unblock_user")
simple("put_users", {"users": [{"id": "ext:zoe", "display_name": "Zoe"}]})


@row("put_user")
async def _(cell: Cell) -> Answer:
    return await cell.call("put_user", {"display_name": "Zoe"}, user_id="ext:zoe")


simple("trace_message", message_id="first")


@row("tail_user")
async def _(cell: Cell) -> Answer:
    return await cell.call("tail_user", query=f"?user={cell.world['owner'].name}")


@row("create_invite")
async def _(cell: Cell) -> Answer:
    return await cell.call("create_invite")


def _bearer(account: Account, token: str) -> Account:
    return Account(account.name, account.id, account.session_id, token)


# ── chats ────────────────────────────────────────────────────────────────────────────────────


@row("create_chat/group")
async def _(cell: Cell) -> Answer:
    return await cell.call("create_chat", {"member_ids": [cell.world["observer"].id]})


@row("create_chat/direct")
async def _(cell: Cell) -> Answer:
    with_ = [cell.world["observer"].id]
    answer = await cell.call("create_chat", {"chat_type": "direct", "member_ids": with_})
    assert answer.status != 200 or answer.body["peer"]["id"] == with_[0], answer
    return Answer(201, answer.body, answer.headers) if answer.status == 200 else answer


@row("list_chats")
async def _(cell: Cell) -> Answer:
    answer = await cell.call("list_chats", query="?limit=200")
    if answer.status == 200:
        there = {chat["id"] for chat in answer.body["chats"]}
        for chat_id in (cell.group.chat_id, cell.group.direct_id):
            seen = (await cell.call("get_chat", chat_id=chat_id)).status == 200
            assert (chat_id in there) is seen
    return answer


simple("get_chat", chat_id="chat_id")
simple("get_chat/direct", chat_id="direct_id")
simple("list_members", chat_id="chat_id")
simple("list_members/direct", chat_id="direct_id")


@row("add_members")
async def _(cell: Cell) -> Answer:
    new = {"member_ids": [cell.world["stranger"].id]}
    return await cell.call("add_members", new, chat_id=cell.group.chat_id)


@row("add_members/himself")
async def _(cell: Cell) -> Answer:
    new = {"member_ids": [cell.me.id or cell.world["stranger"].id]}
    return await cell.call("add_members", new, chat_id=cell.group.chat_id)


@row("add_members/direct")
async def _(cell: Cell) -> Answer:
    new = {"member_ids": [cell.world["stranger"].id]}
    return await cell.call("add_members", new, chat_id=cell.group.direct_id)


def _on_member(title: str, body: object, whom: str, chat: str = "chat_id") -> None:
    operation = title.partition("/")[0]

    @row(title)
    async def call(cell: Cell) -> Answer:
        target = cell.me.id if whom == "himself" else cell.world[whom].id
        target = target or cell.world["observer"].id
        path = {"chat_id": getattr(cell.group, chat), "user_id": target}
        return await cell.call(operation, body, **path)


ADMIN, MEMBER, OWNER = {"role": "admin"}, {"role": "member"}, {"role": "owner"}
_on_member("change_member/of-member", ADMIN, "observer")
_on_member("change_member/of-admin", MEMBER, "admin")
_on_member("change_member/of-owner", MEMBER, "owner")
_on_member("change_member/himself-to-owner", OWNER, "himself")
_on_member("change_member/of-nonmember", ADMIN, "stranger")
_on_member("change_member/direct", ADMIN, "observer", "direct_id")
_on_member("remove_member/member", None, "observer")
_on_member("remove_member/admin", None, "admin")
_on_member("remove_member/owner", None, "owner")
_on_member("remove_member/himself", None, "himself")
_on_member("remove_member/nonmember", None, "stranger")
_on_member("remove_member/direct", None, "observer", "direct_id")


@row("remove_member/another-admin")
async def _(cell: Cell) -> Answer:
    of = {"chat_id": cell.group.chat_id, "user_id": cell.world["observer"].id}
    await cell.world.call("owner", "change_member", ADMIN, **of)
    return await cell.call("remove_member", **of)


simple("change_chat/title", {"title": "Orchard"}, chat_id="chat_id")
simple("change_chat/history", {"history": "all"}, chat_id="chat_id")
simple("change_chat/visibility", {"visibility": "public"}, chat_id="chat_id")
simple("change_chat/direct", {"title": "Orchard"}, chat_id="direct_id")
simple("mute_chat", {"until": None}, chat_id="chat_id")
simple("mute_chat/direct", {"until": None}, chat_id="direct_id")
simple("leave_chat", chat_id="chat_id")
simple("leave_chat/direct", chat_id="direct_id")


simple("list_public_chats")
simple("get_public_chat/private", chat_id="chat_id")
simple("join_chat/private", chat_id="chat_id")
simple("join_chat/direct", chat_id="direct_id")


def _public(title: str) -> None:
    @row(title)
    async def call(cell: Cell) -> Answer:
        of = {"chat_id": cell.group.chat_id}
        await cell.world.must("owner", "change_chat", {"visibility": "public"}, **of)
        return await cell.call(title.partition("/")[0], **of)


_public("get_public_chat/public")
_public("join_chat/public")
simple("create_chat_invite", {}, chat_id="chat_id")
simple("create_chat_invite/direct", {}, chat_id="direct_id")
simple("list_chat_invites", chat_id="chat_id")
simple("list_chat_invites/direct", chat_id="direct_id")


async def _invite(cell: Cell) -> tuple[str, str]:
    """An invite into the group, and its code; where there is no group, of nothing."""
    made = await cell.world.call("owner", "create_chat_invite", {}, chat_id=cell.group.chat_id)
    if made.status != 201:
        return ghost("invite"), "nonsense"
    return made.body["invite"]["id"], made.body["code"]


def _on_invite(title: str, chat: str = "chat_id") -> None:
    @row(title)
    async def call(cell: Cell) -> Answer:
        invite_id, _ = await _invite(cell)
        path = {"chat_id": getattr(cell.group, chat), "invite_id": invite_id}
        return await cell.call("end_chat_invite", **path)


_on_invite("end_chat_invite")
_on_invite("end_chat_invite/direct", "direct_id")


def _by_code(title: str) -> None:
    operation, _, case = title.partition("/")

    @row(title)
    async def call(cell: Cell) -> Answer:
        invite_id, code = await _invite(cell)
        if case:
            of = {"chat_id": cell.group.chat_id, "invite_id": invite_id}
            await cell.world.call("owner", "end_chat_invite", **of)
        return await cell.call(operation, {"code": code})


for _title in ("look_at_invite", "look_at_invite/ended", "follow_invite", "follow_invite/ended"):
    _by_code(_title)


# ── messages ─────────────────────────────────────────────────────────────────────────────────


def _send(title: str, chat: str, reply_to: str | None = None) -> None:
    @row(title)
    async def call(cell: Cell) -> Answer:
        asked = {"content": "hello", "chat_id": getattr(cell.group, chat)}
        if reply_to:
            asked["reply_to"] = getattr(cell.group, reply_to)
        return await cell.call("send_message", asked)


_send("send_message", "chat_id")
_send("send_message/direct", "direct_id")
_send("send_message/reply-to-first", "chat_id", "first")
_send("send_message/reply-to-absent", "chat_id", "absent")
_send("send_message/reply-to-late", "chat_id", "late")
_send("send_message/reply-to-other-chat", "chat_id", "direct")


def _forward(which: str) -> None:
    @row(f"send_message/forward-{which}")
    async def call(cell: Cell) -> Answer:
        asked = {"recipient_ids": [cell.world["observer"].id]}
        answer = await cell.call("send_message", {**asked, "forward": getattr(cell.group, which)})
        if answer.status == 202:
            copy = await cell.call("get_message", message_id=answer.body["id"])
            assert cell.group.chat_id not in str(copy.body)
        return answer


@row("send_message/mentions")
async def _(cell: Cell) -> Answer:
    named = [cell.world[name].id for name in ("observer", "stranger")]
    asked = {"content": "hello", "chat_id": cell.group.chat_id, "mentions": named}
    return await cell.call("send_message", asked)


@row("send_message/mention-all")
async def _(cell: Cell) -> Answer:
    asked = {"content": "hello", "chat_id": cell.group.chat_id, "mention_all": True}
    return await cell.call("send_message", asked)


@row("send_message/admins-only")
async def _(cell: Cell) -> Answer:
    chat_id = (await cell.world.gather()).chat_id
    await cell.world.must("owner", "change_chat", {"posting": "admins"}, chat_id=chat_id)
    return await cell.call("send_message", {"content": "hello", "chat_id": chat_id})


@row("send_message/to-recipient")
async def _(cell: Cell) -> Answer:
    to = {"recipient_ids": [cell.world["observer"].id], "content": "hello"}
    return await cell.call("send_message", to)


def _react(which: str) -> None:
    for operation in ("add_reaction", "remove_reaction"):

        @row(f"{operation}/{which}")
        async def call(cell: Cell, operation: str = operation) -> Answer:
            message = getattr(cell.group, which)
            return await cell.call(operation, message_id=message, emoji="%F0%9F%91%8D")


def _delete_for_oneself(which: str) -> None:
    @row(f"delete_message/me-{which}")
    async def call(cell: Cell) -> Answer:
        message = getattr(cell.group, which)
        return await cell.call("delete_message", query="?for=me", message_id=message)


simple("list_messages", chat_id="chat_id")
simple("list_messages/direct", chat_id="direct_id")
for _which in ("first", "absent", "late", "direct"):
    simple(f"get_message/{_which}", message_id=_which)
    simple(f"mark_read/{_which}", message_id=_which)
    simple(f"get_receipts/{_which}", message_id=_which)
    simple(f"edit_message/{_which}", {"content": "edited"}, message_id=_which)
    simple(f"delete_message/{_which}", message_id=_which)
    simple(f"pin_message/{_which}", message_id=_which)
    simple(f"unpin_message/{_which}", message_id=_which)
    simple(f"list_reactions/{_which}", message_id=_which)
    simple(f"list_edits/{_which}", message_id=_which)
    simple(f"get_thread/{_which}", message_id=_which)
    _forward(_which)
    _delete_for_oneself(_which)
    _react(_which)


def _anchored(title: str, parameter: str, which: str) -> None:
    @row(title)
    async def call(cell: Cell) -> Answer:
        query = f"?{parameter}={getattr(cell.group, which)}"
        return await cell.call("list_messages", query=query, chat_id=cell.group.chat_id)


_anchored("list_messages/before-absent", "before_id", "absent")
_anchored("list_messages/after-absent", "after_id", "absent")
_anchored("list_messages/around-absent", "around_id", "absent")
_anchored("list_messages/before-other-chat", "before_id", "direct")
simple("list_pins", chat_id="chat_id")
simple("list_pins/direct", chat_id="direct_id")
simple("list_events", chat_id="chat_id")
simple("list_events/direct", chat_id="direct_id")


@row("list_mentions")
async def _(cell: Cell) -> Answer:
    answer = await cell.call("list_mentions", query="?limit=200")
    if answer.status == 200:
        for message in answer.body["messages"]:
            seen = await cell.call("get_message", message_id=message["id"])
            assert seen.body["content"] == message["content"]
    return answer


@row("list_my_events")
async def _(cell: Cell) -> Answer:
    answer = await cell.call("list_my_events", query="?limit=200")
    assert answer.status != 200 or all(e["type"] == "me" for e in answer.body["events"])
    return answer


@row("sync")
async def _(cell: Cell) -> Answer:
    asked = {"positions": {"me": 0, cell.group.chat_id: 0}, "receipts": [cell.group.chat_id]}
    answer = await cell.call("sync", asked)
    if answer.status == 200:
        frames = [f for f in answer.body["frames"] if f.get("chat_id") == cell.group.chat_id]
        kinds = {f["type"] for f in frames if f["type"] != "me"}
        member = (await cell.call("get_chat", chat_id=cell.group.chat_id)).status == 200
        assert ("message" in kinds) is member
        assert member or not kinds
    return answer
