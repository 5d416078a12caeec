"""Whether this machine, these settings and this folder are fit for a server, check by check.

Nothing is changed, and a server may be running on the folder meanwhile. The whole takes a few
seconds at most.
"""

import asyncio
import fcntl
import platform
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from hubbub import config as settings
from hubbub.adapters.issuers.discovery import probe
from hubbub.adapters.issuers.followed import Unfetched
from hubbub.adapters.local import machine
from hubbub.adapters.local.certificate import read_certificate
from hubbub.adapters.sqlite import examine
from hubbub.adapters.sqlite.database import UnusableDatabase
from hubbub.config import Config
from hubbub.domain.provider import Provider
from hubbub.ports import Unavailable
from hubbub.wiring.providers import client_secret

State = Literal["ok", "warning", "bad"]

SYNC_SECONDS: Final = 1.0
CHECK_SECONDS: Final = 2.0
SLOW_SYNC: Final = 0.02
BAD_SYNC: Final = 0.2
"""Seconds, p99: every acknowledgement waits for one."""
FEW_BYTES: Final = 2 << 30
TOO_FEW_BYTES: Final = 256 << 20
LONG_LOG: Final = 1 << 30
DRIFT: Final = 0.1
"""Seconds by which the wall clock may move against the other while the disk is measured."""
BEHIND_MS: Final = 1000
SPARE_FILES: Final = 500
"""Open files beside those of WebSockets: HTTP, the store, handshakes under way."""
DAYS_LEFT: Final = 14
DAY: Final = 86_400
FORGETS: Final = {"tmpfs", "ramfs"}
LAYERS: Final = {"overlay", "aufs"}
FAR: Final = {"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph", "glusterfs"}


class Check(Struct, frozen=True):
    """One thing that was looked at: how it is, the figure, and what to do about it.

    `values` has the figure's numbers by name, with their unit in it, for machines.
    """

    name: str
    state: State
    figure: str
    advice: str = ""
    values: Mapping[str, float] = {}


def diagnose(config: Config) -> Iterator[Check]:
    """All checks, one after the other as they are made; what fails is a finding.

    Raises OSError where the data folder may not even be looked at.
    """
    data = Path(config.server.data)
    folder = machine.standing(data)
    running = in_use(data)
    yield Check("Versions", "ok", f"Python {platform.python_version()}, SQLite {examine.VERSION}")
    yield from _of_disk(data, folder)
    yield _attempt("Durability", lambda: _durability(folder))
    yield _attempt("Database", lambda: _database(data / "hubbub.db"))
    yield from _of_files(data)
    yield _time_source()
    yield _open_files(config.server.max_connections)
    yield _port(config, running)
    yield _registration(config)
    yield _tls(config)
    for name, told in config.oidc.items():
        yield _provider(config, name, told)


def in_use(data: Path) -> bool:
    """Whether a server runs on this folder."""
    try:
        with (data / "lock").open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _attempt(name: str, look: Callable[[], Check]) -> Check:
    try:
        return look()
    except (OSError, UnusableDatabase) as error:
        return Check(name, "bad", "cannot be looked at", f"{error}")


# ── the disk ─────────────────────────────────────────────────────────────────────────────────


def _of_disk(data: Path, folder: Path) -> Iterator[Check]:
    where = "" if folder == data.absolute() else f", in {folder}"
    try:
        syncs = machine.sync_times(folder, SYNC_SECONDS)
    except OSError as error:
        advice = f"{folder} cannot be written ({error.strerror}). Check its owner and permissions."
        yield Check("Disk sync", "bad", "not measured", advice)
    else:
        yield _syncs(syncs, where)
        yield _clock(syncs.drift, data / "hubbub.db")
    yield _attempt("Disk space", lambda: _space(machine.disk(folder), data))
    yield _attempt("File system", lambda: _file_system(machine.disk(folder)))


def _syncs(syncs: machine.Syncs, where: str) -> Check:
    figure = f"p50 {_ms(syncs.p50)}, p99 {_ms(syncs.p99)} of {syncs.count}{where}"
    values = {"p50_ms": syncs.p50 * 1000, "p99_ms": syncs.p99 * 1000}
    if syncs.p99 < SLOW_SYNC:
        return Check("Disk sync", "ok", figure, values=values)
    advice = (
        "Every acknowledgement waits for one sync. Put --data on an SSD of this machine, and see "
        "what else writes there."
    )
    state: State = "bad" if syncs.p99 >= BAD_SYNC else "warning"
    return Check("Disk sync", state, figure, advice, values)


