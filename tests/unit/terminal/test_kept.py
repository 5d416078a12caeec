"""What is kept on the machine for the next start."""

import asyncio
from pathlib import Path

import pytest

from hubbub_client import FileStorage, Send, User
from hubbub_terminal import shelf
from hubbub_terminal.book import Book
from hubbub_terminal.chat import Outgoing
from hubbub_terminal.places import Account, Places
from tests.unit.terminal.made import ANN, BOB, book, message, only, record

ID = "019abcde-0000-7000-8000-000000000001"


async def used(storage: FileStorage) -> None:
    await storage.load()
    await storage.close()


def test_accounts_are_found_again_the_last_one_first(tmp_path: Path) -> None:
    places = Places(tmp_path / "new" / "folder")
    assert (places.last_url, places.find("http://h")) == ("", None)
    ann, bob = (Account("http://h", User(f"user_{n}", n, n)) for n in ("ann", "bob"))
    for account in (ann, bob, ann):
        places.use(account)
    places.choose_theme("nord")
    again = Places(tmp_path / "new" / "folder")
    assert (again.kept.theme, again.last_url) == ("nord", "http://h")
    assert again.find("http://h") == ann
    assert again.find("http://h", "bob") == bob
    assert again.find("http://other") is None
    assert (tmp_path / "new/folder/chat.json").stat().st_mode & 0o777 == 0o600


def test_signing_out_leaves_nothing(tmp_path: Path) -> None:
    places = Places(tmp_path)
    account = Account("http://h", ANN)
    places.use(account)
    asyncio.run(used(places.storage(account)))
    shelf.save(places.shelf(account), b"{}")
    places.forget(account)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "chat.json"]
    assert Places(tmp_path).kept.accounts == ()


def test_a_damaged_file_is_as_none(tmp_path: Path) -> None:
    (tmp_path / "chat.json").write_bytes(b'{"accounts": 3')
    assert Places(tmp_path).kept.accounts == ()
    (tmp_path / "x.shelf").write_bytes(b"\x00\xff")
    empty = Book(ANN)
    shelf.load(tmp_path / "x.shelf", empty)
    assert empty.chats == {}


def test_what_was_shown_is_there_again(tmp_path: Path) -> None:
    state = book(record(unread=4))
    chat = only(state)
    chat.window.show([message(1), message(2, sender_id=ANN.id)], older=False, newer=False)
    chat.heard(message(3, content="the last"))
    chat.draft = "half a sen"
    chat.outgoing[ID] = Outgoing(Send(ID, chat.id, content="refused"), refusal="No.")
    shelf.save(tmp_path / "x.shelf", shelf.encode(state))

    again = Book(ANN)
    shelf.load(tmp_path / "x.shelf", again)
    chat = only(again)
    assert [each.content for each in chat.window.messages] == ["Message 1", "Message 2", "the last"]
    assert (chat.unread, chat.draft, chat.window.older, chat.stale) == (
        4,
        "half a sen",
        False,
        True,
    )
    assert chat.outgoing[ID].refusal == "No."
    assert again.name(BOB.id) == "Bob"


def test_it_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "CHATS", 20)
    monkeypatch.setattr(shelf, "ROOMS", 5)
    state = book(*(record(f"chat_{i}") for i in range(shelf.CHATS + 10)))
    for chat in state.chats.values():
        chat.window.show([message(i) for i in range(1, 100)], older=False, newer=False)
    again = Book(ANN)
    shelf.save(tmp_path / "x.shelf", shelf.encode(state))
    shelf.load(tmp_path / "x.shelf", again)
    assert len(again.chats) == shelf.CHATS
    held = [len(chat.window.messages) for chat in again.chats.values()]
    assert sum(held) == shelf.ROOMS * shelf.MESSAGES
