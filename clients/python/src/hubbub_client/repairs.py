"""Holes that are being read: tickets, failures, when to try again. Pure."""

from random import Random

from hubbub_client.backoff import Backoff


class _Repair:
    __slots__ = ("backoff", "retry_at", "ticket")

    def __init__(self, random: Random) -> None:
        self.backoff = Backoff(random)
        self.ticket = 0
        self.retry_at: float | None = None


class Repairs:
    """At most one read at a time for each log. Answers under an old ticket are void."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._repairs: dict[str, _Repair] = {}
        self.last_ticket = 0

    def begin(self, log: str) -> int:
        """A read begins (or goes on): its ticket."""
        repair = self._repairs.get(log)
        if repair is None:
            repair = self._repairs[log] = _Repair(self._random)
        self.last_ticket += 1
        repair.ticket, repair.retry_at = self.last_ticket, None
        return repair.ticket

    def answered(self, log: str, ticket: int) -> bool:
        """A page came. False: nobody waits for it any more."""
        repair = self._repairs.get(log)
        if repair is None or repair.ticket != ticket:
            return False
        repair.backoff.reset()
        return True

    def failed(self, log: str, ticket: int, retry_after: float | None, now: float) -> bool:
        """The read failed; it is due again later. False: nobody waits for it any more."""
        repair = self._repairs.get(log)
        if repair is None or repair.ticket != ticket:
            return False
        repair.retry_at = now + repair.backoff.delay(retry_after)
        return True

    def finish(self, log: str) -> int:
        """The hole is closed: the ticket of the read that closed it."""
        repair = self._repairs.pop(log, None)
        return 0 if repair is None else repair.ticket

    def cancel(self, log: str) -> None:
        """The log is gone."""
        self._repairs.pop(log, None)

    def clear(self) -> None:
        """The connection is gone, and with it the need: the next one replays."""
        self._repairs.clear()

    def due(self, now: float) -> list[str]:
        """Logs whose failed read is to be repeated."""
        return [
            log
            for log, repair in self._repairs.items()
            if repair.retry_at is not None and repair.retry_at <= now
        ]

    def deadline(self) -> float | None:
        """When the next one is due."""
        times = (r.retry_at for r in self._repairs.values() if r.retry_at is not None)
        return min(times, default=None)
