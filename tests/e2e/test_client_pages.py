"""The Python client's calls, as it makes them of itself, against a real server."""

from hubbub_client import Client
from tests.support.server import running


async def test_every_list_is_asked_for_in_pages_that_the_server_gives() -> None:
    with running() as server:
        ann = await Client.register(server.url, "ann", "correct horse")
        async with ann:
            chat = await ann.create_group("Ann alone")
            sent = await (await ann.send("Hello!", chat_id=chat.id))
            assert [m.id for m in (await ann.history(chat.id)).messages] == [sent.id]
            assert len((await ann.api.events(chat.id, 0)).events) == 1
            assert len((await ann.api.events("me", 0)).events) == 1
            assert len((await ann.members(chat.id)).members) == 1
            assert len((await ann.chats()).chats) == 1
            assert (await ann.api.receipts(sent.id)).receipts == []
