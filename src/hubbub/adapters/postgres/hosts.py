"""Which of the hosts of an address takes writes.

All are asked at once: one whose machine is gone does not even refuse, and the driver asks one after
the other. A primary that comes back after its standby was promoted takes writes, too, and must not
get any. Every promotion begins a timeline, so the host on the newest one is it.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import asyncpg

HELD: Final = {
    "idle_session_timeout": "10000",
    "idle_in_transaction_session_timeout": "10000",
}
"""Settings of a connection that holds a lock, and is used each second: who hangs, or whose machine
is gone without a word, holds it for ten seconds, not for hours."""
GRACE: Final = 0.5
"""Seconds for which others are waited for, once one has said that it takes writes."""
FAILURES: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What the driver raises when a server is away, or goes away under a call. Internal errors too: a
statement that follows the word of a server which is shutting down meets one."""
Answer = tuple[int, Any]
"""A timeline, and a connection to who is on it."""
_ADDRESS: Final = re.compile(r"(\w+://(?:[^/?#]*@)?)([^/?#]*)(.*)", re.DOTALL)


class Hosts:
    """Those of one address. `promoted` hears that another one takes writes now."""

    def __init__(self, url: str, promoted: Callable[[], None] = lambda: None) -> None:
        self._urls = each(url)
        self._promoted = promoted
        self._timeline = 0

    async def connect(self, **how: Any) -> Any:
        """A connection to the one that takes writes; `how`: see asyncpg.connect.

        Raises what asyncpg.connect does. Cancelling is safe.
        """
        if len(self._urls) == 1:
            return await _open(self._urls[0], how)
        answers: list[Answer] = []
        chosen = None
        try:
            timeline, db = _newest(answers, await _ask_all(self._urls, how, answers))
            if timeline < self._timeline:
                raise asyncpg.TargetServerAttributeNotMatched("only a former primary takes writes")
            chosen = db
        finally:
            for _, other in answers:
                if other is not chosen:
                    other.terminate()
        if timeline > self._timeline:
            is_another, self._timeline = self._timeline > 0, timeline
            if is_another:
                self._promoted()
        return chosen


def each(url: str) -> list[str]:
    """An address for each of the hosts that this one names, separated by commas."""
    found = _ADDRESS.fullmatch(url)
    if found is None:
        return [url]
    before, hosts, after = found.groups()
    return [f"{before}{host}{after}" for host in hosts.split(",")]


async def _ask_all(
    urls: Sequence[str], how: dict[str, Any], answers: list[Answer]
) -> list[Exception]:
    """Those that take writes are added to `answers`; what the others said, or nothing."""
    errors: list[Exception] = []

    async def ask(url: str) -> None:
        try:
            answers.append(await _with_timeline(url, how))
        except FAILURES as error:
            errors.append(error)

    async with asyncio.TaskGroup() as group:
        pending = {group.create_task(ask(url)) for url in urls}
        done = pending
        while pending and done:
            done, pending = await asyncio.wait(
                pending,
                timeout=GRACE if answers else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
        for task in pending:
            task.cancel()
    return errors


def _newest(answers: Sequence[Answer], errors: Sequence[Exception]) -> Answer:
    """Of these the one on the newest timeline. Raises the most telling error without one."""
    if answers:
        return max(answers, key=lambda answer: answer[0])
    usual = (OSError, TimeoutError, asyncpg.TargetServerAttributeNotMatched)
    raise min(errors, key=lambda error: isinstance(error, usual))


async def _with_timeline(url: str, how: dict[str, Any]) -> Answer:
    db = await _open(url, how)
    try:
        segment = await db.fetchval("SELECT pg_walfile_name(pg_current_wal_lsn())")
    except BaseException:
        db.terminate()
        raise
    return int(segment[:8], 16), db


async def _open(url: str, how: dict[str, Any]) -> Any:
    return await asyncpg.connect(url, **{"target_session_attrs": "read-write", **how})
