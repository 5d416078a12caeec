"""`hubbub serve`: the server, from its first words to its exit code."""

import asyncio
import errno
import os
import resource
import signal
import ssl
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol, get_args

import click
import uvloop

from hubbub import config as settings
from hubbub.cli.common import CONFIG, fail, link, load
from hubbub.config import Config, Role
from hubbub.ports import Unavailable
from hubbub.wiring import WorkerServer, embedded


class Server(Protocol):
    """What `serve` needs of a server."""

    @property
    def admin_link(self) -> str | None:
        """After `start`: the link that makes the admin, while nobody has registered."""
        ...

    async def start(self) -> int:
        """Listen; the port. Raises Unavailable or OSError, whose text says what to do."""
        ...

    async def broken(self) -> None:
        """Raise what broke a part of the server; never return while it works."""
        ...

    async def drain(self, reason: str) -> None:
        """Stop accepting, let clients go in batches, store what waits."""
        ...

    async def stop(self) -> None:
        """End everything. May be called in any state."""
        ...


@click.command()
@click.option("--host", help="Where to listen: 127.0.0.1 is this machine alone.")
@click.option("--port", type=int, help="Which port, 0 for any free one.  [default: 8080]")
@click.option("--data", help="The folder that holds everything.  [default: hubbub-data]")
@CONFIG
@click.option(
    "--role",
    type=click.Choice(get_args(Role)),
    help="What it does of a cluster's work: serve people, the database's chores, or both.",
)
@click.option("--tls-cert", help="PEM file with the certificate chain.")
@click.option("--tls-key", help="PEM file with its key.")
def serve(file: Path | None, **given: Any) -> None:
    """Serve until SIGTERM or Ctrl-C, which let everybody finish first."""
    config = load(file, **given)
    _open_many_files()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            code = runner.run(_serve(_server(config), config))
    except (Unavailable, OSError) as error:
        fail(_said(error, config))
    except BaseExceptionGroup as group:
        fail(_broke(group, config))
    sys.exit(code)


def _server(config: Config) -> Server:
    return WorkerServer(config) if config.server.role == "worker" else embedded(config)


async def _serve(server: Server, config: Config) -> int:
    """Run until a signal; a second one ends it at once. The exit code."""
    signals = _Signals(asyncio.current_task())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signals.receive)
    try:
        _check_tls(config)
        port = await server.start()
        signals.starting = None
        click.echo(welcome(config, port, server.admin_link))
        await _until(signals.asked, server.broken)
        click.echo("\nFinishing; once more to stop at once.")
        return 0 if await _drained(server, signals.forced) else 1
    except asyncio.CancelledError:
        return 0  # asked to stop before it was ready
    finally:
        await server.stop()


async def _until(asked: asyncio.Event, broken: Callable[[], Awaitable[None]]) -> None:
    """Wait for a signal. Raises what broke the server first: with a part gone it serves nobody."""
    async with asyncio.TaskGroup() as group:
        watch = group.create_task(_broken(broken))
        await asked.wait()
        watch.cancel()


async def _broken(broken: Callable[[], Awaitable[None]]) -> None:
    await broken()
    raise RuntimeError("A part of the server has ended.")


class _Signals:
    """The first asks to stop, and ends a start that is under way; the second forces it."""

    def __init__(self, starting: asyncio.Task[int] | None) -> None:
        self.starting = starting
        self.asked = asyncio.Event()
        self.forced = asyncio.Event()

    def receive(self) -> None:
        if self.starting is not None:
            self.starting.cancel()
        (self.forced if self.asked.is_set() else self.asked).set()


async def _drained(server: Server, forced: asyncio.Event) -> bool:
    async with asyncio.TaskGroup() as group:
        drain = group.create_task(server.drain("shutting down"))
        force = group.create_task(forced.wait())
        done, _ = await asyncio.wait((drain, force), return_when=asyncio.FIRST_COMPLETED)
        drain.cancel()
        force.cancel()
    return drain in done


def _check_tls(config: Config) -> None:
    server = config.server
    for name, file in (("--tls-cert", server.tls_cert), ("--tls-key", server.tls_key)):
        if file and not os.access(file, os.R_OK):
            raise OSError(f"{file} is not there, or cannot be read. Check {name}.")


def welcome(config: Config, port: int, admin_link: str | None) -> str:
    """What to do next, for whoever has just started the server."""
    address = settings.base_url(config, port)
    if config.server.role == "worker":
        return _of_worker(config, address)
    mode = settings.registration(config)
    lines = ["", f"  {click.style('Hubbub', bold=True)} is ready: {link(address)}", ""]
    if admin_link:
        lines += ["  Nobody has registered yet. This link makes its first user the admin:"]
        lines += [f"    {link(admin_link)}", ""]
    lines += [
        f"  Registration  {_MODES[mode]}",
        f"  Data          {Path(config.server.data).resolve()}",
        *([f"  Database      {settings.database(config)}"] if config.database.url else []),
        f"  API           {address}/docs",
        "  Stop          Ctrl-C",
        "",
    ]
    if not (settings.is_loopback(config.server.host) or config.server.tls_cert):
        warning = click.style("Warning", fg="yellow", bold=True)
        lines += [
            f"  {warning}: other machines can reach this server, and without TLS whoever is on",
            "  the way reads passwords and messages. Give --tls-cert and --tls-key, or put a proxy",
            "  with TLS in front of it.",
            "",
        ]
    return "\n".join(lines)


def _of_worker(config: Config, address: str) -> str:
    lines = [
        "",
        f"  A worker of {click.style('Hubbub', bold=True)} is ready: {link(address + '/readyz')}",
        "",
        "  It serves nobody. While it leads, it does the chores of the database.",
        "",
        f"  Database      {settings.database(config)}",
        "  Stop          Ctrl-C",
        "",
    ]
    return "\n".join(lines)


_MODES = {
    "open": "open: everybody who gets here can register",
    "invite": "by invite: admins make the links",
    "closed": "closed",
}


def _said(error: Exception, config: Config) -> str:
    """One line that says what to do about what kept the server from running."""
    server = config.server
    if isinstance(error, ssl.SSLError):
        return f"--tls-cert and --tls-key cannot be used together: {error}."
    if isinstance(error, OSError):
        if error.errno == errno.EADDRINUSE:
            return f"Port {server.port} is in use. Stop what uses it, or choose another --port."
        if error.errno == errno.EADDRNOTAVAIL:
            return f"This machine has no address {server.host}; choose another --host."
        if error.errno == errno.EACCES and error.filename is None and server.port < 1024:
            return f"Port {server.port} needs more rights; choose a --port above 1023."
        if error.filename is not None:
            return f"{error.filename}: {error.strerror}. Check --data and its permissions."
    return str(error) or type(error).__name__


def _broke(group: BaseExceptionGroup[BaseException], config: Config) -> str:
    """What broke the server: the first that is no group. Only ours say it in their own words."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, (Unavailable, OSError)):
        return f"It stops, since it cannot go on: {_said(error, config)}"
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "" if trace is None else f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    return f"It stops, since a part of it broke: {type(error).__name__}{where}."


def _open_many_files() -> None:
    # Every connection is a file; the usual soft limit of 1,024 would be reached soon.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 1_048_576 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
