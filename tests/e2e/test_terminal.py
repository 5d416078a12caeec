"""`hubbub chat` against real servers: typed with keys, seen on the screen."""

import asyncio
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len

from hubbub_client import Client
from hubbub_protocol.rest import Accepted, SendMessage
from tests.e2e.terminal import Terminal, terminal
from tests.support.server import ServerProcess, running
from tests.unit.terminal.made import HOSTILE

FREE = {"HUBBUB_LIMITS_MESSAGES_PER_SECOND": "0"}


@pytest.fixture(scope="module")
def shared() -> Iterator[ServerProcess]:
    with running(FREE) as server:
        yield server


@pytest.fixture
def server() -> Iterator[ServerProcess]:
    with running(FREE) as own:
        yield own


async def register(server: ServerProcess, name: str) -> Client:
    return await Client.register(server.url, name, "correct horse", display_name=name.title())


async def test_two_people_talk_and_ticks_turn(shared: ServerProcess, tmp_path: Path) -> None:
    for name in ("ann", "bob"):
        async with await register(shared, name):
            pass
    async with (
        terminal(shared.url, tmp_path / "ann") as ann,
        terminal(shared.url, tmp_path / "bob") as bob,
    ):
        await ann.sign_in("ann", "correct horse")
        await bob.sign_in("bob", "correct horse")
        await ann.press("ctrl+n")
        await ann.type("bob", "enter")
        await ann.sees("Message Bob", "@bob")
        await ann.type("Hello Bob", "enter")
        await ann.sees("Hello Bob")
        await bob.sees("Ann", "Hello Bob", " 1 ")
        await ann.until(lambda: ann.talk()[-1].endswith("✓✓"), "delivered")
        message = ann.chat.window.messages[-1]
        assert ann.desk.book.status(ann.chat, message) == "delivered"
        await bob.open("Ann")
        await ann.until(lambda: ann.desk.book.status(ann.chat, message) == "read", "read")
        await ann.sees("@bob · here now")
        await bob.type("What")
        await ann.sees("Bob is typing…")
        await bob.type(" is it?", "enter")
        await ann.sees("What is it?")
        await ann.sees_no("typing")
        await ann.press("up", "r")
        await ann.sees("↩ To Bob: What is it?")
        await ann.type("Nothing", "enter")
        await bob.sees("│ You  What is it?", "Nothing")
        assert bob.talk()[-3:-1] == ["Ann", "│ You  What is it?"]


@pytest.mark.slow
async def test_messages_are_edited_forwarded_pinned_deleted(
    shared: ServerProcess, tmp_path: Path
) -> None:
    async with await register(shared, "mia") as mia_client, await register(shared, "noa") as noa:
        direct = await mia_client.api.open_direct(noa.user.id)
        group = await noa.create_group("Choir", [mia_client.user.id])
        named = [mia_client.user.id]
        await (await noa.send("@mia at eight?", chat_id=group.id, mentions=named))
        async with terminal(shared.url, tmp_path) as mia:
            await mia.sign_in("mia", "correct horse")
            await mia.sees("@ 1")
            await mia.open("Choir")
            await mia.sees("▌ @mia at eight?")
            await mia.type("At nine", "enter")
            await mia.sees("✓✓")
            await mia.press("up", "e")
            await mia.sees("✎ Edit: At nine")
            await mia.type(" sharp", "enter")
            await mia.sees("At nine sharp (edited)")
            await mia.press("up", "f")
            await mia.sees("Find a chat")
            await mia.type("Noa", "enter")
            await mia.open("Noa")
            await mia.sees("forwarded from you", "At nine sharp")
            await mia.press("up", "p")
            await mia.sees("pinned, forwarded")
            await mia.press("d")
            await mia.sees("Delete this message for everybody?")
            await mia.pilot.click("#sure")
            await mia.sees("Message deleted")
        page = await noa.api.history(direct.id)
        assert page.messages[0].is_deleted
        page = await noa.api.history(group.id)
        assert [each.content for each in page.messages] == ["At nine sharp", "@mia at eight?"]


