"""Settling the town in a store: its people, a session for each, their past."""

import secrets
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Final, Protocol

from hubbub.demo.past import DAY, DAYS, NODE, Past
from hubbub.demo.town import VISITOR, Town
from hubbub.domain.account import Session, User
from hubbub.domain.change import Missing, Post
from hubbub.domain.credentials import secret_hash
from hubbub.ports import Accounts, ChatStore, Invites
from hubbub_protocol.ids import IdMaker

BATCH: Final = 1_000
"""Changes of one commit, as a server under load has."""


class Store(ChatStore, Accounts, Invites, Protocol):
    """The ports that the town is settled through."""


class Occupied(Exception):
    """The store holds something else than this town."""


async def settle(
    store: Store,
    town: Town,
    count: int,
    now: int,
    hash_: str,
    progress: Callable[[int], None],
) -> bool:
    """Everybody and `count` messages, unless they are there already; whether it was so.

    `hash_` is the visitor's password, as a PHC string. `progress` hears how many messages are
    stored. Raises Occupied, Unavailable. When it is cancelled, some of it may be stored.
    """
    if await store.has_users():
        found = await residents(store, town)
        if len(found) == len(town.people):
            return True
        raise Occupied("Other people live there.")
    made = now - DAYS * DAY - DAY
    maker = IdMaker(NODE, lambda: made)
    users = {name: maker.make() for name in town.people}
    for name, person in town.people.items():
        visitor = name == VISITOR
        user = User(users[name], name, person.name, hash_ if visitor else "", visitor, made)
        await store.add_user(user, None)
    stored, changes = 0, Past(town, users, count, now).changes()
    while batch := list(islice(changes, BATCH)):
        outcomes = await store.commit(batch)
        assert not any(isinstance(outcome, Missing) for outcome in outcomes), "it lives nowhere"
        stored += sum(isinstance(change, Post) for change in batch)
        progress(stored)
    return False


async def residents(store: Accounts, town: Town) -> dict[str, int]:
    """The ids of those of the town that are in the store, by user name."""
    found: dict[str, int] = {}
    for name in town.people:
        for user in await store.users([], name):
            found[name] = user.id
    return found


async def sessions(
    store: Accounts, users: Mapping[str, int], now: int, device: str
) -> dict[str, str]:
    """A new session for each of these users: refresh tokens, that work once, by user name."""
    maker = IdMaker(NODE, lambda: now)
    tokens = {name: secrets.token_urlsafe(32) for name in users}
    for name, user_id in users.items():
        session = Session(
            maker.make(), user_id, secret_hash(tokens[name]), device, now, now, now + DAYS * DAY
        )
        await store.add_session(session)
    return tokens
