"""Coming into a group oneself, and letting others do so."""

import pytest

from hubbub.actions.chat_invites import ChatInvites
from hubbub.actions.join_chat import JoinChat
from hubbub.adapters.memory.joining import MemoryJoining
from hubbub.domain.account import Principal
from hubbub.domain.limits import MessageLimits
from hubbub.ports import OutcomeUnknown
from hubbub_protocol import ids, rest
from hubbub_protocol.codes import Code
from tests.actions.chats.house import House, code, ref, refused


class Doors:
    """The verbs, on the house's dictionaries."""

    def __init__(self, house: House, most: int = 0) -> None:
        self.joining = MemoryJoining(house.state)
        shared = (house.ids, house.clock)
        self.invites = ChatInvites(house.reader, self.joining, *shared, lambda: "https://h")
        limits = MessageLimits(group_members=most)
        self.joins = JoinChat(house.reader, self.joining, house.changes, *shared, limits)


async def test_the_code_is_told_once_and_kept_by_nobody(
    house: House, ann: Principal, bob: Principal
) -> None:
    chat, doors = await house.group(ann), Doors(house)
    made = await doors.invites.create(ann, chat, rest.CreateChatInvite(60, 1))
    assert made.url == f"https://h/#join={made.code}"
    assert made.code not in str(house.state.invites)
    assert (await doors.invites.list(ann, chat)).invites == [made.invite]
    again = await doors.invites.create(ann, chat, rest.CreateChatInvite())
    assert again.code != made.code
    asked = rest.InviteCode(made.code)
    seen = await doors.joins.look_through(bob, asked)
    assert (seen.title, seen.member_count, seen.invited_by.id) == ("Title", 1, ref(ann))
    for _ in range(2):  # its answer may be lost
        joined = await doors.joins.follow(bob, asked)
        assert (joined.id, joined.role, joined.seq) == (chat, "member", 1)
    assert [i.id for i in (await doors.invites.list(ann, chat)).invites] == [again.invite.id]
    house.clock.ms += 8 * 86_400_000
    assert (await doors.invites.list(ann, chat)).invites == []


async def test_an_ended_invite_is_as_one_that_never_was(
    house: House, ann: Principal, bob: Principal
) -> None:
    chat, doors = await house.group(ann), Doors(house)
    made = await doors.invites.create(ann, chat, rest.CreateChatInvite(None))
    assert made.invite.expires_at is None
    for wrong in ("invite_?", ids.text("invite", 1), made.code):
        assert await code(doors.invites.end(ann, chat, wrong)) == Code.NOT_FOUND
    await doors.invites.end(ann, chat, made.invite.id)
    told = [
        (await refused(call(bob, rest.InviteCode(text)))).message
        for call in (doors.joins.look_through, doors.joins.follow)
        for text in (made.code, "never was", "")
    ]
    assert len(set(told)) == 1


async def test_an_invite_is_made_once_though_the_answer_is_lost(
    house: House, ann: Principal, bob: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat, doors = await house.group(ann), Doors(house)
    add, answers = doors.joining.add_chat_invite, iter([OutcomeUnknown("gone"), None])

    async def lost(invite: object) -> bool:
        stored = await add(invite)  # type: ignore[arg-type]
        if (answer := next(answers)) is not None:
            raise answer
        return stored

    monkeypatch.setattr(doors.joining, "add_chat_invite", lost)
    made = await doors.invites.create(ann, chat, rest.CreateChatInvite(max_uses=1))
    assert [i.id for i in (await doors.invites.list(ann, chat)).invites] == [made.invite.id]
    assert (await doors.joins.follow(bob, rest.InviteCode(made.code))).id == chat


async def test_only_who_adds_members_invites(
    house: House, ann: Principal, bob: Principal, eve: Principal
) -> None:
    chat, doors = await house.group(ann, bob), Doors(house)
    direct = (await house.direct(ann, bob))[0].id
    made = await doors.invites.create(ann, chat, rest.CreateChatInvite())
    for who, where, expected in (
        (bob, chat, Code.FORBIDDEN),
        (eve, chat, Code.NOT_FOUND),
        (ann, direct, Code.CONFLICT),
    ):
        calls = [
            doors.invites.create(who, where, rest.CreateChatInvite()),
            doors.invites.list(who, where),
            doors.invites.end(who, where, made.invite.id),
        ]
        assert {await code(call) for call in calls} == {expected}


async def test_public_groups(house: House, ann: Principal, bob: Principal, cat: Principal) -> None:
    chat, doors = await house.group(ann), Doors(house, most=2)
    for call in (doors.joins.look_at(bob, chat), doors.joins.join(bob, chat)):
        assert await code(call) == Code.NOT_FOUND
    assert (await doors.joins.join(ann, chat)).id == chat  # he is in it
    await house.settle(ann, chat, rest.ChangeChat(visibility="public", description="About"))
    shown = await doors.joins.look_at(bob, chat)
    assert (shown.title, shown.description, shown.member_count) == ("Title", "About", 1)
    page = await doors.joins.public(bob, "ABOUT", 1, None)
    assert (page.chats, page.has_more, page.cursor) == ([shown], False, None)
    assert await code(doors.joins.public(bob, "", 1, "x")) == Code.MALFORMED
    assert (await doors.joins.join(bob, chat)).member_count == 2
    assert await code(doors.joins.join(cat, chat)) == Code.CONFLICT
    await house.settle(ann, chat, rest.ChangeChat(visibility="private"))
    assert (await doors.joins.public(cat, "", 1, None)).chats == []
