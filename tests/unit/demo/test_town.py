"""The town of the demo: what is said there, its past in a store, and whether the books can fail."""

import asyncio
import re
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any, get_args

import pytest
from click.testing import CliRunner

from hubbub.adapters.memory.accounts import MemoryAccounts
from hubbub.cli import main
from hubbub.demo.audit import Audit
from hubbub.demo.past import Past
from hubbub.demo.phrases import Kind, Phrases
from hubbub.demo.settle import Occupied, residents, settle
from hubbub.demo.town import VISITOR, town
from hubbub.domain.account import User
from hubbub.domain.change import Advance, Amend, Create, Post, React
from hubbub.domain.credentials import plain_username
from hubbub.domain.extra import unpack
from hubbub.wiring import open_store
from hubbub_client import MessageAccepted, MessageArrived
from hubbub_protocol.frames import Message
from hubbub_protocol.rest import EventPage

NOW = 1_790_000_000_000


def test_everybody_has_a_name_a_language_and_company() -> None:
    place = town()
    assert len(place.bots) == 50
    assert len(place.chats) == 20
    assert town() == place
    languages = set(Phrases(Random(1)).languages)
    assert all(plain_username(person.username) == person.username for person in place.bots)
    assert {person.language for person in place.bots} == languages
    for chat in place.chats:
        assert VISITOR in chat.members
        assert len(set(chat.members)) == len(chat.members) >= 2
        assert set(chat.languages) <= languages


def test_every_template_can_be_filled() -> None:
    phrases = Phrases(Random(2))
    for language in phrases.languages:
        for kind in get_args(Kind):
            said = {phrases.text(language, kind) for _ in range(200)}
            assert len(said) > 3
            assert not any(re.search(r"[{}]", text) for text in said)
            assert phrases.after(kind) in get_args(Kind)


def test_the_past_is_in_order_and_ends_now() -> None:
    place = town()
    users = {name: number for number, name in enumerate(place.people, 1)}
    names = {number: name for name, number in users.items()}
    changes = list(Past(place, users, 3_000, NOW).changes())
    posts = [change for change in changes if isinstance(change, Post)]
    assert len(posts) == 3_000
    assert [post.at for post in posts] == sorted(post.at for post in posts)
    assert len({post.id for post in posts}) == 3_000
    assert NOW - 60 * 86_400_000 < posts[0].at < posts[-1].at <= NOW
    assert sum(isinstance(change, Create) for change in changes) == 20
    known = {post.id for post in posts}
    replies = [post for post in posts if post.reply_to]
    assert replies
    assert {post.reply_to for post in replies} <= known
    threads = {post.thread_id for post in replies}
    assert threads <= {post.id for post in posts if not post.reply_to}
    assert max(Counter(post.thread_id for post in replies).values()) > 2
    named = [post for post in posts if unpack(post.extra).mentions]
    assert named
    for post in named:
        (whom,) = unpack(post.extra).mentions
        assert post.content.startswith(f"@{names[whom]} ")
    heads: Counter[int] = Counter()
    said: dict[int, Post] = {}
    reactions: set[tuple[int, int, str]] = set()
    for change in changes:
        if isinstance(change, Post):
            heads[change.chat_id] += 1
            said[change.id] = change
        elif isinstance(change, Amend):
            post = said[change.message_id]
            heads[post.chat_id] += 1
            assert change.by not in (post.sender_id, users[VISITOR])
            assert isinstance(change.do, React)
            reactions.add((change.message_id, change.by, change.do.emoji))
        elif isinstance(change, Advance):
            assert 0 <= change.read <= change.delivered <= heads[change.chat_id]
            assert change.at <= NOW
    assert 80 < len(reactions) == sum(heads.values()) - 3_000 < 400, "a position each"
    again = [c for c in Past(place, users, 3_000, NOW).changes() if isinstance(c, Post)]
    assert [post.content for post in again] == [post.content for post in posts]


