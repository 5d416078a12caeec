"""What every process that listens takes from the settings."""

import sys

from hubbub.config import Config, Server
from hubbub.entry.rest.readers import Readers
from hubbub.observe import Log


def log(config: Config) -> Log:
    """Where it writes what happens: as text on a terminal, unless told otherwise."""
    chosen = config.log.format
    form = chosen if chosen != "auto" else "text" if sys.stderr.isatty() else "json"
    return Log(config.log.level, form)


def readers(server: Server) -> Readers:
    """Who may see its figures."""
    return Readers(server.metrics == "public", server.metrics_token, server.trusted_proxies)


def tls(config: Config) -> tuple[str, str] | None:
    """The files of its certificate and key; None: it speaks plainly."""
    server = config.server
    return (server.tls_cert, server.tls_key) if server.tls_cert else None
