"""A backup made while people write holds all that was acknowledged before, and can be served."""

import asyncio
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hubbub.cli import main
from hubbub_client import Client
from tests.support.server import ServerProcess

PASSWORD = "correct horse"
BEFORE = 50


def backup(data: Path, target: Path) -> Result:
    words = ["admin", "backup", str(target), "--data", str(data)]
    return CliRunner().invoke(main, words, env={"HUBBUB_CONFIG": ""})


@pytest.mark.parametrize("own", [{"HUBBUB_LIMITS_MESSAGES_PER_SECOND": "0"}], indirect=True)
async def test_backup_while_people_write(own: ServerProcess, tmp_path: Path) -> None:
    async with await Client.register(own.url, "ann", PASSWORD) as ann:
        bob = await Client.register(own.url, "bob", PASSWORD)
        async with bob:
            chat_id = (await ann.api.open_direct(bob.user.id)).id
        first = [await ann.send(str(n), chat_id=chat_id) for n in range(BEFORE)]
        acknowledged = [(await each).id for each in first]
        done = asyncio.create_task(
            asyncio.to_thread(backup, own.data, tmp_path / "restored" / "data")
        )
        while not done.done():
            await (await ann.send("later", chat_id=chat_id))
        result = await done
        user = ann.user
    assert result.exit_code == 0, result.output
    assert "sound" in result.stdout
    restored = ServerProcess(tmp_path / "restored")
    restored.start()
    try:
        async with await Client.login(restored.url, "ann", PASSWORD) as again:
            assert again.user == user
            held = [await again.api.message(message_id) for message_id in acknowledged]
            assert {message.content for message in held} == {str(n) for n in range(BEFORE)}
            await (await again.send("on it goes", chat_id=chat_id))
    finally:
        restored.kill()


def test_a_backup_is_its_owners_alone_and_never_half(own: ServerProcess, tmp_path: Path) -> None:
    target = tmp_path / "backups" / "monday"
    assert backup(own.data, target).exit_code == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o700
    assert {path.name for path in target.iterdir()} == {"hubbub.db", "secret.key"}
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in target.iterdir())
    assert (target / "secret.key").read_bytes() == (own.data / "secret.key").read_bytes()
    again = backup(own.data, target)
    assert again.exit_code == 1
    assert "is there already" in again.stderr
    (target.parent / "tuesday.partial").mkdir()
    assert backup(own.data, target.with_name("tuesday")).exit_code == 0
    assert not target.with_name("tuesday.partial").exists()


def test_nothing_to_copy(tmp_path: Path) -> None:
    result = backup(tmp_path / "none", tmp_path / "copy")
    assert result.exit_code == 1
    assert "holds no data" in result.stderr
    assert not (tmp_path / "copy").exists()


def test_a_damaged_database_is_not_taken_for_a_backup(own: ServerProcess, tmp_path: Path) -> None:
    own.end()
    with closing(sqlite3.connect(own.data / "hubbub.db")) as database:
        database.execute("PRAGMA journal_mode = DELETE")
        pages = database.execute("PRAGMA page_count").fetchone()[0]
    size = (own.data / "hubbub.db").stat().st_size // pages
    with (own.data / "hubbub.db").open("r+b") as file:
        for page in range(1, pages):
            file.seek(page * size)
            file.write(b"\xff" * 16)
    result = backup(own.data, tmp_path / "copy")
    assert result.exit_code == 1
    assert "damaged" in result.stderr or "cannot" in result.stderr
    assert not (tmp_path / "copy").exists()
