"""Groups by title and members, direct chats found again."""

from hubbub.domain.account import Principal
from hubbub.domain.change import Create, Fill
from hubbub.domain.limits import MessageLimits
from hubbub_protocol import rest
from hubbub_protocol.codes import Code
from tests.actions.chats.house import STRANGE_USER, House, code, ref, refused


async def test_a_group_with_its_title(
    house: House, ann: Principal, bob: Principal, cat: Principal
) -> None:
    members = [ref(bob), ref(cat), ref(bob), ref(ann)]
    request = rest.CreateChat("group", "Friends", members, "all")
    chat, made = await house.create(ann, request)
    assert made
    assert (chat.chat_type, chat.title, chat.history) == ("group", "Friends", "all")
    assert (chat.member_count, chat.role, chat.seq, chat.unread) == (3, "owner", 0, 0)
    seen = await house.chat(cat, chat.id)
    assert (seen.id, seen.role, seen.joined_seq) == (chat.id, "member", 1)


async def test_a_group_of_one(house: House, ann: Principal) -> None:
    chat, made = await house.create(ann, rest.CreateChat())
    assert made
    assert (chat.member_count, chat.title) == (1, None)


async def test_two_groups_of_the_same_members_are_two(
    house: House, ann: Principal, bob: Principal
) -> None:
    assert await house.group(ann, bob) != await house.group(ann, bob)


async def test_a_direct_chat_is_made_once(house: House, ann: Principal, bob: Principal) -> None:
    first, made = await house.direct(ann, bob)
    assert made
    assert first.peer is not None
    assert (first.chat_type, first.peer.username, first.role) == ("direct", "bob", "member")
    again, made = await house.direct(bob, ann)
    assert not made
    assert again.id == first.id
    assert again.peer is not None
    assert again.peer.username == "ann"
    old_name, made = await house.create(ann, rest.CreateChat("1to1", member_ids=[ref(bob)]))
    assert (old_name.id, made) == (first.id, False)


async def test_a_direct_chat_has_one_other_member_and_no_title(
    house: House, ann: Principal, bob: Principal, cat: Principal
) -> None:
    for members in ([], [ref(ann)], [ref(bob), ref(cat)]):
        request = rest.CreateChat("direct", member_ids=members)
        assert await code(house.create(ann, request)) == Code.INVALID
    titled = rest.CreateChat("direct", "Title", [ref(bob)])
    assert await code(house.create(ann, titled)) == Code.INVALID
    assert house.changes.done == []


async def test_members_must_exist_and_the_missing_one_is_named(
    house: House, ann: Principal, bob: Principal
) -> None:
    for missing in (STRANGE_USER, "ann", "chat_0000000000001", ""):
        request = rest.CreateChat(member_ids=[ref(bob), missing])
        told = await refused(house.create(ann, request))
        assert told.code == Code.NOT_FOUND
        assert repr(missing) in told.message
    assert house.changes.done == []


async def test_a_group_has_a_limit(ann: Principal) -> None:
    house = House(MessageLimits(group_members=3))
    people = [await house.user(f"u{i}") for i in range(4)]
    told = await refused(house.group(people[0], *people[1:]))
    assert told.code == Code.INVALID
    assert "at most 3" in told.message
    assert await house.group(*people[:3])


async def test_a_group_of_thousands_is_made_in_slices(house: House, ann: Principal) -> None:
    people = [await house.user(f"u{i}") for i in range(2_500)]
    chat = await house.group(ann, *people)
    create, *fills = house.changes.done
    assert isinstance(create, Create)
    assert len(create.chat.members) == 1_000
    assert [len(f.members) for f in fills if isinstance(f, Fill)] == [1_000, 501]
    assert (await house.chat(ann, chat)).member_count == 2_501
    assert (await house.chat(people[-1], chat)).role == "member"
