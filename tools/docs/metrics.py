"""The metrics of a running server, put together with the advice that is written on each.

The page has a heading for each metric, or for several that go together. Here each gets its type
and what the server says of it; one without a heading, or a heading without one, is an error.
"""

import asyncio
import re
import tempfile
import urllib.request
from typing import Final

from hubbub.config.reading import load
from hubbub.wiring import embedded

HEADING: Final = re.compile(r"^### (`\w+`(?:, `\w+`)*)$", re.MULTILINE)
DECLARED: Final = re.compile(r"^# (HELP|TYPE) (\S+) (.*)$", re.MULTILINE)
ELSEWHERE: Final = re.compile(
    r"process_|hubbub_(bus|catch_ups|chores|clock|database|node|recent|replica|store|valkey)_"
)
"""Figures that only systems with /proc have, or servers on one engine and not on another."""


class Unexplained(Exception):
    """The page and the server do not have the same metrics."""


def explained(page: str) -> str:
    """The page with the server's own words. Raises Unexplained."""
    return merged(page, asyncio.run(_exposed()))


def merged(page: str, exposition: str) -> str:
    """The page with what this text in Prometheus' format says. Raises Unexplained."""
    told: dict[str, dict[str, str]] = {}
    for what, name, text in DECLARED.findall(exposition):
        told.setdefault(name, {})[what] = text
    named = [name for heading in HEADING.findall(page) for name in _names(heading)]
    missing = set(told) - set(named)
    wrong = {name for name in set(named) - set(told) if not ELSEWHERE.match(name)}
    if missing or wrong:
        raise Unexplained(
            f"docs/operate/metrics.md needs a heading for {sorted(missing)}, none for "
            f"{sorted(wrong)}."
        )

    def section(found: re.Match[str]) -> str:
        names = _names(found[1])
        lines = dict.fromkeys(
            f"{told[name]['TYPE'].capitalize()}. {told[name]['HELP']}"
            for name in names
            if name in told
        )
        return f"{found[0]} {{ #{names[0]} }}\n\n*{' '.join(lines)}*"

    return HEADING.sub(section, page)


def _names(heading: str) -> list[str]:
    return re.findall(r"\w+", heading)


async def _exposed() -> str:
    """What a server that has just been started says at /metrics."""
    with tempfile.TemporaryDirectory() as folder:
        config = load(None, {}, {"server": {"port": 0, "data": folder}, "log": {"level": "error"}})
        server = embedded(config)
        try:
            port = await server.start()
            return await asyncio.to_thread(_read, f"http://127.0.0.1:{port}/metrics")
        finally:
            await server.stop()


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
        return text
