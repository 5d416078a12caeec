"""Threads, mentions and what is forwarded, as each reader may see them."""

from msgspec.structs import replace

from hubbub.domain.change import Advanced, Amend, Denied, Edit, Erase, Fill, Mismatch, Posted
from hubbub.domain.chat import Head
from hubbub.domain.extra import Extra, pack
from hubbub.domain.own import MyChat
from hubbub.domain.reading import COUNTED
from hubbub.domain.view import Replies, ThreadView
from hubbub.ports import Lookup, SourceRead
from tests.contract.chats.world import ANN, BOB, CAT, CHAT, DAN, EVE, World

ALL = Extra(mention_all=True)


def named(*users: int) -> Extra:
    return Extra(users)


async def unread(world: World, user: int, chat: int = CHAT) -> int:
    """Unread mentions, as every read tells them."""
    view = await world.reader.chat(user, chat)
    assert view is not None
    listed = await world.reader.chats(user, None, 10)
    assert [v.unread_mentions for v in listed.chats if v.chat.id == chat] == [view.unread_mentions]
    events, _ = await world.own_log.me(user, 0, 100)
    own = [e.unread_mentions for e in events if isinstance(e, MyChat) and e.chat_id == chat]
    assert own == [view.unread_mentions]
    return view.unread_mentions


async def thread(
    world: World, user: int, message: int, newest: bool = False, place: int = 0, limit: int = 10
) -> ThreadView | None:
    return await world.referring.thread(user, message, newest, place, limit)


def seqs(view: ThreadView | None) -> list[int] | None:
    return None if view is None else [row.seq for row in view.rows]


# ── threads ──────────────────────────────────────────────────────────────────────────────────


async def test_a_reply_to_a_reply_is_of_the_same_thread(world: World) -> None:
    await world.group(ANN, BOB)
    root, other = await world.posts(2)
    first = await world.reply(root.id, root.id, BOB)
    (found, fresh, none) = await world.store.find(
        [Lookup(ANN, CHAT, None, m) for m in (first.id, other.id, 99)]
    )
    assert found
    assert fresh
    assert none
    assert (found.thread_id, fresh.thread_id, none.thread_id) == (root.id, other.id, 0)


async def test_a_thread_is_read_from_either_end(world: World) -> None:
    await world.group(ANN, BOB)
    root, _ = await world.posts(2)
    replies = [await world.reply(root.id, root.id, BOB) for _ in range(3)]  # 3, 4, 5
    view = await thread(world, ANN, root.id, limit=2)
    assert view is not None
    assert view.root is not None
    assert (view.root.id, seqs(view), view.has_more) == (root.id, [3, 4], True)
    assert view.replies == Replies(3, 5, world.now)
    assert seqs(await thread(world, ANN, root.id, place=4, limit=2)) == [5]
    newest = await thread(world, ANN, root.id, newest=True, limit=2)
    assert newest is not None
    assert (seqs(newest), newest.has_more) == ([5, 4], True)
    assert seqs(await thread(world, ANN, root.id, newest=True, place=4)) == [3]
    of_a_reply = await thread(world, BOB, replies[1].id)
    assert seqs(of_a_reply) == [3, 4, 5]


async def test_history_and_messages_say_how_many_replies_there_are(world: World) -> None:
    await world.group(ANN, BOB)
    root, lonely = await world.posts(2)
    reply = await world.reply(root.id, root.id, BOB)
    await world.reply(reply.id, root.id, ANN)
    page = await world.reader.history(BOB, CHAT, "before", 0, 10)
    assert page is not None
    assert page.replies == {root.id: Replies(2, 4, world.now)}
    views = [await world.reader.message(ANN, m) for m in (root.id, lonely.id, reply.id)]
    assert [view and view.replies for view in views] == [Replies(2, 4, world.now), None, None]


async def test_a_thread_shows_what_its_reader_may_see(world: World) -> None:
    await world.group(ANN, BOB)
    root = await world.post("1")
    await world.reply(root.id, root.id)  # 2
    await world.enrol(CAT)  # 3
    seen = await world.reply(root.id, root.id)  # 4
    await world.leave(CAT)  # 5
    await world.reply(root.id, root.id)  # 6
    await world.enrol(CAT)  # 7
    assert await thread(world, CAT, root.id) is None
    view = await thread(world, CAT, seen.id)
    assert view is not None
    assert (view.root, seqs(view), view.replies) == (None, [4], Replies(1, 4, world.now))
    assert seqs(await thread(world, BOB, root.id)) == [2, 4, 6]
    assert await thread(world, DAN, root.id) is None


