"""The machine and its place in the network: clock, open files, port, TLS."""

import resource
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from hubbub import config as settings
from hubbub.adapters.local import machine
from hubbub.adapters.local.certificate import read_certificate
from hubbub.config import Config
from hubbub.wiring.doctor.check import Check, State

DRIFT: Final = 0.1
"""Seconds by which the wall clock may move against the other while something is measured."""
BEHIND_MS: Final = 1000
SPARE_FILES: Final = 500
"""Open files beside those of WebSockets: HTTP, the store, handshakes under way."""
DAYS_LEFT: Final = 14
DAY: Final = 86_400


def steady(drift: float, newest: int) -> Check:
    """The clock. `drift`: seconds that it moved against the other; `newest`: the newest message's
    time, Unix ms.
    """
    now = time.time()
    figure = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    behind = newest - now * 1000
    if behind > BEHIND_MS:
        advice = f"The newest message is {behind / 1000:,.0f} s ahead of the clock. Set the clock."
        return Check("Clock", "bad", figure, advice)
    if abs(drift) > DRIFT:
        advice = f"It was moved by {drift:+.1f} s just now. Let NTP slew it instead of setting it."
        return Check("Clock", "warning", figure, advice)
    return Check("Clock", "ok", f"{figure}, steady")


def time_source() -> Check:
    """Whether the wall clock is kept."""
    found = machine.time_source()
    if found is None:
        return Check("Time source", "ok", "the system does not tell")
    if found.synchronized:
        return Check("Time source", "ok", f"synchronized, within {found.error_ms:,.0f} ms")
    advice = "Times of messages may be wrong. Run an NTP service here or on the host: chrony, say."
    return Check("Time source", "warning", "not synchronized", advice)


def open_files(connections: int) -> Check:
    """Whether as many may connect as the settings say."""
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


def port(config: Config, running: bool) -> Check:
    """Whether it can listen. `running`: a server runs on the data folder."""
    server = config.server
    figure = f"{server.host}:{server.port}"
    error = machine.can_listen(server.host, server.port)
    if error is None:
        return Check("Port", "ok", f"{figure} is free")
    if running:
        return Check("Port", "ok", f"{figure} is in use, and a server runs on this folder")
    advice = f"{error.strerror}. Stop what uses it, or choose another --host or --port."
    return Check("Port", "bad", f"{figure} cannot be had", advice)


def registration(config: Config) -> Check:
    """Who may register."""
    mode, host = settings.registration(config), config.server.host
    if mode != "open" or settings.is_loopback(host):
        return Check("Registration", "ok", f"{mode}, listening on {host}")
    advice = "Whoever reaches this server can register. Unless you want that: registration=invite."
    return Check("Registration", "warning", f"open, listening on {host}", advice)


def tls(config: Config) -> Check:
    """Whether passwords can be read on the way, and how long the certificate lasts."""
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
