"""How people come into groups by themselves: what is public, what an invite opens, to whom."""

import msgspec
import pytest

from hubbub.domain import invite as rules
from hubbub.domain.change import Denied, Join, Leave, Logged, Missing, Outcome, SetChat
from hubbub.domain.invite import ChatInvite
from hubbub.domain.settings import Settings
from hubbub_protocol import ids
from tests.contract.chats.world import ANN, BOB, CAT, CHAT, DAN, EVE, World

CODE = b"code"


def joining(world: World, user: int, code: bytes = CODE, chat: int = CHAT, most: int = 0) -> Join:
    return Join(world.next_id(), chat, user, code, most, world.now)


async def join(world: World, user: int, code: bytes = CODE, most: int = 0) -> Outcome:
    outcome: Outcome = await world.one(joining(world, user, code, most=most))
    return outcome


def kind(outcome: Outcome) -> str:
    return outcome.kind if isinstance(outcome, Denied) else type(outcome).__name__


async def invite(
    world: World, by: int = ANN, code: bytes = CODE, end: int = 0, most: int = 0, chat: int = CHAT
) -> int:
    number = world.next_id()
    made = ChatInvite(number, chat, code, by, world.now, end, most)
    assert await world.joining.add_chat_invite(made)
    return number


async def publish(world: World, chat: int = CHAT, **settings: str) -> None:
    wanted: Settings = {"visibility": "public", **settings}
    assert isinstance(await world.one(SetChat(world.next_id(), chat, ANN, wanted, 1)), Logged)


async def test_an_invite_lets_in_and_the_log_says_through_whom(world: World) -> None:
    await world.group(ANN, BOB)
    await world.post("before")
    await invite(world)
    found = await world.joining.invitation(CODE, CAT, world.now)
    assert found is not None
    assert (found.chat.id, found.chat.size, found.invited_by.id) == (CHAT, 2, ANN)
    assert found.invited_by.password_hash == ""
    joined = await join(world, CAT)
    assert isinstance(joined, Logged)
    assert (joined.head.seq, joined.size, joined.by) == (2, 3, CAT)
    assert msgspec.json.decode(joined.system) == {
        "kind": "member_joined",
        "user_id": ids.text("user", CAT),
        "invited_by": ids.text("user", ANN),
    }
    assert [(e.user_id, e.present, e.role, e.since) for e in joined.events] == [
        (CAT, True, "member", 2)
    ]
    assert await world.seen(CAT) == [2]
    again = await join(world, CAT)
    assert isinstance(again, Logged)
    assert (again.head.seq, again.system) == (2, b"")
    (listed,) = await world.joining.chat_invites(CHAT)
    assert listed.uses == 1


async def test_nobody_comes_into_a_group_that_all_have_left(world: World) -> None:
    await world.group(ANN)
    await publish(world, title="empty")
    assert await world.joining.public_chat(CHAT) is not None
    assert isinstance(await world.one(Leave(world.next_id(), CHAT, ANN, ANN, 1)), Logged)
    assert await world.joining.public_chat(CHAT) is None
    assert (await world.joining.public_chats("", None, 9)).chats == []
    assert kind(await join(world, BOB, b"")) == "not_found"


async def test_the_last_use_is_for_one(world: World) -> None:
    await world.group(ANN)
    await invite(world, most=2)
    first = joining(world, BOB)
    batch = [first, joining(world, CAT), joining(world, DAN)]
    assert [kind(o) for o in await world.do(*batch)] == ["Logged", "Logged", "not_found"]
    world.reopen()
    assert [kind(o) for o in await world.do(*batch)] == ["Logged", "Logged", "not_found"]
    assert await world.joining.invitation(CODE, DAN, world.now) is None
    assert await world.joining.invitation(CODE, CAT, world.now) is not None  # asks again
    (listed,) = await world.joining.chat_invites(CHAT)
    assert listed.uses == 2
    await world.leave(BOB)
    assert kind(await world.one(first)) == "Logged"  # it had its effect once
    assert await world.seen(BOB) is None