async def test_replies_are_counted_up_to_a_bound(world: World) -> None:
    await world.group(ANN, BOB)
    root = await world.post("root")
    reply = replace(world.text("again"), reply_to=root.id, thread_id=root.id)
    many = [replace(reply, id=world.next_id()) for _ in range(COUNTED + 2)]
    await world.do(*many)
    view = await world.reader.message(BOB, root.id)
    assert view is not None
    assert view.replies == Replies(COUNTED, COUNTED + 3, world.now)


# ── mentions ─────────────────────────────────────────────────────────────────────────────────


async def test_unread_mentions_are_those_beyond_the_read_cursor(world: World) -> None:
    await world.group(ANN, BOB, CAT)
    await world.post("1", extra=named(BOB, CAT))
    await world.post("2", extra=ALL)
    await world.post("3")
    await world.post("4", extra=named(BOB, EVE))  # who is no member
    assert [await unread(world, user) for user in (ANN, BOB, CAT)] == [0, 3, 2]
    moved = await world.advance(BOB, 4, 2)
    assert isinstance(moved, Advanced)
    assert moved.me is not None
    assert (moved.me.unread, moved.me.unread_mentions) == (2, 1)
    assert [await unread(world, user) for user in (BOB, CAT)] == [1, 2]
    await world.advance(BOB, 4, 4)
    assert await unread(world, BOB) == 0


async def test_who_mentions_has_read_it(world: World) -> None:
    await world.group(ANN, BOB)
    await world.post("1", BOB, extra=named(ANN, BOB))
    await world.post("2", ANN, extra=ALL)
    assert [await unread(world, user) for user in (ANN, BOB)] == [0, 1]
    assert [m.row.seq for m in (await world.referring.mentions(BOB, None, 10)).mentions] == [2]


async def test_no_mention_of_before_or_between_stays_counts(world: World) -> None:
    await world.group(ANN, BOB)
    await world.post("1", extra=named(CAT))
    await world.post("2", extra=ALL)
    await world.enrol(CAT)  # 3
    assert await unread(world, CAT) == 0
    await world.post("4", extra=named(CAT))
    await world.leave(CAT)  # 5
    await world.post("6", extra=ALL)
    assert (await world.referring.mentions(CAT, None, 10)).mentions == []
    joined = await world.enrol(CAT)  # 7
    assert [event.unread_mentions for event in joined.events] == [0]
    await world.post("8", extra=ALL)
    assert await unread(world, CAT) == 1
    listed = await world.referring.mentions(CAT, None, 10)
    assert [m.row.seq for m in listed.mentions] == [8, 4]


async def test_an_open_history_makes_nobody_mentioned_afterwards(world: World) -> None:
    await world.group(ANN, BOB, history="all")
    await world.post("1", extra=ALL)
    await world.enrol(CAT)  # 2
    assert await unread(world, CAT) == 0
    assert (await world.referring.mentions(CAT, None, 10)).mentions == []


async def test_first_members_of_a_later_slice_are_mentioned_too(world: World) -> None:
    await world.group(ANN, BOB)
    await world.post("1", extra=ALL)
    await world.post("2", extra=named(CAT))
    filled = await world.one(Fill(CHAT, (CAT, DAN), world.now))
    assert [event.unread_mentions for event in filled.events] == [2, 1]
    assert [await unread(world, user) for user in (CAT, DAN)] == [2, 1]


async def test_mentions_are_counted_up_to_a_bound(world: World) -> None:
    await world.group(ANN, BOB)
    post = world.text("you", extra=named(BOB))
    many = [replace(post, id=world.next_id()) for _ in range(COUNTED + 2)]
    await world.do(*many)
    assert await unread(world, BOB) == COUNTED


async def test_mentions_of_all_chats_come_newest_first_by_pages(world: World) -> None:
    await world.group(ANN, BOB)
    await world.group(CAT, BOB, chat=CHAT + 1)
    places = []
    for number in range(6):
        chat, sender = (CHAT, ANN) if number % 2 else (CHAT + 1, CAT)
        world.now += number // 3  # several at the same time
        posted = await world.post("you", sender, chat, ALL if number == 2 else named(BOB))
        places.append((posted.at, chat, posted.seq))
    read: list[tuple[int, int, int]] = []
    cursor = None
    while True:
        page = await world.referring.mentions(BOB, cursor, 2)
        read += [(m.row.at, m.row.chat_id, m.row.seq) for m in page.mentions]
        if (cursor := page.cursor) is None:
            break
    assert read == sorted(places, reverse=True)