def _space(disk: machine.Disk, data: Path) -> Check:
    used = machine.size(data) if data.is_dir() else 0
    figure = f"{_bytes(disk.free)} free of {_bytes(disk.total)}; Hubbub has {_bytes(used)}"
    values = {"free_bytes": disk.free, "total_bytes": disk.total, "used_bytes": used}
    if disk.free >= FEW_BYTES:
        return Check("Disk space", "ok", figure, values=values)
    state: State = "bad" if disk.free < TOO_FEW_BYTES else "warning"
    advice = "Make room, or move --data: on a full disk every send is refused until there is some."
    return Check("Disk space", state, figure, advice, values)


def _file_system(disk: machine.Disk) -> Check:
    kind = disk.kind
    if kind in FORGETS:
        advice = "It lies in memory, and is gone when the machine restarts. Choose another --data."
        return Check("File system", "bad", kind, advice)
    if kind in FAR:
        advice = "SQLite needs locks and shared memory of this machine. Choose a local --data."
        return Check("File system", "bad", kind, advice)
    if kind in LAYERS:
        advice = "It goes with the container. Mount a volume, and give it as --data."
        return Check("File system", "warning", kind, advice)
    return Check("File system", "ok", kind or "the system does not tell")


def _durability(folder: Path) -> Check:
    found = examine.durability(folder)
    figure = f"journal_mode={found.journal_mode}, synchronous={found.synchronous}"
    if found == examine.Durability("wal", "FULL"):
        return Check("Durability", "ok", figure)
    advice = "A power cut could lose what was acknowledged. Choose a --data on a local file system."
    return Check("Durability", "bad", figure, advice)


def _database(path: Path) -> Check:
    if not path.exists():
        return Check("Database", "ok", "none yet: the first start makes it")
    found = examine.examine(path, CHECK_SECONDS)
    figure = f"schema {found.schema} of {examine.SCHEMA}, {found.messages:,} messages"
    if found.damage:
        advice = f"{found.damage}. Stop the server, keep a copy, and restore the newest backup."
        return Check("Database", "bad", f"{figure}; damaged", advice)
    figure += ", sound" if found.checked else f", sound as far as {CHECK_SECONDS:.0f} s went"
    if found.log > LONG_LOG:
        advice = "The log is not copied into the database. Look for what holds the file open."
        return Check("Database", "warning", f"{figure}; log {_bytes(found.log)}", advice)
    if found.schema < examine.SCHEMA:
        figure += "; the next start migrates it"
    return Check("Database", "ok", figure)


# ── files ────────────────────────────────────────────────────────────────────────────────────


def _of_files(data: Path) -> Iterator[Check]:
    if not data.is_dir():
        yield Check("Data folder", "ok", f"{data.absolute()}: the first start makes it")
        return
    yield _attempt("Data folder", lambda: _data_folder(data))
    secret = data / "secret.key"
    if secret.exists():
        yield _attempt("Secret key", lambda: _secret(secret))


def _data_folder(data: Path) -> Check:
    found = machine.owner(data)
    if not (found.ours and found.writable):
        advice = f"Run Hubbub as the owner of {data}, or give it away: chown -R USER {data}"
        return Check("Data folder", "bad" if not found.writable else "warning", f"{data}", advice)
    if found.open_to_others:
        advice = f"Other users of this machine can get at the messages: chmod 700 {data}"
        return Check("Data folder", "warning", f"{data.absolute()}", advice)
    return Check("Data folder", "ok", f"{data.absolute()}, its owner's alone")


def _secret(path: Path) -> Check:
    if machine.owner(path).open_to_others:
        advice = f"Whoever reads it can sign in as anybody: chmod 600 {path}"
        return Check("Secret key", "bad", "others can use it", advice)
    return Check("Secret key", "ok", "its owner's alone")


# ── the clock, the limits ────────────────────────────────────────────────────────────────────


def _clock(drift: float, database: Path) -> Check:
    now = time.time()
    figure = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    newest = 0
    if database.exists():
        try:
            newest = examine.examine(database, 0.0).newest
        except (UnusableDatabase, OSError):
            newest = 0  # the check of the database says it
    behind = newest - now * 1000
    if behind > BEHIND_MS:
        advice = f"The newest message is {behind / 1000:,.0f} s ahead of the clock. Set the clock."
        return Check("Clock", "bad", figure, advice)
    if abs(drift) > DRIFT:
        advice = f"It was moved by {drift:+.1f} s just now. Let NTP slew it instead of setting it."
        return Check("Clock", "warning", figure, advice)
    return Check("Clock", "ok", f"{figure}, steady")


