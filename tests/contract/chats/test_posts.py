"""Positions, numbers, times and duplicates (G2, G3)."""

from msgspec.structs import replace

from hubbub.domain.change import Create, Enrol, Mismatch, Missing, NewChat, Post, Posted, Stale
from hubbub.domain.chat import group_key
from hubbub.ports import Lookup
from tests.contract.chats.world import ANN, BOB, CAT, CHAT, World, direct

KEY, OTHER_KEY = b"k" * 16, b"o" * 16


async def test_positions_and_numbers_are_dense(world: World) -> None:
    await world.group(ANN, BOB)
    await world.group(ANN, chat=CHAT + 1)
    changes = [world.text(f"{i}", chat=CHAT + i % 2) for i in range(6)]
    outcomes = await world.do(*changes)
    assert [(o.chat_id, o.seq, o.number) for o in outcomes if isinstance(o, Posted)] == [
        (CHAT, 1, 1),
        (CHAT + 1, 1, 1),
        (CHAT, 2, 2),
        (CHAT + 1, 2, 2),
        (CHAT, 3, 3),
        (CHAT + 1, 3, 3),
    ]
    assert (await world.post("7")).seq == 4


async def test_system_messages_take_positions_but_no_numbers(world: World) -> None:
    await world.group(ANN, BOB)
    await world.post("one")
    assert (await world.enrol(CAT)).head.seq == 2
    posted = await world.post("two")
    assert (posted.seq, posted.number) == (3, 2)


async def test_times_never_go_back_in_a_chat(world: World) -> None:
    await world.group(ANN, BOB)
    changes = [world.text("", at=at) for at in (5_000, 4_000, 6_000)]
    outcomes = await world.do(*changes)
    assert [o.at for o in outcomes if isinstance(o, Posted)] == [5_000, 5_000, 6_000]


async def test_a_message_comes_back_as_it_was_sent(world: World) -> None:
    await world.group(ANN, BOB)
    first = await world.post("first")
    sent = Post(
        world.next_id(), CHAT, None, BOB, KEY, 2_000, "image", "wörds", b'[{"url":"u"}]', first.id
    )
    await world.do(sent)
    view = await world.reader.message(ANN, sent.id)
    assert view is not None
    row = view.row
    assert (row.id, row.chat_id, row.seq, row.rev, row.number) == (sent.id, CHAT, 2, 2, 2)
    assert (row.sender_id, row.client_id, row.at) == (BOB, KEY, 2_000)
    assert (row.type, row.content, row.media) == ("image", "wörds", b'[{"url":"u"}]')
    assert (row.reply_to, row.system) == (first.id, b"")


async def test_a_chat_that_is_not_there_takes_nothing(world: World) -> None:
    await world.group(ANN, BOB)
    outcomes = await world.do(world.text("a", chat=CHAT + 9), world.text("b"))
    assert isinstance(outcomes[0], Missing)
    assert isinstance(outcomes[1], Posted)
    assert outcomes[1].seq == 1


async def test_the_same_client_id_gives_the_same_message(world: World) -> None:
    await world.group(ANN, BOB)
    first = await world.one(world.text("hello", client_id=KEY, at=2_000))
    await world.post("between")
    again = await world.one(world.text("hello", client_id=KEY, at=9_000))
    assert (again.id, again.seq, again.number, again.at) == (first.id, 1, 1, 2_000)
    assert (first.duplicate, again.duplicate) == (False, True)
    assert await world.seen(ANN) == [1, 2]