async def test_what_is_written_offline_waits_shows_so_and_is_sent_in_order(
    server: ServerProcess, tmp_path: Path
) -> None:
    bob = await register(server, "bob")
    async with await register(server, "ann") as ann_client, bob:
        chat = await ann_client.api.open_direct(bob.user.id)
        await (await ann_client.send("before", chat_id=chat.id))
        server.kill()
        async with terminal(server.url, tmp_path) as nobody:
            await nobody.sees("User name")  # who never was here cannot come in
        server.start()
        async with terminal(server.url, tmp_path) as ann:
            await ann.sign_in("ann", "correct horse")
            await ann.open("Bob")
            await ann.sees("before")
            server.kill()
            await ann.sees("Network error; retrying")
            for word in ("one", "two"):
                await ann.type(word, "enter")
            await ann.sees("one", "two", "◷", "2 messages waiting")
        # A new start without a server: what was seen is there, what waits too, and more can be.
        async with terminal(server.url, tmp_path) as ann:
            await ann.sees("Network error; retrying", "Bob", "2 messages waiting")
            await ann.press("down", "enter")
            await ann.sees("before", "one", "two", "◷")
            await ann.type("three", "enter")
            await ann.sees("3 messages waiting")
            server.start()
            await ann.online()
            await ann.sees_no("waiting")
            await ann.sees_no("◷")
            page = await ann_client.api.history(chat.id)
            texts = [each.content for each in reversed(page.messages)]
            assert texts == ["before", "one", "two", "three"]
            assert [line for line in texts if any(line in row for row in ann.talk())] == texts


@pytest.mark.slow
async def test_history_comes_as_one_scrolls(shared: ServerProcess, tmp_path: Path) -> None:
    async with await register(shared, "hana") as hana, await register(shared, "ivo") as ivo:
        group = await ivo.create_group("Long story", [hana.user.id])
        for number in range(241):
            line = SendMessage(group.id, content=f"line {number:03}")
            await ivo.api.call("POST", "/api/v1/messages", Accepted, line)
    async with terminal(shared.url, tmp_path) as hana:
        await hana.sign_in("hana", "correct horse")
        await hana.open("Long story")
        await hana.sees("line 240")
        window = hana.chat.window
        assert len(window.messages) < 100, "not all of it at once"
        await hana.press("up")
        while "The beginning" not in hana.talk()[0]:
            held = len(hana.talk())
            await hana.press("home")
            await hana.more_than(held)
        told = [row.split()[1] for row in hana.talk() if row.startswith("line ")]
        assert told == [f"{number:03}" for number in range(241)]
        await hana.press("home")
        await hana.sees("The beginning", "line 000", "newer messages")
        await hana.press("end")
        await hana.sees("line 240")


@pytest.mark.slow
async def test_a_group_from_its_making_to_leaving_it(shared: ServerProcess, tmp_path: Path) -> None:
    async with await register(shared, "ruth") as ruth_client, await register(shared, "sam") as sam:
        async with terminal(shared.url, tmp_path) as ruth:
            await ruth.sign_in("ruth", "correct horse")
            await ruth.press("ctrl+n")
            await ruth.sees("User name")
            await ruth.press("shift+tab", "right", "tab")
            await ruth.sees("Title")
            await ruth.type("Roses", "enter")
            await ruth.type("sam nobody", "enter")
            await ruth.sees("Nobody is called @nobody here.")
            await ruth.press(*["backspace"] * 7, "enter")
            await ruth.sees("Message Roses", "2 members")
            chat = ruth.chat
            await ruth.press("ctrl+o")
            await ruth.sees("Sam", "@sam", "you are owner")
            await ruth.pilot.click("#settings")
            await ruth.sees("Settings of the group")
            await ruth.press("end")
            await ruth.type(" and thorns", "enter")
            await ruth.sees("Roses and thorns")
            await ruth.press("escape")
            await ruth.sees("You named the group “Roses and thorns”")
            await ruth.press("ctrl+o")
            await ruth.sees("@sam")
            await ruth.pilot.click("#invites")
            await ruth.sees("Links into the group")
            await ruth.press("enter")
            await ruth.sees("#join=", "by you")
            await ruth.press("escape", *["tab"] * 5, "down", "enter")
            await ruth.sees("Make admin")
            await ruth.pilot.click("#admin")
            await ruth.sees("Sam", "admin")
            await ruth.press("escape")
            await ruth.sees("You made Sam admin")
            assert (await sam.chat(chat.id)).role == "admin"
            await ruth.press("ctrl+o")
            await ruth.sees("Leave")
            await ruth.pilot.click("#leave")
            await ruth.sees("Leave Roses and thorns?")
            await ruth.pilot.click("#sure")
            await ruth.sees("Choose a chat")
        assert (await ruth_client.chats()).chats == []