def _time_source() -> Check:
    found = machine.time_source()
    if found is None:
        return Check("Time source", "ok", "the system does not tell")
    if found.synchronized:
        return Check("Time source", "ok", f"synchronized, within {found.error_ms:,.0f} ms")
    advice = "Times of messages may be wrong. Run an NTP service here or on the host: chrony, say."
    return Check("Time source", "warning", "not synchronized", advice)


def _open_files(connections: int) -> Check:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        return Check("Open files", "ok", "no limit")
    figure = f"{hard:,} for {connections:,} connections"
    values = {"limit": hard, "connections": connections}
    if hard >= connections + SPARE_FILES:
        return Check("Open files", "ok", figure, values=values)
    advice = (
        f"Each connection is one. Raise the hard limit to {connections + SPARE_FILES:,} "
        "(LimitNOFILE= in systemd, ulimit -Hn in a shell), or lower server.max_connections."
    )
    state: State = "bad" if hard < SPARE_FILES else "warning"
    return Check("Open files", state, figure, advice, values)


# ── the network ──────────────────────────────────────────────────────────────────────────────


def _port(config: Config, running: bool) -> Check:
    server = config.server
    figure = f"{server.host}:{server.port}"
    error = machine.can_listen(server.host, server.port)
    if error is None:
        return Check("Port", "ok", f"{figure} is free")
    if running:
        return Check("Port", "ok", f"{figure} is in use, and a server runs on this folder")
    advice = f"{error.strerror}. Stop what uses it, or choose another --host or --port."
    return Check("Port", "bad", f"{figure} cannot be had", advice)


def _registration(config: Config) -> Check:
    mode, host = settings.registration(config), config.server.host
    if mode != "open" or settings.is_loopback(host):
        return Check("Registration", "ok", f"{mode}, listening on {host}")
    advice = "Whoever reaches this server can register. Unless you want that: registration=invite."
    return Check("Registration", "warning", f"open, listening on {host}", advice)


def _tls(config: Config) -> Check:
    server = config.server
    if not server.tls_cert:
        if settings.is_loopback(server.host) or server.base_url.startswith("https:"):
            return Check("TLS", "ok", "none here; a proxy's, or this machine alone")
        advice = "Passwords can be read on the way. Give --tls-cert and --tls-key, or use a proxy."
        return Check("TLS", "warning", f"none, listening on {server.host}", advice)
    try:
        found = read_certificate(Path(server.tls_cert), Path(server.tls_key))
        others = machine.owner(Path(server.tls_key)).open_to_others
    except (OSError, ValueError) as error:
        advice = f"{error}. Give the PEM files of one certificate chain and of its key."
        return Check("TLS", "bad", "certificate and key cannot be used", advice)
    days = (found.ends_at - time.time()) / DAY
    end = datetime.fromtimestamp(found.ends_at, UTC).strftime("%Y-%m-%d")
    figure = f"{', '.join(found.names) or 'no name'}; until {end}, {days:,.0f} days"
    values = {"days_left": days}
    if days < DAYS_LEFT:
        advice = "Renew the certificate, and restart the server." + " It has ended." * (days < 0)
        return Check("TLS", "bad" if days < 0 else "warning", figure, advice, values)
    if others:
        advice = f"Other users can read the key: chmod 600 {server.tls_key}"
        return Check("TLS", "warning", figure, advice, values)
    return Check("TLS", "ok", figure, values=values)


def _provider(config: Config, name: str, told: Provider) -> Check:
    """Whether people can sign in with it, and what it has to know of this server."""
    back = f"{settings.base_url(config, config.server.port)}/api/v1/auth/oidc/{name}/callback"
    label = f"oidc.{name}"
    try:
        client_secret(name, told)
        found = asyncio.run(probe(told.issuer))
    except Unavailable as error:
        return Check(label, "bad", "its secret cannot be read", str(error))
    except Unfetched as error:
        advice = (
            f"{told.issuer}: {error}. Compare oidc.{name}.issuer with what the provider says, and "
            "see whether this machine reaches it (for a CA of your own: SSL_CERT_FILE)."
        )
        return Check(label, "bad", "the provider cannot be used", advice)
    figure = f"{told.issuer}, {len(found.keys)} keys; its redirect URI for this server is {back}"
    if "S256" not in (found.metadata.code_challenge_methods_supported or ("S256",)):
        advice = "It does not say that it knows PKCE with S256. Look for an update of it."
        return Check(label, "warning", figure, advice)
    return Check(label, "ok", figure)


# ── words ────────────────────────────────────────────────────────────────────────────────────


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms" if seconds < 0.01 else f"{seconds * 1000:,.0f} ms"


def _bytes(count: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit in ("bytes", "KB") else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
