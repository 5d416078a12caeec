"""The server, and the Python client, keep to the conversations of the specification."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import pytest

from tests.conformance.client_runner import ClientPlay
from tests.conformance.conversations import Codec, Conversation, everything
from tests.conformance.runner import playing
from tests.support.engines import PostgresServer
from tests.support.provider import providing
from tests.support.server import ServerProcess, running

ALL = everything()
HEARD = [(each, codec) for each in ALL if each.head.client for codec in each.head.codecs]


def needs_own(conversation: Conversation) -> bool:
    """Whether it needs a server of its own."""
    return conversation.head.server is not None or bool(conversation.head.provider)


SPOKEN = [
    pytest.param(each, codec, marks=[pytest.mark.slow] if needs_own(each) and number else [])
    for each in ALL
    if each.head.only is None
    for number, codec in enumerate(each.head.codecs)
]
"""A server of its own is started for the first wire version alone, but in `make test-all`."""
ON_POSTGRES = [
    pytest.param(each, marks=[pytest.mark.slow] if needs_own(each) else [])
    for each in ALL
    if each.head.only is None
]


def name(value: object) -> str:
    return value.name if isinstance(value, Conversation) else str(value)


@pytest.fixture(scope="module")
def shared_server() -> Iterator[ServerProcess]:
    """The server of all conversations that need none of their own."""
    with running({}) as server:
        yield server


@pytest.fixture(scope="module")
def postgres_server(postgres: PostgresServer) -> Iterator[ServerProcess]:
    """The same on PostgreSQL."""
    with running({"HUBBUB_DATABASE_URL": asyncio.run(postgres.fresh())}) as server:
        yield server


@pytest.mark.parametrize(("conversation", "codec"), SPOKEN, ids=name)
async def test_server(
    conversation: Conversation, codec: Codec, shared_server: ServerProcess
) -> None:
    await keeps_to(conversation, codec, shared_server, {})


@pytest.mark.slow
@pytest.mark.parametrize("conversation", ON_POSTGRES, ids=name)
async def test_server_on_postgres(
    conversation: Conversation, postgres: PostgresServer, postgres_server: ServerProcess
) -> None:
    own = {"HUBBUB_DATABASE_URL": await postgres.fresh()} if needs_own(conversation) else {}
    await keeps_to(conversation, conversation.head.codecs[0], postgres_server, own)


async def keeps_to(
    conversation: Conversation, codec: Codec, shared: ServerProcess, engine: Mapping[str, str]
) -> None:
    head = conversation.head
    with ExitStack() as stack:
        server, settings = shared, {**(head.server or {}), **engine}
        if head.provider:
            settings |= stack.enter_context(providing()).settings(head.provider)
        if needs_own(conversation):
            server = stack.enter_context(running(settings))
        async with playing(conversation, server, codec) as play:
            await play.run()


@pytest.mark.parametrize(("conversation", "codec"), HEARD, ids=name)
def test_client(conversation: Conversation, codec: Codec) -> None:
    ClientPlay(conversation, codec).run()
