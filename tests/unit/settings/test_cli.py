"""The command line: what it says, what it gives the server, and how it ends."""

import asyncio
import errno
import os
import signal
import ssl
import threading
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result

from hubbub import cli
from hubbub.config import Config
from hubbub.ports import Unavailable


class FakeServer:
    """A server that notes what it is told."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.calls: list[str] = []
        self.admin_link: str | None = "http://localhost:4711/#invite=abc"
        self.fails: Exception | None = None
        self.breaks: Exception | None = None
        self.started: Callable[[], None] = interrupt
        self.draining: Callable[[], None] = lambda: None
        self.drains_forever = False
        self.starts_forever = False

    async def start(self) -> int:
        self.calls.append("start")
        if self.fails:
            raise self.fails
        if self.starts_forever:
            asyncio.get_running_loop().call_soon(self.started)
            await asyncio.Event().wait()
        asyncio.get_running_loop().call_soon(self.started)
        return 4711

    async def broken(self) -> None:
        if self.breaks is None:
            await asyncio.Event().wait()
        else:
            raise self.breaks

    async def drain(self, reason: str) -> None:
        self.calls.append("drain")
        self.draining()
        if self.drains_forever:
            await asyncio.Event().wait()

    async def stop(self) -> None:
        self.calls.append("stop")


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    server = FakeServer(Config())

    def embedded(config: Config) -> FakeServer:
        server.config = config
        return server

    monkeypatch.setattr("hubbub.cli.serve.embedded", embedded)
    assert threading.current_thread() is threading.main_thread(), "signals need the main thread"
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    yield server
    for number, handler in zip((signal.SIGINT, signal.SIGTERM), handlers, strict=True):
        signal.signal(number, handler)


def run(*arguments: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(cli.main, arguments, env=env)


@pytest.mark.parametrize("sign", [interrupt, terminate])
def test_serve_until_a_signal_then_drain(server: FakeServer, sign: Callable[[], None]) -> None:
    server.started = sign
    result = run("serve")
    assert result.exit_code == 0, result.output
    assert server.calls == ["start", "drain", "stop"]
    assert "http://localhost:4711" in result.output
    assert "http://localhost:4711/#invite=abc" in result.output
    assert "Registration  open" in result.output
    assert "hubbub-data" in result.output
    assert "Warning" not in result.output


def test_a_second_signal_ends_the_drain(server: FakeServer) -> None:
    server.drains_forever = True
    server.draining = terminate
    result = run("serve")
    assert result.exit_code == 1
    assert server.calls == ["start", "drain", "stop"]


def test_a_signal_ends_a_start_that_takes_too_long(server: FakeServer) -> None:
    server.starts_forever = True
    result = run("serve")
    assert result.exit_code == 0
    assert server.calls == ["start", "stop"]


def test_beyond_loopback_it_is_by_invite_and_warns(server: FakeServer) -> None:
    server.admin_link = None
    result = run("serve", "--host", "0.0.0.0")
    assert "by invite" in result.output
    assert "Warning" in result.output
    assert "#invite" not in result.output


def test_options_reach_the_server(server: FakeServer, tmp_path) -> None:
    file = tmp_path / "h.toml"
    file.write_text("[server]\nport = 1\nheartbeat = 5\n")
    (tmp_path / "c").touch()
    (tmp_path / "k").touch()
    tls = ["--tls-cert", str(tmp_path / "c"), "--tls-key", str(tmp_path / "k")]
    options = ["--host", "::1", "--port", "0", "--data", "d", *tls]
    result = run("serve", *options, "--config", str(file), env={"HUBBUB_LIMITS_MEDIA": "4"})
    assert result.exit_code == 0, result.output
    given = server.config.server
    assert (given.host, given.port, given.data) == ("::1", 0, "d")
    assert (given.tls_cert, given.tls_key) == (str(tmp_path / "c"), str(tmp_path / "k"))
    assert given.heartbeat == 5
    assert server.config.limits.media == 4


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.EADDRINUSE, "Address already in use"), "Port 8080 is in use"),
        (OSError(errno.EADDRNOTAVAIL, "Cannot assign"), "no address 127.0.0.1"),
        (PermissionError(errno.EACCES, "Permission denied", "/data"), "/data: Permission denied"),
        (Unavailable("d/hubbub.db is damaged. Restore it."), "d/hubbub.db is damaged. Restore it."),
        (OSError("secret.key is damaged."), "secret.key is damaged."),
    ],
)
def test_what_keeps_it_from_starting_is_one_line(
    server: FakeServer, error: Exception, says: str
) -> None:
    server.fails = error
    result = run("serve")
    assert result.exit_code == 1
    assert result.output.startswith("hubbub: ")
    assert says in result.output
    assert len(result.output.splitlines()) == 1
    assert server.calls == ["start", "stop"]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (Unavailable("d/hubbub.db is damaged. Restore it."), "d/hubbub.db is damaged. Restore it."),
        (ValueError("Hello Bob!"), "a part of it broke: ValueError"),
    ],
)
def test_it_stops_when_a_part_breaks(server: FakeServer, error: Exception, says: str) -> None:
    server.started = lambda: None
    server.breaks = ExceptionGroup("parts", [ExceptionGroup("one", [error])])
    result = run("serve")
    assert result.exit_code == 1
    last = result.output.splitlines()[-1]
    assert last.startswith("hubbub: It stops, since ")
    assert says in last
    assert "Hello Bob!" not in result.output
    assert server.calls == ["start", "stop"]


def test_tls_files_that_are_not_there_are_named(server: FakeServer, tmp_path) -> None:
    gone = str(tmp_path / "gone.pem")
    result = run("serve", "--tls-cert", gone, "--tls-key", gone)
    assert result.exit_code == 1
    assert f"{gone} is not there" in result.output
    server.fails = ssl.SSLError(1, "[X509: KEY_VALUES_MISMATCH] key values mismatch (_ssl.c:1)")
    assert "--tls-cert and --tls-key cannot be used together" in run("serve").output


def test_wrong_settings_are_one_line(server: FakeServer) -> None:
    result = run("serve", env={"HUBBUB_SERVER_PORT": "x"})
    assert result.exit_code == 2
    assert result.output == "hubbub: server.port cannot be 'x': Expected `int`, got `str`.\n"
    assert server.calls == []


def test_config_prints_the_settings(server: FakeServer) -> None:
    result = run("config", env={"HUBBUB_SERVER_PORT": "9"})
    assert result.exit_code == 0
    assert "port = 9" in result.output


def test_version() -> None:
    assert run("--version").output.startswith("hubbub, version ")