async def test_a_send_finds_what_is_stored_of_it_where_he_is_no_member_any_more(
    world: World,
) -> None:
    await world.group(ANN, BOB)
    await world.group(ANN, chat=CHAT + 1)
    sent = await world.one(world.text("hello", BOB, client_id=KEY))

    async def known(user: int, chat: int, client_id: bytes | None = KEY, reply: int = 0) -> bool:
        asked = Lookup(user, chat, reply_to=reply, client_id=client_id)
        (found,) = await world.store.find([asked])
        assert found is not None
        return found.known

    assert not await known(BOB, CHAT)  # nor has to be
    assert await known(BOB, CHAT, reply=sent.id + 1)  # which he does not see
    await world.leave(BOB)
    assert await known(BOB, CHAT)
    assert not await known(BOB, CHAT + 1)  # he learns nothing of other chats by it
    assert not await known(BOB, CHAT, b"1" * 16)
    assert not await known(BOB, CHAT, None)
    assert not await known(CAT, CHAT)


async def test_duplicates_are_known_after_a_restart(world: World) -> None:
    await world.group(ANN, BOB)
    first = await world.one(world.text("hello", client_id=KEY))
    world.reopen()
    again = await world.one(world.text("hello", client_id=KEY))
    assert (again.id, again.duplicate) == (first.id, True)
    assert (await world.post("next")).seq == 2


async def test_duplicates_are_known_within_one_batch(world: World) -> None:
    await world.group(ANN, BOB)
    changes = [world.text("hello", client_id=KEY) for _ in range(3)]
    outcomes = await world.do(*changes, world.text("next"))
    ids = [o.id for o in outcomes[:3] if isinstance(o, Posted)]
    assert ids == [changes[0].id] * 3
    assert [o.seq for o in outcomes if isinstance(o, Posted)] == [1, 1, 1, 2]


async def test_other_content_under_a_client_id_is_a_mismatch(world: World) -> None:
    await world.group(ANN, BOB)
    await world.group(ANN, chat=CHAT + 1)
    await world.one(world.text("hello", client_id=KEY))
    outcomes = await world.do(
        world.text("other", client_id=KEY),
        world.text("hello", chat=CHAT + 1, client_id=KEY),
        world.text("hi", client_id=OTHER_KEY),
        world.text("ho", client_id=OTHER_KEY),
    )
    assert [type(o) for o in outcomes] == [Mismatch, Mismatch, Posted, Mismatch]
    assert await world.seen(ANN) == [1, 2]


async def test_client_ids_of_two_senders_are_two(world: World) -> None:
    await world.group(ANN, BOB)
    outcomes = await world.do(*(world.text("hi", sender, client_id=KEY) for sender in (ANN, BOB)))
    assert [o.seq for o in outcomes if isinstance(o, Posted)] == [1, 2]


async def test_two_batches_with_one_new_direct_chat_make_one(world: World) -> None:
    first = await world.one(world.text("hi", ANN, new_chat=direct(ANN, BOB, CHAT)))
    second = await world.one(world.text("ho", BOB, new_chat=direct(BOB, ANN, CHAT + 1)))
    assert (first.chat_id, second.chat_id) == (CHAT, CHAT)
    assert (first.seq, second.seq) == (1, 2)
    assert sorted(e.user_id for e in first.made.events) == [ANN, BOB]
    assert second.made.events == []
    assert sorted(second.made.members) == [ANN, BOB]


async def test_one_batch_with_two_new_direct_chats_makes_one(world: World) -> None:
    outcomes = await world.do(
        world.text("hi", ANN, new_chat=direct(ANN, BOB, CHAT)),
        world.text("ho", BOB, new_chat=direct(BOB, ANN, CHAT + 1)),
    )
    assert [(o.chat_id, o.seq) for o in outcomes if isinstance(o, Posted)] == [(CHAT, 1), (CHAT, 2)]
    assert await world.reader.chat(ANN, CHAT + 1) is None


async def test_creating_a_direct_chat_finds_the_one_that_is_there(world: World) -> None:
    first = await world.one(Create(direct(ANN, BOB, CHAT), 1))
    again = await world.one(Create(direct(BOB, ANN, CHAT + 1), 2))
    assert (first.made.chat_id, again.made.chat_id) == (CHAT, CHAT)
    assert (len(first.made.events), again.made.events) == (2, [])
    view = await world.reader.chat(ANN, CHAT)
    assert view is not None
    assert (view.chat.type, view.chat.size, view.member.role) == ("direct", 2, "member")
    assert view.peer is not None
    assert view.peer.id == BOB


