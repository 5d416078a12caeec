"""Whether this machine, these settings and this data are fit for a server, check by check.

Nothing is changed, and a server may be running meanwhile. The whole takes a few seconds at most.
"""

import fcntl
import platform
from collections.abc import Iterator
from pathlib import Path

from hubbub.adapters.local import machine
from hubbub.adapters.sqlite import examine
from hubbub.config import Config
from hubbub.wiring.doctor import disk, folder, host, postgres, valkey
from hubbub.wiring.doctor.check import Check, State
from hubbub.wiring.doctor.provider import provider

__all__ = ["Check", "State", "diagnose", "in_use"]


def diagnose(config: Config) -> Iterator[Check]:
    """All checks, one after the other as they are made; what fails is a finding.

    Raises OSError where the data folder may not even be looked at.
    """
    data = Path(config.server.data)
    running = in_use(data)
    yield Check("Versions", "ok", f"Python {platform.python_version()}, SQLite {examine.VERSION}")
    if config.database.url:
        yield from postgres.checks(config)
        if config.valkey.url:
            yield from valkey.checks(config)
    else:
        yield from disk.checks(data, machine.standing(data))
    yield from folder.checks(data)
    yield host.time_source()
    yield host.open_files(config.server.max_connections)
    yield host.port(config, running)
    yield host.registration(config)
    yield host.tls(config)
    for name, told in config.oidc.items():
        yield provider(config, name, told)


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
