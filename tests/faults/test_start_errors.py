"""What keeps a real server from starting is one line that says what to do, and exit code 1."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.server import NotStarted, ServerProcess, free_port, running


def damage(database: Path) -> None:
    database.write_bytes(b"no database" * 1000)


def damage_within(database: Path) -> None:
    make(database, "PRAGMA user_version = 0")
    with database.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 2000)


def from_the_future(database: Path) -> None:
    with running() as server:
        server.end()
        made = server.data / "hubbub.db"
        with closing(sqlite3.connect(made)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("PRAGMA user_version = 999")
        database.write_bytes(made.read_bytes())


def of_another_program(database: Path) -> None:
    make(database, "CREATE TABLE songs (title)")


def make(database: Path, *statements: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE t (a)")
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (damage, "is damaged or is not a database"),
        pytest.param(damage_within, "is damaged or is not a database", marks=pytest.mark.slow),
        (from_the_future, "was written by a newer version of Hubbub (schema 999"),
        (of_another_program, "is a database of another program"),
    ],
)
def test_a_file_that_cannot_be_used(
    tmp_path: Path, prepare: Callable[[Path], None], says: str
) -> None:
    (tmp_path / "data").mkdir()
    database = tmp_path / "data" / "hubbub.db"
    prepare(database)
    before = database.read_bytes()
    line = refused(ServerProcess(tmp_path))
    assert str(database) in line
    assert says in line
    assert database.read_bytes() == before, "it was written to"


def refused(server: ServerProcess) -> str:
    """The one line that it said instead of starting."""
    try:
        with pytest.raises(NotStarted) as caught:
            server.start()
    finally:
        server.kill()
    assert caught.value.code == 1
    lines = caught.value.said.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("hubbub: ")
    return lines[0]


def test_a_folder_that_another_server_uses(tmp_path: Path) -> None:
    with running() as server:
        other = ServerProcess(tmp_path)
        other.data = server.data
        line = refused(other)
        assert f"Another server uses {server.data}" in line


def test_a_port_in_use(tmp_path: Path) -> None:
    with running() as server:
        line = refused(ServerProcess(tmp_path, port=server.port))
        assert f"Port {server.port} is in use" in line


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    assert "data" in refused(ServerProcess(tmp_path, port=free_port()))