async def test_it_is_settled_once_through_the_ports(tmp_path: Path) -> None:
    heard: list[int] = []
    async with open_store(tmp_path / "data") as store:
        assert not await settle(store, town(), 2_500, NOW, "hash", heard.append)
        assert heard[-1] == 2_500
        assert heard == sorted(heard)
        users = await residents(store, town())
        assert len(users) == 51
        chats = (await store.chats(users[VISITOR], None, 50)).chats
        assert len(chats) == 20
        assert sum(view.head.number for view in chats) == 2_500
        assert sum(view.head.seq - view.head.number for view in chats) > 60, "reactions"
        unread = sum(view.head.number > view.member.read_number for view in chats)
        assert 3 <= unread <= 5, "where the visitor did not speak last"
        assert sum(view.unread_mentions > 0 for view in chats) in (1, 2)
        assert await settle(store, town(), 2_500, NOW, "hash", heard.append), "they live there"
        assert sum(v.head.number for v in (await store.chats(users[VISITOR], None, 50)).chats) == (
            2_500
        )


async def test_it_does_not_move_in_with_others() -> None:
    accounts: Any = MemoryAccounts()
    await accounts.add_user(User(1, "ada", "Somebody real", "", True, NOW), None)
    with pytest.raises(Occupied):
        await settle(accounts, town(), 10, NOW, "hash", lambda _: None)


def test_a_real_server_is_left_alone(tmp_path: Path) -> None:
    async def live_there() -> None:
        async with open_store(tmp_path) as store:
            await store.add_user(User(1, "ann", "Ann", "", True, NOW), None)

    asyncio.run(live_there())
    result = CliRunner().invoke(main, ["demo", "--data", str(tmp_path), "--messages", "100"])
    assert result.exit_code == 1
    assert "belongs to a real server" in result.output


# ── the books ────────────────────────────────────────────────────────────────────────────────

CHAT = "chat_0000000000001"


class Store:
    """What the visitor reads."""

    def __init__(self, *messages: Message) -> None:
        self.messages = messages

    async def events(self, chat_id: str, after: int) -> EventPage:
        found = [message for message in self.messages if message.seq > after]
        return EventPage([*found], found[-1].seq if found else after, False)


def message(seq: int, name: str | None = None, client_id: str | None = None) -> Message:
    return Message(name or f"msg_{seq}", CHAT, seq, seq, seq, "2026-01-01", client_id=client_id)


def accepted(client_id: str, name: str) -> MessageAccepted:
    return MessageAccepted(client_id, name, CHAT, "2026-01-01")


async def books(store: Store, *told: object) -> tuple[int, int, int, int]:
    audit = Audit({CHAT: 0})
    for each in told:
        if isinstance(each, str):
            audit.sent("ann", CHAT, each)
        else:
            audit.heard("ann", each)  # type: ignore[arg-type]
    await audit.check(store)  # type: ignore[arg-type]
    await audit.check(store)  # type: ignore[arg-type]
    audit.settled()
    return audit.acknowledged, audit.lost, audit.doubled, audit.disordered


async def test_all_is_well() -> None:
    store = Store(message(1), message(2), message(3, client_id="the visitor's own"))
    told = ["a", accepted("a", "msg_1"), "b", MessageArrived(message(1, client_id="a"))]
    assert await books(store, *told, accepted("b", "msg_2")) == (2, 0, 0, 0)


async def test_an_answer_may_come_before_the_send_is_noted() -> None:
    arrived = [MessageArrived(message(n, client_id=c)) for n, c in ((1, "a"), (2, "b"))]
    told = [accepted("a", "msg_1"), "a", "b", accepted("b", "msg_2"), *arrived]
    assert await books(Store(message(1), message(2)), *told) == (2, 0, 0, 0)


async def test_what_is_lost_is_counted_once() -> None:
    assert await books(Store(), "a", accepted("a", "msg_1")) == (1, 1, 0, 0)


async def test_what_is_doubled_is_counted() -> None:
    both = Store(message(1), message(2))
    assert await books(both, "a", accepted("a", "msg_1")) == (1, 0, 1, 0)
    told = ["a", accepted("a", "msg_1"), MessageArrived(message(2, client_id="a"))]
    assert (await books(Store(message(1)), *told))[2] == 1


async def test_what_is_out_of_order_is_counted() -> None:
    holes = Store(message(1), message(3, "msg_2"))
    told = ["a", accepted("a", "msg_1"), "b", accepted("b", "msg_2")]
    assert await books(holes, *told) == (2, 0, 0, 1)
    late = [MessageArrived(message(2)), MessageArrived(message(1))]
    assert (await books(Store(), *late))[3] == 1
    swapped = [
        MessageArrived(message(1, client_id="b")),
        MessageArrived(message(2, client_id="a")),
    ]
    assert (await books(Store(message(1), message(2)), "a", "b", *swapped))[3] == 1
