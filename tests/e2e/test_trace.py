"""`hubbub trace`: why Bob did not get it, asked on the server's own machine."""

import asyncio
from pathlib import Path

from click.testing import CliRunner, Result

from hubbub.cli import main
from hubbub_client import Client, MessageArrived, Ticked
from tests.support.server import ServerProcess, running


async def run(*options: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, main, ["trace", *options])


async def on(server: ServerProcess, *options: str) -> str:
    result = await run(*options, "--url", server.url, "--data", str(server.data))
    assert result.exit_code == 0, result.output
    return result.output


async def test_a_message_is_followed_to_each_recipient() -> None:
    with running() as server:
        ann, bob, cid = [
            await Client.register(server.url, name, "correct horse", display_name=name.title())
            for name in ("ann", "bob", "cid")
        ]
        async with ann, cid:
            async with bob:
                ids = [bob.user.id]
            chat = await ann.create_group("Garden", ids)
            sent = await (await ann.send("Between us: plums!", chat_id=chat.id))
            await ann.api.add_members(chat.id, [cid.user.id])

            said = await on(server, sent.id)
            assert "Bob is not connected; it waits for their return" in said
            assert "Cid was not a member at position 1" in said
            assert "position 1 of 2" in said
            assert "plums" not in said, "never what was said"

            bob = await Client.login(server.url, "bob", "correct horse")
            async with bob:
                async for event in bob.events():
                    if isinstance(event, MessageArrived) and event.message.id == sent.id:
                        break
                bob.mark_read(chat.id, 1)
                async for event in ann.events():
                    if isinstance(event, Ticked) and event.status == "read":
                        break
                said = await on(server, sent.id, "--user", "bob")
                assert "Bob has read it" in said
                assert "Cid" not in said
                assert '"fate":"read"' in await on(server, sent.id, "--json")

            refused = await run(sent.id, "--url", server.url, "--token", "nonsense")
            assert refused.exit_code == 1
            assert refused.output.startswith("hubbub: ")


async def test_what_cannot_be_asked_is_one_line(tmp_path: Path) -> None:
    with running() as server:
        none = await run("msg_0000000000001", "--url", server.url, "--data", str(server.data))
        strange = await run("../x?y", "--url", server.url, "--data", str(server.data))
        keyless = await run("msg_0000000000001", "--url", server.url, "--data", str(tmp_path))
    gone = await run("msg_0000000000001", "--url", server.url, "--data", str(server.data.parent))
    for result, says in (
        (none, "message"),
        (strange, ""),
        (keyless, "secret.key is not there"),
        (gone, "is not there"),
    ):
        assert result.exit_code == 1
        assert says in result.output
        assert len(result.output.splitlines()) == 1
