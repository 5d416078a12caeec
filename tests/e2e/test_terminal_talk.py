"""`hubbub chat`: names that are completed, threads, pins, versions, blocks, privacy."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widgets import OptionList

from hubbub_client import Client
from tests.e2e.terminal import terminal
from tests.support.server import ServerProcess, running


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with running({"HUBBUB_LIMITS_MESSAGES_PER_SECOND": "0"}) as server:
        yield server


async def register(server: ServerProcess, name: str) -> Client:
    return await Client.register(server.url, name, "correct horse", display_name=name.title())


async def test_a_name_is_completed_with_keys(server: ServerProcess, tmp_path: Path) -> None:
    async with (
        await register(server, "ann") as ann_client,
        await register(server, "bob") as bob,
        await register(server, "bella") as bella,
    ):
        members = [bob.user.id, bella.user.id]
        group = await ann_client.create_group("Choir", members)
        async with terminal(server.url, tmp_path) as ann:
            await ann.sign_in("ann", "correct horse")
            await ann.open("Choir")
            await ann.until(lambda: len(ann.chat.members) == 3, "members")
            await ann.type("Hello @")
            await ann.sees("Everybody", "@bella", "@bob")
            await ann.type("b")
            await ann.sees_no("Everybody")
            await ann.press("escape")
            await ann.sees_no("@bella")
            await ann.type("e")
            await ann.sees("@bella")
            await ann.press("tab")
            assert ann.main.room.composer.text == "Hello @bella "
            await ann.type("and @b")
            await ann.sees("@bob")
            first = ann.main.room.composer._names.chosen()
            await ann.press("down")
            assert ann.main.room.composer._names.chosen() != first
            await ann.press("up")
            await ann.pilot.click("#names", offset=(3, 0))
            assert ann.main.room.composer.text == f"Hello @bella and @{first} "
            await ann.press("enter")
            await ann.sees("✓")
        message = (await bob.api.history(group.id)).messages[0]
        assert message.content == f"Hello @bella and @{first}"
        assert bella.user.id in message.mentions


async def test_a_thread_instead_of_its_chat(server: ServerProcess, tmp_path: Path) -> None:
    async with await register(server, "cat") as cat_client, await register(server, "dan") as dan:
        group = await cat_client.create_group("Boats", [dan.user.id])
        root = await (await dan.send("Who sails?", chat_id=group.id))
        await (await dan.send("I do", chat_id=group.id, reply_to=root.id))
        await (await dan.send("Lunch?", chat_id=group.id))
        async with terminal(server.url, tmp_path) as cat:
            await cat.sign_in("cat", "correct horse")
            await cat.open("Boats")
            await cat.sees("Who sails?", "↳ 1 reply", "Lunch?")
            await cat.press("up", "up", "t")
            await cat.sees("Reply in this thread", "I do")
            assert not any("Lunch?" in row for row in cat.talk())
            await cat.type("Me too", "enter")
            await cat.sees("Me too")
            await (await dan.send("And the dog", chat_id=group.id, reply_to=root.id))
            await cat.sees("And the dog")
            await cat.type("half a thought", "escape")
            await cat.sees("Message Boats", "↳ 3 replies", "Lunch?")
            assert cat.main.room.composer.text == ""
        replies = (await dan.thread(root.id)).messages
        assert [each.content for each in replies] == ["I do", "Me too", "And the dog"]


@pytest.mark.slow
async def test_pins_and_earlier_versions_are_listed(server: ServerProcess, tmp_path: Path) -> None:
    async with await register(server, "eve") as eve_client, await register(server, "fay") as fay:
        direct = await eve_client.api.open_direct(fay.user.id)
        said = await (await eve_client.send("At eihgt", chat_id=direct.id))
        await eve_client.api.edit(said.id, "At eight")
        await eve_client.api.pin(said.id)
        for number in range(60):
            await (await fay.send(f"line {number}", chat_id=direct.id))
        async with terminal(server.url, tmp_path, size=(100, 24)) as eve:
            await eve.sign_in("eve", "correct horse")
            await eve.open("Fay")
            await eve.sees("line 59")
            await eve.press("ctrl+o")
            await eve.pilot.click("#pins")
            await eve.sees("Enter: go to it", "At eight")
            await eve.press("enter")
            await eve.sees_no("Enter: go to it")
            await eve.sees("At eight (edited)", "line 1")
            await eve.press("v")
            await eve.sees("Versions", "At eihgt")
            await eve.press("escape", "plus")
            await eve.sees("1 👍")
            await eve.press("4")
            await eve.sees_no("Another emoji")
            await eve.sees("🎉 1")
            assert (await fay.api.message(said.id)).reactions == {"🎉": 1}
            await eve.press("plus")
            await eve.sees("Eve  🎉")
            await eve.press("4")
            await eve.sees_no("🎉")
            await eve.press("x")
            await eve.sees("Delete this message for you alone?")
            await eve.pilot.click("#sure")
            await eve.until(lambda: "At eight" not in "".join(eve.talk()), "gone")
        assert (await fay.api.message(said.id)).content == "At eight"


@pytest.mark.slow
async def test_blocks_and_privacy(server: ServerProcess, tmp_path: Path) -> None:
    async with await register(server, "gus") as gus_client, await register(server, "hal") as hal:
        await gus_client.api.open_direct(hal.user.id)
        async with terminal(server.url, tmp_path) as gus:
            await gus.sign_in("gus", "correct horse")
            await gus.open("Hal")
            await gus.press("ctrl+o")
            await gus.pilot.click("#block")
            await gus.sees("You have blocked Hal")
            assert [user.username for user in (await gus_client.api.blocks()).users] == ["hal"]
            await gus_client.api.unblock(hal.user.id)
            await gus.sees("Message Hal")

            gus.main.action_account()
            await gus.sees("Your account", "this one")
            await gus.pilot.click("#name")
            await gus.press("end", *" the Bold", "enter")
            await gus.sees("● Gus the Bold")
            assert (await hal.api.user(gus_client.user.id)).display_name == "Gus the Bold"
            await gus.pilot.click("#last_seen")
            await gus.pilot.click("#read_receipts")
            await gus.pilot.click("#contacts")
            privacy = (await gus_client.api.me()).privacy
            assert privacy is not None
            assert (privacy.last_seen, privacy.read_receipts) == (False, False)
            assert privacy.inbox == "contacts"
            await gus.pilot.click("#sessions")
            await gus.press("end", "enter")
            await gus.sees("Sign out ")
            await gus.pilot.click("#sure")
            await gus.until(
                lambda: gus.app.screen.query_one("#sessions", OptionList).option_count == 1,
                "one session",
            )
