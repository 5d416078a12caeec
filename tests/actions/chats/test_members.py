"""Who adds, removes, promotes and leaves, and what others are told."""

from collections.abc import Awaitable, Callable

import pytest

from hubbub.domain.account import Principal
from hubbub.domain.limits import MessageLimits
from hubbub_protocol import rest
from hubbub_protocol.codes import Code
from tests.actions.chats.house import (
    STRANGE_CHAT,
    STRANGE_USER,
    House,
    code,
    ref,
    refused,
)


async def promote(house: House, owner: Principal, chat: str, user: Principal, role: str) -> None:
    await house.change(owner, chat, ref(user), rest.ChangeMember(role))  # type: ignore[arg-type]


async def roles(house: House, asking: Principal, chat: str) -> dict[str, str]:
    page = await house.members(asking, chat, 200, None)
    return {member.user.username: member.role for member in page.members}


async def test_owners_and_admins_add_members(
    house: House, ann: Principal, bob: Principal, cat: Principal, eve: Principal
) -> None:
    chat = await house.group(ann, bob)
    changed = await house.add(ann, chat, rest.AddMembers([ref(cat), ref(bob)]))
    assert (changed.chat_id, changed.seq) == (chat, 1)
    again = await house.add(ann, chat, rest.AddMembers([ref(cat)]))
    assert again.seq == 1
    assert await code(house.add(bob, chat, rest.AddMembers([ref(eve)]))) == Code.FORBIDDEN
    await promote(house, ann, chat, bob, "admin")
    assert (await house.add(bob, chat, rest.AddMembers([ref(eve)]))).seq == 3
    assert set(await roles(house, eve, chat)) == {"ann", "bob", "cat", "eve"}


async def test_added_users_must_exist(house: House, ann: Principal, bob: Principal) -> None:
    chat = await house.group(ann)
    told = await refused(house.add(ann, chat, rest.AddMembers([ref(bob), STRANGE_USER])))
    assert told.code == Code.NOT_FOUND
    assert STRANGE_USER in told.message
    assert (await house.chat(ann, chat)).member_count == 1


async def test_a_group_does_not_grow_past_its_limit() -> None:
    house = House(MessageLimits(group_members=3))
    people = [await house.user(f"u{i}") for i in range(4)]
    chat = await house.group(*people[:2])
    request = rest.AddMembers([ref(p) for p in people[2:]])
    assert await code(house.add(people[0], chat, request)) == Code.INVALID
    await house.add(people[0], chat, rest.AddMembers([ref(people[2])]))


async def test_who_removes_whom(
    house: House, ann: Principal, bob: Principal, cat: Principal, eve: Principal
) -> None:
    chat = await house.group(ann, bob, cat, eve)
    assert await code(house.remove(bob, chat, ref(cat))) == Code.FORBIDDEN
    await promote(house, ann, chat, bob, "admin")
    await promote(house, ann, chat, cat, "admin")
    assert await code(house.remove(bob, chat, ref(cat))) == Code.FORBIDDEN
    assert await code(house.remove(bob, chat, ref(ann))) == Code.FORBIDDEN
    assert (await house.remove(bob, chat, ref(eve))).seq == 3
    await house.remove(ann, chat, ref(cat))
    assert await roles(house, ann, chat) == {"ann": "owner", "bob": "admin"}
    assert await code(house.chat(eve, chat)) == Code.NOT_FOUND


async def test_who_is_not_a_member_cannot_be_removed_or_changed(
    house: House, ann: Principal, bob: Principal, eve: Principal
) -> None:
    chat = await house.group(ann, bob)
    request = rest.ChangeMember("admin")
    for other in (ref(eve), STRANGE_USER, "user_?"):
        assert await code(house.remove(ann, chat, other)) == Code.NOT_FOUND
        assert await code(house.change(ann, chat, other, request)) == Code.NOT_FOUND


async def test_leaving(house: House, ann: Principal, bob: Principal, cat: Principal) -> None:
    chat = await house.group(ann, bob, cat)
    assert (await house.remove.leave(bob, chat)).seq == 1
    assert (await house.remove(cat, chat, ref(cat))).seq == 2
    assert await code(house.remove.leave(bob, chat)) == Code.NOT_FOUND
    assert await roles(house, ann, chat) == {"ann": "owner"}
    await house.remove.leave(ann, chat)  # the last one may go


@pytest.mark.parametrize("by_name", [False, True])
async def test_after_the_last_owner_another_owns_the_group(
    house: House, ann: Principal, bob: Principal, by_name: bool
) -> None:
    chat = await house.group(ann, bob)
    if by_name:
        await house.remove(ann, chat, ref(ann))
    else:
        await house.remove.leave(ann, chat)
    assert await roles(house, bob, chat) == {"bob": "owner"}


async def test_only_owners_change_roles(
    house: House, ann: Principal, bob: Principal, cat: Principal
) -> None:
    chat = await house.group(ann, bob, cat)
    await promote(house, ann, chat, bob, "admin")
    for asking in (bob, cat):
        request = rest.ChangeMember("member")
        assert await code(house.change(asking, chat, ref(cat), request)) == Code.FORBIDDEN
    same = await house.change(ann, chat, ref(bob), rest.ChangeMember("admin"))
    assert same.seq == 1
    with_one = house.change(ann, chat, ref(ann), rest.ChangeMember("member"))
    assert await code(with_one) == Code.CONFLICT
    await promote(house, ann, chat, bob, "owner")
    await promote(house, bob, chat, ann, "member")
    assert await roles(house, cat, chat) == {"ann": "member", "bob": "owner", "cat": "member"}


async def test_a_direct_chat_keeps_its_members(
    house: House, ann: Principal, bob: Principal, cat: Principal
) -> None:
    chat = (await house.direct(ann, bob))[0].id
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: house.add(ann, chat, rest.AddMembers([ref(cat)])),
        lambda: house.remove(ann, chat, ref(bob)),
        lambda: house.remove(ann, chat, ref(ann)),
        lambda: house.remove.leave(ann, chat),
        lambda: house.change(ann, chat, ref(bob), rest.ChangeMember("owner")),
    ]
    for call in calls:
        assert await code(call()) == Code.CONFLICT


async def test_a_strangers_chat_is_like_none(
    house: House, ann: Principal, bob: Principal, eve: Principal
) -> None:
    chat = await house.group(ann, bob)
    message = await house.send(ann, chat)
    answers = []
    for which in (chat, STRANGE_CHAT, "chat_?", "x"):
        calls = [
            house.chat(eve, which),
            house.members(eve, which, 50, None),
            house.add(eve, which, rest.AddMembers([ref(bob)])),
            house.remove(eve, which, ref(bob)),
            house.remove(eve, which, ref(eve)),
            house.remove.leave(eve, which),
            house.change(eve, which, ref(bob), rest.ChangeMember("admin")),
            house.history(eve, which, "before", None, 50),
            house.history(eve, which, "before", message, 50),
            house.events(eve, which, 0, 50),
        ]
        told = [await refused(call) for call in calls]
        assert {each.code for each in told} == {Code.NOT_FOUND}
        answers.append([each.message for each in told])
    there, nowhere, *_ = answers
    assert there == nowhere
