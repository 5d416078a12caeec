"""The server, and the Python client, keep to the conversations of the specification."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.conformance.client_runner import ClientPlay
from tests.conformance.conversations import Codec, Conversation, everything
from tests.conformance.runner import playing
from tests.support.provider import providing
from tests.support.server import ServerProcess, running

ALL = everything()
SPOKEN = [(each, codec) for each in ALL if each.head.only is None for codec in each.head.codecs]
HEARD = [(each, codec) for each in ALL if each.head.client for codec in each.head.codecs]


def name(value: object) -> str:
    return value.name if isinstance(value, Conversation) else str(value)


@pytest.fixture(scope="module")
def shared_server() -> Iterator[ServerProcess]:
    """The server of all conversations that need none of their own."""
    with running({}) as server:
        yield server


@pytest.mark.parametrize(("conversation", "codec"), SPOKEN, ids=name)
async def test_server(
    conversation: Conversation, codec: Codec, shared_server: ServerProcess
) -> None:
    head = conversation.head
    with ExitStack() as stack:
        server, settings = shared_server, dict(head.server or {})
        if head.provider:
            settings |= stack.enter_context(providing()).settings(head.provider)
        if head.server is not None or head.provider:
            server = stack.enter_context(running(settings))
        async with playing(conversation, server, codec) as play:
            await play.run()


@pytest.mark.parametrize(("conversation", "codec"), HEARD, ids=name)
def test_client(conversation: Conversation, codec: Codec) -> None:
    ClientPlay(conversation, codec).run()
