"""What PostgreSQL gives to be kept in memory shows each chat to each user as its own reads do."""

import asyncio
from typing import Any

from hypothesis import Phase

from hubbub.domain.change import Change
from hubbub.domain.recent import RecentChat
from tests.contract.chats.on_postgres import PostgresWorld
from tests.contract.chats.test_differential import SESSIONS, USERS, runs, started
from tests.support.engines import PostgresServer


@runs(6, Phase.generate)  # a server is too slow to shrink on
def test_views_of_an_excerpt_are_those_of_the_store(
    postgres: PostgresServer, batches: list[list[Change]], after: int, limit: int, now: int
) -> None:
    async def run() -> None:
        world = PostgresWorld(await postgres.emptied())
        try:
            world.add_users(*USERS)
            for session, (user_id, own) in SESSIONS.items():
                world.add_session(session, user_id, own)
            made = set()
            for batch in started(batches):
                outcomes = await world.store.commit(batch)
                made |= {chat for o in outcomes if (chat := getattr(o, "chat_id", 0))}
            await compare(world, sorted(made), after, limit)
        finally:
            await world.close()

    asyncio.run(run())


async def compare(world: PostgresWorld, chats: list[int], after: int, limit: int) -> None:
    store: Any = world.store
    excerpts = await store.excerpts([*chats, 77])
    assert {excerpt.chat.id for excerpt in excerpts} == {*chats}
    for excerpt in excerpts:
        chat, known = excerpt.chat.id, RecentChat(excerpt)
        for user in USERS:
            seat = known.seat(user)
            assert await world.reader.chat(user, chat) == (seat and known.view(seat))
            members = await world.reader.members(user, chat, after % 5, limit)
            assert members == (seat and known.people(seat, after % 5, limit))
            newest = await world.reader.history(user, chat, "before", 0, limit)
            assert newest == (seat and known.page(seat, "before", 0, limit))
            for row in excerpt.rows[:: 1 + len(excerpt.rows) // 5]:
                for direction in ("before", "after", "around"):
                    page = await world.reader.history(user, chat, direction, row.id, limit)
                    assert page == (seat and known.page(seat, direction, row.id, limit))
