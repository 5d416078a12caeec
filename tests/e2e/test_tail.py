"""`hubbub tail`: over Bob's shoulder, on the server's own machine."""

import asyncio

import pytest
from click.testing import CliRunner, Result

from hubbub.cli import main
from hubbub.delivery.hub import Hub
from hubbub.delivery.outgoing import Outgoing, encoders
from hubbub.delivery.sight import sight
from hubbub.delivery.tail import MOST, MOST_FRAMES, Tails
from hubbub_client import Client
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.frames import Typing
from tests.support.server import running


async def run(*options: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, main, ["tail", *options])


async def test_frames_and_cursors_without_what_is_said() -> None:
    with running() as server:
        ann = await Client.register(server.url, "ann", "correct horse")
        bob = await Client.register(server.url, "bob", "battery staple")
        where = ("--url", server.url, "--data", str(server.data))
        async with ann, bob:
            chat = await ann.create_group("Plums and secrets", [bob.user.id])
            await (await ann.send("secret plums", chat_id=chat.id))
            looking = asyncio.create_task(run("--user", "bob", "--count", "3", *where))
            while not looking.done():  # it may not have begun to look yet
                await (await ann.send("secret plums", chat_id=chat.id))
                await asyncio.wait([looking], timeout=0.1)
            result = looking.result()
        assert result.exit_code == 0, result.output
        assert "1 connections" in result.output
        assert chat.id in result.output
        assert f"sender_id {ann.user.id}" in result.output
        assert "plums" not in result.output.lower()
        nobody = await run("--user", "nobody", *where)
        assert nobody.output == "hubbub: There is no such user.\n"


# ── its bounds ───────────────────────────────────────────────────────────────────────────────


def tails() -> tuple[Hub, Tails]:
    hub = Hub()
    return hub, Tails(hub, ENCODERS)


async def test_what_does_not_fit_is_counted_and_nobody_waits() -> None:
    hub, many = tails()
    number = many.open(7).number
    frame = Outgoing(Typing("chat_0000000000001", "user_0000000000001", True), ENCODERS)
    for _ in range(MOST_FRAMES + 5):
        for reader in hub.of_user(7):
            reader.loose(frame)
        hub.flush()
    heard = await many.listen(number, 7, 0)
    assert (len(heard.frames), heard.dropped) == (MOST_FRAMES, 5)
    again = await many.listen(number, 7, 0)
    assert (again.frames, again.dropped) == ([], 0)
    assert sight(hub, 7, 1).connections == 0, "who looks on is no connection of the user's"
    assert again.connections == []


async def test_there_are_few_and_each_is_of_one_user() -> None:
    _, many = tails()
    numbers = [many.open(7).number for _ in range(MOST)]
    await many.listen(numbers[0], 7, 0)
    many.open(7)
    await many.listen(numbers[0], 7, 0)
    for number, user in ((numbers[0], 8), (numbers[1], 7), (4_711, 7)):
        with pytest.raises(Refused) as gone:
            await many.listen(number, user, 0)
        assert gone.value.code is Code.NOT_FOUND


ENCODERS = encoders(lambda encode, _: encode)
