"""`hubbub doctor`: what it finds, what it says to do, how it ends, and that it changes nothing."""

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hubbub.adapters.local import machine
from hubbub.adapters.local.secret import load_secret
from hubbub.adapters.sqlite import examine
from hubbub.adapters.sqlite.database import open_database
from hubbub.adapters.sqlite.schema import MIGRATIONS
from hubbub.cli import main
from tests.support.certificates import certificate
from tests.support.provider import providing
from tests.support.server import ServerProcess, free_port, running

YEAR = 24 * 365


@pytest.fixture(autouse=True)
def fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which nothing is to be said, whatever this one is like."""
    monkeypatch.setattr(machine, "sync_times", lambda *_: machine.Syncs(50, 0.001, 0.002, 0.0))
    monkeypatch.setattr(machine, "disk", lambda _: machine.Disk("ext4", 9 << 30, 10 << 30))
    monkeypatch.setattr(machine, "time_source", lambda: machine.TimeSource(True, 3.0))
    monkeypatch.setattr("hubbub.wiring.doctor.host.resource.getrlimit", lambda _: (1024, 50_000))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of a server that has run and stopped."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    load_secret(folder / "secret.key")
    open_database(str(folder / "hubbub.db")).close()
    (folder / "lock").touch()
    return folder


@pytest.fixture
def port() -> int:
    return free_port()


def run(data: Path, port: int, *more: str) -> Result:
    options = ["--data", str(data), "--port", str(port), *more]
    return CliRunner().invoke(main, ["doctor", *options], env={"COLUMNS": "200"})


def found(data: Path, port: int, name: str, *more: str) -> tuple[int, dict[str, Any]]:
    """The exit code, and the one check; all others are ok."""
    result = run(data, port, "--json", *more)
    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    others = [check for check in checks.values() if check["name"] != name]
    assert [c for c in others if c["state"] != "ok"] == []
    return result.exit_code, checks[name]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_all_is_well_and_nothing_is_changed(data: Path, port: int) -> None:
    before = contents(data)
    result = run(data, port)
    assert result.exit_code == 0, result.output
    assert "checks are ok" in result.output
    assert "journal_mode=wal, synchronous=FULL" in result.output
    assert f"schema {len(MIGRATIONS)} of {len(MIGRATIONS)}, 0 messages, sound" in result.output
    assert f"127.0.0.1:{port} is free" in result.output
    assert contents(data) == before


def test_a_log_that_a_killed_server_left_is_read(data: Path, port: int) -> None:
    database = open_database(str(data / "hubbub.db"))
    database.execute("INSERT INTO users VALUES (1, 'ann', 'Ann', '', 0, 1, 0)")
    copy = data.parent / "copy"
    shutil.copytree(data, copy, ignore=shutil.ignore_patterns("*-shm"))
    database.close()
    assert (copy / "hubbub.db-wal").stat().st_size
    assert run(copy, port).exit_code == 0


def test_before_the_first_start(tmp_path: Path, port: int) -> None:
    result = run(tmp_path / "deep" / "data", port)
    assert result.exit_code == 0, result.output
    assert "the first start makes it" in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_slow_disk(data: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for p99, code, state in ((0.05, 1, "warning"), (0.5, 2, "bad")):
        monkeypatch.setattr(
            machine, "sync_times", lambda *_, p99=p99: machine.Syncs(50, 0.01, p99, 0.0)
        )
        ended, check = found(data, port, "Disk sync")
        assert (ended, check["state"]) == (code, state)
        assert check["values"] == {"p50_ms": 10, "p99_ms": p99 * 1000}
        assert "SSD" in check["advice"]


@pytest.mark.parametrize(
    ("disk", "name", "code"),
    [
        (machine.Disk("ext4", 1 << 30, 10 << 30), "Disk space", 1),
        (machine.Disk("ext4", 1 << 20, 10 << 30), "Disk space", 2),
        (machine.Disk("tmpfs", 9 << 30, 10 << 30), "File system", 2),
        (machine.Disk("nfs4", 9 << 30, 10 << 30), "File system", 2),
        (machine.Disk("overlay", 9 << 30, 10 << 30), "File system", 1),
    ],
)
def test_a_disk_that_is_full_or_forgets(
    data: Path, port: int, monkeypatch: pytest.MonkeyPatch, disk: machine.Disk, name: str, code: int
) -> None:
    monkeypatch.setattr(machine, "disk", lambda _: disk)
    ended, check = found(data, port, name)
    assert ended == code
    assert check["advice"]


def test_a_clock_that_jumps_or_is_not_kept(
    data: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "time_source", lambda: machine.TimeSource(False, 1e6))
    assert found(data, port, "Time source")[0] == 1
    monkeypatch.setattr(machine, "time_source", lambda: None)
    monkeypatch.setattr(machine, "sync_times", lambda *_: machine.Syncs(50, 0.001, 0.002, -3.0))
    ended, check = found(data, port, "Clock")
    assert ended == 1
    assert "moved by -3.0 s" in check["advice"]


def test_a_clock_behind_the_newest_message(data: Path, port: int) -> None:
    database = open_database(str(data / "hubbub.db"))
    database.execute(
        "INSERT INTO chats (id, type, history, created_by, created_at, size, seq, number, at)"
        " VALUES (1, 'group', 'all', 1, 1, 1, 7, 7, 4000000000000)"
    )
    database.close()
    ended, check = found(data, port, "Clock")
    assert ended == 2
    assert "Set the clock" in check["advice"]
    assert "7 messages" in run(data, port).output


def test_few_open_files(data: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hubbub.wiring.doctor.host.resource.getrlimit", lambda _: (1024, 4096))
    ended, check = found(data, port, "Open files")
    assert ended == 1
    assert "LimitNOFILE" in check["advice"]


def test_a_database_that_is_damaged(data: Path, port: int) -> None:
    database = open_database(str(data / "hubbub.db"))
    database.execute("PRAGMA journal_mode = DELETE")  # all of it in the one file
    database.close()
    file = data / "hubbub.db"
    whole = file.read_bytes()
    file.write_bytes(whole[:8192] + b"\x07" * 4096 + whole[12288:])
    ended, check = found(data, port, "Database")
    assert ended == 2
    assert "damaged" in check["figure"]
    file.write_bytes(b"no database at all, but longer than a header of one " * 100)
    ended, check = found(data, port, "Database")
    assert ended == 2
    assert "Restore it from a backup" in check["advice"]


def test_a_database_of_a_newer_version(data: Path, port: int) -> None:
    database = open_database(str(data / "hubbub.db"))
    database.execute("PRAGMA user_version = 999")
    database.close()
    ended, check = found(data, port, "Database")
    assert ended == 2
    assert "newer version of Hubbub" in check["advice"]


def test_a_check_that_takes_too_long_is_not_finished(data: Path) -> None:
    database = open_database(str(data / "hubbub.db"))
    database.execute("CREATE TABLE many (x)")
    database.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000)"
        " INSERT INTO many SELECT i FROM n"
    )
    database.close()
    assert not examine.examine(data / "hubbub.db", -1.0).checked
    assert examine.examine(data / "hubbub.db", 60.0).checked


def test_files_that_others_can_use(data: Path, port: int) -> None:
    data.chmod(0o755)
    ended, check = found(data, port, "Data folder")
    assert ended == 1
    assert f"chmod 700 {data}" in check["advice"]
    data.chmod(0o700)
    (data / "secret.key").chmod(0o644)
    ended, check = found(data, port, "Secret key")
    assert ended == 2
    assert "chmod 600" in check["advice"]


def test_a_port_that_somebody_else_has(data: Path, port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        ended, check = found(data, port, "Port")
    assert ended == 2
    assert "Stop what uses it" in check["advice"]


def test_beside_a_running_server() -> None:
    with running() as server:
        assert_running(server)


def assert_running(server: ServerProcess) -> None:
    before = server.data.stat().st_mode & 0o777
    result = run(server.data, server.port)
    assert result.exit_code == 0, result.output
    assert "a server runs on this folder" in result.output
    assert before == 0o700


def test_registration_and_tls_beyond_loopback(data: Path, port: int) -> None:
    ended, check = found(data, port, "TLS", "--host", "0.0.0.0")
    assert (ended, check["state"]) == (1, "warning")
    file = data.parent / "open.toml"
    file.write_text(
        '[server]\nhost = "0.0.0.0"\nbase_url = "https://chat.example"\n'
        '[auth]\nregistration = "open"\n'
    )
    ended, check = found(data, port, "Registration", "--config", str(file))
    assert ended == 1
    assert "Whoever reaches this server" in check["advice"]


@pytest.mark.parametrize(
    ("hours", "code", "says"),
    [(YEAR, 0, ""), (24, 1, "Renew the certificate"), (-1, 2, "It has ended.")],
)
def test_a_certificate(data: Path, port: int, hours: float, code: int, says: str) -> None:
    chain, key = certificate(data.parent, hours)
    ended, check = found(data, port, "TLS", "--tls-cert", chain, "--tls-key", key)
    assert ended == code
    assert says in check.get("advice", "")
    assert "127.0.0.1" in check["figure"]


def test_a_certificate_of_another_key(data: Path, port: int) -> None:
    other = data.parent / "other"
    other.mkdir()
    chain, key = certificate(data.parent)[0], certificate(other)[1]
    ended, check = found(data, port, "TLS", "--tls-cert", chain, "--tls-key", key)
    assert ended == 2
    assert "PEM files" in check["advice"]
    assert found(data, port, "TLS", "--tls-cert", "/gone", "--tls-key", "/gone")[0] == 2


def test_the_machine_itself_is_measured(tmp_path: Path) -> None:
    """Unreplaced: the real disk and clock answer within their bounds."""
    syncs = MEASURE(tmp_path, 0.1)
    assert syncs.count >= machine.LEAST_SYNCS
    assert 0 < syncs.p50 <= syncs.p99
    assert list(tmp_path.iterdir()) == []
    disk = DISK(tmp_path)
    assert 0 < disk.free <= disk.total


MEASURE, DISK = machine.sync_times, machine.disk


def test_an_identity_provider(
    data: Path, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with providing() as corp:
        for name, value in corp.settings().items():
            monkeypatch.setenv(name, value)
        code, check = found(data, port, "oidc.corp")
        assert (code, check["state"]) == (0, "ok")
        assert f"http://localhost:{port}/api/v1/auth/oidc/corp/callback" in check["figure"]
        corp.metadata = {"code_challenge_methods_supported": ["plain"]}
        code, check = found(data, port, "oidc.corp")
        assert (code, "PKCE" in check["advice"]) == (1, True)
        corp.metadata = {"issuer": "https://other.example"}
        code, check = found(data, port, "oidc.corp")
        assert (code, "https://other.example" in check["advice"]) == (2, True)
        assert "Compare oidc.corp.issuer" in check["advice"]
    code, check = found(data, port, "oidc.corp")
    assert (code, "ClientConnectorError" in check["advice"]) == (2, True)
    monkeypatch.delenv("HUBBUB_OIDC_CORP_CLIENT_SECRET")
    monkeypatch.setenv("HUBBUB_OIDC_CORP_CLIENT_SECRET_FILE", str(tmp_path / "nothing"))
    code, check = found(data, port, "oidc.corp")
    assert (code, "nothing cannot be read" in check["advice"]) == (2, True)