async def test_a_repeated_message_makes_no_chat(world: World) -> None:
    sent = world.text("hi", ANN, new_chat=direct(ANN, BOB, CHAT), client_id=KEY)
    await world.do(sent)
    again = world.text("hi", ANN, new_chat=direct(ANN, BOB, CHAT + 1), client_id=KEY)
    elsewhere = world.text("hi", ANN, new_chat=direct(ANN, CAT, CHAT + 2), client_id=KEY)
    outcomes = await world.do(again, elsewhere)
    assert isinstance(outcomes[0], Posted)
    assert (outcomes[0].id, outcomes[0].chat_id) == (sent.id, CHAT)
    assert isinstance(outcomes[1], Mismatch)
    assert await world.reader.chat(ANN, CHAT + 2) is None


def adhoc(chat: int, *members: int) -> NewChat:
    key = group_key(frozenset(members))
    return NewChat(chat, "group", key, None, "joined", members[0], members)


async def test_an_adhoc_group_is_found_by_its_exact_members(world: World) -> None:
    first = await world.one(world.text("1", ANN, new_chat=adhoc(CHAT, ANN, BOB, CAT)))
    same = await world.one(world.text("2", BOB, new_chat=adhoc(CHAT + 1, BOB, CAT, ANN)))
    smaller = await world.one(world.text("3", ANN, new_chat=adhoc(CHAT + 2, ANN, BOB)))
    assert (first.chat_id, same.chat_id, smaller.chat_id) == (CHAT, CHAT, CHAT + 2)


async def test_a_change_of_members_makes_an_adhoc_group_ordinary(world: World) -> None:
    await world.one(world.text("1", ANN, new_chat=adhoc(CHAT, ANN, BOB, CAT)))
    await world.leave(CAT)
    again = await world.one(world.text("2", ANN, new_chat=adhoc(CHAT + 1, ANN, BOB, CAT)))
    pair = await world.one(world.text("3", ANN, new_chat=adhoc(CHAT + 2, ANN, BOB)))
    assert (again.chat_id, pair.chat_id) == (CHAT + 1, CHAT + 2)


async def test_sending_moves_the_senders_cursors(world: World) -> None:
    await world.group(ANN, BOB)
    await world.posts(3, sender=BOB)
    await world.post("answer", sender=ANN)
    await world.post("last", sender=BOB)
    view = await world.reader.chat(ANN, CHAT)
    assert view is not None
    assert (view.member.delivered, view.member.read, view.member.read_number) == (4, 4, 4)
    assert view.head.number - view.member.read_number == 1


async def test_duplicates_are_known_in_a_batch_of_many_kinds(world: World) -> None:
    await world.group(ANN, BOB)
    first = world.text("hello", client_id=KEY)
    joined = Enrol(world.next_id(), CHAT, ANN, (CAT,), 2_000)
    again, other = (world.text(content, client_id=KEY) for content in ("hello", "other"))
    outcomes = await world.do(first, joined, again, other)
    assert isinstance(outcomes[2], Posted)
    assert (outcomes[2].id, outcomes[2].duplicate) == (first.id, True)
    assert isinstance(outcomes[3], Mismatch)
    assert await world.seen(ANN) == [1, 2]


async def test_a_post_that_was_permitted_before_the_chat_changed_is_not_stored(
    world: World,
) -> None:
    await world.group(ANN, BOB)
    await world.post("one")
    permitted = replace(world.text("two"), changes=0)
    late = replace(world.text("three"), changes=0)
    assert isinstance(await world.one(permitted), Posted)
    changed = await world.enrol(CAT)
    assert changed.head.changes == 1
    assert await world.one(late) == Stale(CHAT)
    again = await world.one(replace(late, changes=1))
    assert isinstance(again, Posted)
    assert again.seq == 4