@pytest.mark.parametrize("why", ["ended", "late", "demoted", "left", "nonsense", "of another"])
async def test_an_invite_that_is_not_good(world: World, why: str) -> None:
    await world.group(ANN, BOB, EVE)
    await world.group(ANN, chat=CHAT + 1)
    await world.role(BOB, "admin")
    number = await invite(world, BOB, end=2_000)
    assert await world.joining.invitation(CODE, CAT, 1_999) is not None
    code, chat = CODE, CHAT
    match why:
        case "ended":
            await world.joining.end_chat_invite(CHAT + 1, number)
            assert await world.joining.invitation(CODE, CAT, world.now) is not None
            await world.joining.end_chat_invite(CHAT, number)
        case "late":
            world.now = 2_000
        case "demoted":
            await world.role(BOB, "member")
        case "left":
            await world.leave(BOB)
        case "nonsense":
            code = b"another"
        case _:
            chat = CHAT + 1
    assert kind(await world.one(joining(world, CAT, code, chat))) == "not_found"
    if why != "of another":
        assert await world.joining.invitation(code, CAT, world.now) is None
    if why == "demoted":
        await world.role(BOB, "owner")
        assert kind(await join(world, CAT)) == "Logged"


async def test_who_was_removed_comes_back_only_when_added(world: World) -> None:
    await world.group(ANN, BOB, CAT)
    await invite(world)
    await world.leave(BOB)
    await world.leave(CAT, by=ANN)
    assert await world.joining.invitation(CODE, CAT, world.now) is None
    assert kind(await join(world, CAT)) == "not_found"
    assert kind(await join(world, CAT, b"")) == "not_found"
    assert kind(await join(world, BOB)) == "Logged"
    await publish(world)
    assert kind(await join(world, CAT, b"")) == "forbidden"
    await world.enrol(CAT)
    await world.leave(CAT)
    assert kind(await join(world, CAT)) == "Logged"
    await world.leave(CAT)
    assert kind(await join(world, CAT, b"")) == "Logged"


async def test_public_groups_are_open(world: World) -> None:
    await world.group(ANN)
    assert kind(await join(world, BOB, b"")) == "not_found"
    assert await world.joining.public_chat(CHAT) is None
    await publish(world)
    seen = await world.joining.public_chat(CHAT)
    assert seen is not None
    assert (seen.title, seen.size) == ("Group", 1)
    joined = await join(world, BOB, b"", most=2)
    assert isinstance(joined, Logged)
    assert "invited_by" not in msgspec.json.decode(joined.system)
    assert kind(await join(world, CAT, b"", most=2)) == "conflict"
    assert isinstance(await world.one(joining(world, CAT, b"", CHAT + 1)), Missing)
    assert await world.joining.public_chat(CHAT + 1) is None


async def test_public_groups_come_by_pages_the_largest_first(world: World) -> None:
    for number, members in enumerate([(ANN,), (ANN, BOB), (ANN, CAT), (ANN, BOB, CAT), (ANN, DAN)]):
        await world.group(*members, chat=CHAT + number)
        if number < 4:
            await publish(world, CHAT + number, title=f"Straße {number}", description="of TEA")
    first = await world.joining.public_chats("", None, 3)
    assert [c.id - CHAT for c in first.chats] == [3, 2, 1]
    rest = await world.joining.public_chats("", first.cursor, 3)
    assert ([c.id - CHAT for c in rest.chats], rest.cursor) == ([0], None)
    for text, found in (("STRASSE 2", [2]), ("tea", [3, 2, 1, 0]), ("%", []), ("_", [])):
        page = await world.joining.public_chats(text, None, 10)
        assert ([c.id - CHAT for c in page.chats], page.cursor) == (found, None)


async def test_a_search_looks_at_a_bounded_number(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("memory", "sqlite", "postgres"):
        monkeypatch.setattr(f"hubbub.adapters.{module}.joining.LOOKED_AT", 2)
    for number in range(5):
        await world.group(ANN, chat=CHAT + number)
        await publish(world, CHAT + number, title="last" if number == 0 else "other")
    found, cursor, pages = [], None, 0
    while pages == 0 or cursor is not None:
        page = await world.joining.public_chats("last", cursor, 10)
        found += [c.id for c in page.chats]
        cursor, pages = page.cursor, pages + 1
    assert (found, pages) == ([CHAT], 3)


async def test_a_group_has_so_many_invites(world: World) -> None:
    await world.group(ANN)
    await invite(world, code=b"spent", end=world.now + 1)
    for number in range(rules.MOST - 1):
        await invite(world, code=b"%d" % number)
    repeated = ChatInvite(1, CHAT, b"repeated", ANN, world.now + 1, 0, 0)
    for _ in range(2):
        assert await world.joining.add_chat_invite(repeated)
    listed = await world.joining.chat_invites(CHAT)
    assert len(listed) == rules.MOST
    assert [i.id for i in listed] == sorted((i.id for i in listed), reverse=True)
    assert not await world.joining.add_chat_invite(
        ChatInvite(2, CHAT, b"too many", ANN, world.now + 1, 0, 0)
    )
    await world.joining.end_chat_invite(CHAT, repeated.id)
    await invite(world, code=b"room again")
