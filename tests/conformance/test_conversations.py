"""The server, and the Python client, keep to the conversations of the specification."""

from collections.abc import Iterator

import pytest

from tests.conformance.client_runner import ClientPlay
from tests.conformance.conversations import Codec, Conversation, everything
from tests.conformance.runner import playing
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
    settings = conversation.head.server
    if settings is None:
        async with playing(conversation, shared_server, codec) as play:
            await play.run()
    else:
        with running(settings) as own:
            async with playing(conversation, own, codec) as play:
                await play.run()


@pytest.mark.parametrize(("conversation", "codec"), HEARD, ids=name)
def test_client(conversation: Conversation, codec: Codec) -> None:
    ClientPlay(conversation, codec).run()
