"""What PostgreSQL does so that what was acknowledged outlasts a power cut, and a failover (G1)."""

import re
from typing import Any, Final

from msgspec import Struct

_FACTS: Final = """
    SELECT current_setting('fsync') = 'on' AS fsync,
        current_setting('full_page_writes') = 'on' AS full_page_writes,
        current_setting('synchronous_standby_names') AS required,
        count(r.pid) AS standbys,
        count(r.pid) FILTER (WHERE r.state = 'streaming' AND r.sync_state IN ('sync', 'quorum'))
            AS synchronous,
        pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS told
    FROM (SELECT 1) one LEFT JOIN pg_stat_replication r ON true
"""
_NEEDED: Final = re.compile(r"\s*(?:(?:FIRST|ANY)\s+)?(\d+)\s*\(", re.IGNORECASE)
_RELOAD: Final = "SELECT pg_reload_conf();"
_WAIT: Final = f"ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'; {_RELOAD}"


class Durability(Struct, frozen=True):
    """The server's settings, and its standbys.

    `required`: what `synchronous_standby_names` says. `standbys`, `synchronous`: those that are
    connected. `told`: whether this user may see which of them are synchronous.
    """

    fsync: bool
    full_page_writes: bool
    required: str
    standbys: int
    synchronous: int
    told: bool = True

    @property
    def waits(self) -> str | None:
        """Why no commit ends now, and what to do; None: they do, as far as we may know."""
        found = _NEEDED.match(self.required)
        needed = int(found[1]) if found else 1
        if not self.required or not self.told or self.synchronous >= needed:
            return None
        return (
            f"Commits wait for a standby of {self.required!r} that is not connected: start it, or"
            f" go on without: ALTER SYSTEM SET synchronous_standby_names = ''; {_RELOAD}"
        )

    @property
    def unsafe(self) -> str | None:
        """How a power cut could lose what was acknowledged, and what to do."""
        off = [name for name in ("fsync", "full_page_writes") if not getattr(self, name)]
        if not off:
            return None
        switch = " ".join(f"ALTER SYSTEM SET {name} = on;" for name in off)
        return (
            f"{' and '.join(off)} switched off: a power cut could lose what was acknowledged, or"
            f" the database. Type: {switch} {_RELOAD}"
        )

    @property
    def alone(self) -> str | None:
        """Why a failover could lose what was acknowledged, and what to do."""
        if self.synchronous:
            return None
        if not self.told:
            return (
                "Whether a standby is synchronous, this user may not see. Type, with the user of"
                " database.url: GRANT pg_monitor TO hubbub;"
            )
        if not self.standbys:
            return (
                "No standby is connected: what is acknowledged is on one machine alone. On another"
                f" one, clone it with pg_basebackup -R and start that; then, on this: {_WAIT}"
            )
        return f"A failover to the standby would lose what it has not got yet. Type: {_WAIT}"

    def unready(self, needs_standby: bool) -> str | None:
        """Why a server should not be used now."""
        return self.waits or (self.unsafe or self.alone if needs_standby else None)

    def warnings(self) -> list[str]:
        """What is to be known of a server that may be used."""
        alone = self.alone if self.standbys and self.told else None
        return [warning for warning in (self.unsafe, alone) if warning]


async def durability(db: Any) -> Durability:
    """That of the server at this connection."""
    return Durability(**await db.fetchrow(_FACTS))