@pytest.mark.parametrize(
    "size",
    [
        pytest.param((40, 15), marks=pytest.mark.slow),
        (80, 24),
        pytest.param((200, 60), marks=pytest.mark.slow),
    ],
    ids=str,
)
async def test_hostile_content_stays_content(
    shared: ServerProcess, tmp_path: Path, size: tuple[int, int]
) -> None:
    name = f"mallory{size[0]}"
    async with await register(shared, f"vic{size[0]}") as vic:
        mallory = await Client.register(
            shared.url, name, "correct horse", display_name="[red]\x1b[2J\u202eEve\n\x07"
        )
        async with mallory:
            group = await mallory.create_group(
                "[@click=app.quit]G\x1b]0;x\x07\u202e", [vic.user.id]
            )
            for text in HOSTILE:
                taken = text.replace("\0", "")  # which the server refuses
                await (await mallory.send(taken, chat_id=group.id))
    async with terminal(shared.url, tmp_path, size) as eve:
        await eve.sign_in(f"vic{size[0]}", "correct horse")
        await eve.press("down", "enter")
        await eve.sees("❯")
        await eve.until(lambda: len(eve.talk()) > len(HOSTILE), "all messages")
        for keys in (["pageup"] * 3, ["ctrl+o"], ["escape", "ctrl+k"], ["escape", "up", "r"]):
            await eve.press(*keys)
            clean(eve, size[0])
        assert eve.app.is_running


def clean(eve: Terminal, columns: int) -> None:
    """What is drawn: every line as wide as the screen, and nothing in it but what is seen."""
    for strip in eve.app.screen._compositor.render_strips():
        assert cell_len(strip.text) == columns, strip.text
        bad = {c for c in strip.text if unicodedata.category(c) in ("Cc", "Cf", "Co", "Zl", "Zp")}
        assert not bad - {"\u200c"}, (strip.text, bad)


async def test_a_link_signs_in_and_a_token_too(shared: ServerProcess, tmp_path: Path) -> None:
    async with await register(shared, "lin") as lin:
        tokens = lin._running.tokens.signed_in
    async with terminal(shared.url, tmp_path / "c", token=tokens.token) as three:
        await three.online()
        await three.sees("Lin")
    link = f"{shared.url}/#signin={tokens.refresh_token}"
    async with terminal(link, tmp_path / "a") as one:
        await one.online()
        await one.sees("Lin")
    async with terminal(link, tmp_path / "b") as two:
        await two.sees("This link was used already")
    async with terminal(shared.url, tmp_path / "d", token="nonsense") as four:
        await four.sees("User name")


async def test_signing_up_in_the_terminal_and_out(shared: ServerProcess, tmp_path: Path) -> None:
    async with terminal(shared.url, tmp_path) as kim:
        await kim.sees("I am new here")
        await kim.press("ctrl+r")
        await kim.sees("Name that others see")
        await kim.type("kim", "enter")
        await kim.type("Kim Li", "enter")
        await kim.type("short", "enter", "enter")
        await kim.sees("password")
        kim.app.screen.query_one("#password").focus()
        await kim.type("er than it was", "enter", "enter")
        await kim.online()
        await kim.sees("Kim Li")
        kim.app.action_sign_out()
        await kim.sees("Sign out?")
        await kim.pilot.click("#sure")
        await kim.sees("User name")
        assert not list(await asyncio.to_thread(lambda: list(tmp_path.rglob("*.journal"))))
