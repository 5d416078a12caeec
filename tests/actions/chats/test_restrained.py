"""Groups that restrict who may send, and when: decided for a whole batch before it commits."""

from collections.abc import Sequence

from hubbub.actions.forward import Forward
from hubbub.actions.send_message import Accept
from hubbub.adapters.memory.chats import MemoryChatStore
from hubbub.adapters.memory.referring import MemoryReferring
from hubbub.adapters.memory.relations import MemoryRelations
from hubbub.domain.account import Principal
from hubbub.domain.change import Post
from hubbub.domain.draft import Draft
from hubbub.domain.gate import Names, SendGate
from hubbub.domain.roster import Roster
from hubbub_protocol import ids, rest
from hubbub_protocol.codes import Code, Refused
from tests.actions.chats.house import House, ref


class Sink:
    """Nobody's: keeps no order."""

    gate: SendGate | None = None
    target: Names = ()


class Gatekeeper:
    """`Accept` on the house's store; what it permits is committed."""

    def __init__(self, house: House) -> None:
        self._house = house
        store = MemoryChatStore(house.state)
        forward, relations = Forward(MemoryReferring(house.state)), MemoryRelations(house.state)
        self._accept = Accept(Roster(), store, relations, forward, house.ids, house.clock)

    def draft(self, sender: Principal, chat: str, client: bytes | None = None) -> Draft:
        number, at = self._house.ids.make(), self._house.clock.now_ms()
        where = ids.parse("chat", chat)
        return Draft(number, at, sender.user_id, client, where, None, "text", "hi", b"", 0)

    async def __call__(self, *drafts: Draft) -> list[Code | float | None]:
        """For each None for yes, or the seconds to wait, or why not."""
        verdicts: Sequence[Post | Refused] = await self._accept([(d, Sink()) for d in drafts])
        said: list[Code | float | None] = []
        for verdict in verdicts:
            if isinstance(verdict, Post):
                await self._house.changes.do(verdict)
                said.append(None)
            else:
                slow = verdict.code is Code.RATE_LIMITED
                said.append(verdict.retry_after if slow else verdict.code)
        return said


async def test_only_owners_and_admins_send(
    house: House, ann: Principal, bob: Principal, cat: Principal
) -> None:
    chat = await house.group(ann, bob, cat)
    await house.change(ann, chat, ref(bob), rest.ChangeMember("admin"))
    ask = Gatekeeper(house)
    before = ask.draft(cat, chat, b"c")
    assert await ask(before) == [None]
    await house.settle(ann, chat, rest.ChangeChat(posting="admins"))
    ask = Gatekeeper(house)
    drafts = [ask.draft(who, chat) for who in (ann, bob, cat)]
    assert await ask(*drafts, before) == [None, None, Code.FORBIDDEN, None]
    await house.change(ann, chat, ref(bob), rest.ChangeMember("member"))
    assert await ask(ask.draft(bob, chat)) == [Code.FORBIDDEN]
    await house.settle(ann, chat, rest.ChangeChat(posting="all"))
    assert await ask(ask.draft(bob, chat), ask.draft(cat, chat)) == [None, None]


async def test_what_is_stored_is_answered_again_to_who_was_removed(
    house: House, ann: Principal, bob: Principal
) -> None:
    chat, other = await house.group(ann, bob), await house.group(ann)
    ask = Gatekeeper(house)
    sent = ask.draft(bob, chat, b"c")
    assert await ask(sent) == [None]
    await house.remove(ann, chat, ref(bob))
    ask = Gatekeeper(house)
    elsewhere, new = ask.draft(bob, other, b"c"), ask.draft(bob, chat, b"d")
    assert await ask(sent, elsewhere, new) == [None, Code.NOT_FOUND, Code.NOT_FOUND]


async def test_slow_mode_makes_ordinary_members_wait(
    house: House, ann: Principal, bob: Principal, cat: Principal
) -> None:
    chat = await house.group(ann, bob, cat)
    await house.settle(ann, chat, rest.ChangeChat(slow_seconds=10))
    ask = Gatekeeper(house)
    once, twice = ask.draft(bob, chat, b"1"), ask.draft(bob, chat, b"2")
    assert await ask(once, twice, once, ask.draft(cat, chat)) == [None, 10.0, None, None]
    house.clock.ms += 4_000
    assert await ask(twice, once, ask.draft(cat, chat)) == [6.0, None, 6.0]
    assert await ask(*(ask.draft(ann, chat) for _ in range(3))) == [None] * 3
    house.clock.ms += 6_000
    twice, thrice = (ask.draft(bob, chat, client) for client in (b"2", b"3"))
    assert await ask(twice, thrice) == [None, 10.0]


async def test_a_stranger_learns_nothing_of_settings(
    house: House, ann: Principal, eve: Principal
) -> None:
    chat = await house.group(ann)
    await house.settle(ann, chat, rest.ChangeChat(posting="admins", slow_seconds=10))
    ask = Gatekeeper(house)
    assert await ask(ask.draft(eve, chat)) == [Code.NOT_FOUND]
