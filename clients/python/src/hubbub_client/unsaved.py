"""Which logs moved since their places were stored, and what is stored with them. Pure."""

from collections.abc import Mapping

from hubbub_client.chat import Chat
from hubbub_client.storage import GapsSaved, LogForgotten, PlaceSaved, Record
from hubbub_protocol.frames import ME


class Unsaved:
    """Records that wait for the next checkpoint."""

    def __init__(self) -> None:
        self._logs: set[str] = set()
        self._gaps: set[str] = set()
        self._records: list[Record] = []

    def moved(self, log: str) -> None:
        """It is held further than was stored."""
        self._logs.add(log)

    def gaps(self, log: str) -> None:
        """Its gaps changed. They are stored with the place, so that none is ever beyond one."""
        self._logs.add(log)
        self._gaps.add(log)

    def forget(self, log: str, known: bool) -> None:
        """There is no such log any more; `known`: it may be stored."""
        self._logs.discard(log)
        self._gaps.discard(log)
        if known:
            self._records.append(LogForgotten(log))

    def take(self, chats: Mapping[str, Chat], me: int, fresh: bool) -> list[Record]:
        """What is to be stored now. `me`: the place in the own log; `fresh`: no place is sure."""
        records, self._records = self._records, []
        if fresh:
            return records
        for log in sorted(self._logs - {ME}):
            if log in self._gaps:
                records.append(GapsSaved(log, chats[log].gaps))
            records.append(PlaceSaved(log, chats[log].log.held))
        if ME in self._logs:  # last: torn off, it only makes us hear of chats again
            records.append(PlaceSaved(ME, me))
        self._logs, self._gaps = set(), set()
        return records