async def test_a_head_says_where_the_newest_mention_is(world: World) -> None:
    await world.group(ANN, BOB)
    await world.post("1", extra=named(BOB))
    await world.post("2", extra=Extra(forward=7, forwarded_from=BOB))
    await world.enrol(CAT)  # 3
    world.reopen()
    (found,) = await world.store.find([Lookup(BOB, CHAT)])
    assert found is not None
    assert found.head == Head(3, 2, world.now, 1)


async def test_another_mention_is_another_message(world: World) -> None:
    await world.group(ANN, BOB, CAT)
    first = world.text("you", client_id=b"1", extra=named(BOB))
    posted, again, other = await world.do(
        first, replace(first, id=world.next_id()), replace(first, extra=pack(named(CAT)))
    )
    assert isinstance(posted, Posted)
    assert isinstance(again, Posted)
    assert (again.id, again.duplicate) == (posted.id, True)
    assert isinstance(other, Mismatch)
    assert isinstance(await world.one(replace(first, extra=b"")), Mismatch)
    assert await unread(world, BOB) == 1


# ── forwards ─────────────────────────────────────────────────────────────────────────────────


async def test_a_source_is_what_its_reader_may_see(world: World) -> None:
    await world.group(ANN, BOB)
    await world.group(CAT, BOB, chat=CHAT + 1)
    mine, theirs = await world.post("mine"), await world.post("theirs", CAT, CHAT + 1)
    reads = [SourceRead(user, m, None) for user in (ANN, BOB) for m in (mine.id, theirs.id, 99)]
    found = await world.referring.sources(reads)
    assert [row and row.content for row in found] == ["mine", None, None, "mine", "theirs", None]


async def test_a_forward_is_not_edited(world: World) -> None:
    await world.group(ANN, BOB)
    source = await world.post("words")
    copy = await world.post("words", BOB, extra=Extra(forward=source.id, forwarded_from=ANN))
    denied = await world.one(Amend(copy.id, BOB, Edit("other words", None), world.now))
    assert isinstance(denied, Denied)


async def test_a_head_that_moves_on_keeps_its_mention(world: World) -> None:
    await world.group(ANN, BOB)
    posted = await world.post("1", extra=named(BOB))
    await world.one(Amend(posted.id, ANN, Edit("one", None), world.now))
    assert await unread(world, BOB) == 1


async def test_a_deleted_message_mentions_nobody(world: World) -> None:
    await world.group(ANN, BOB)
    first = await world.post("1", extra=named(BOB))
    everybody = await world.post("2", extra=ALL)
    await world.one(Amend(everybody.id, ANN, Erase(), world.now))
    assert await unread(world, BOB) == 1
    await world.one(Amend(first.id, ANN, Erase(), world.now))
    assert await unread(world, BOB) == 0
    assert (await world.referring.mentions(BOB, None, 10)).mentions == []


async def test_a_forward_that_was_deleted_is_known_again(world: World) -> None:
    await world.group(ANN, BOB)
    source = await world.post("words")
    extra = Extra(forward=source.id, forwarded_from=ANN)
    copy = await world.one(world.text("words", BOB, client_id=b"1", extra=extra))
    await world.one(Amend(copy.id, BOB, Erase(), world.now))
    (known,) = await world.referring.sources([SourceRead(BOB, source.id, b"1")])
    assert known is not None
    assert (known.id, known.content, known.extra) == (copy.id, "", pack(Extra(forward=source.id)))


async def test_a_forward_is_known_again_by_its_client_id(world: World) -> None:
    await world.group(ANN, BOB)
    await world.group(CAT, BOB, chat=CHAT + 1)
    source = await world.post("first words")
    extra = Extra(forward=source.id, forwarded_from=ANN)
    copy = world.text("first words", BOB, CHAT + 1, b"1", extra=extra)
    posted = await world.one(copy)
    await world.leave(BOB)
    known, anew, other = await world.referring.sources(
        [SourceRead(BOB, source.id, key) for key in (b"1", None, b"2")]
    )
    assert known is not None
    assert (known.id, known.content, anew, other) == (posted.id, "first words", None, None)
