"""What one reader sees of its logs, held to the rules of reading (protocol section 5). Pure."""

from dataclasses import dataclass, field
from typing import Any

Frame = dict[str, Any]


@dataclass
class View:
    """Folded frames of all connections of one reader. `faults`: what broke a rule, in words."""

    places: dict[str, int] = field(default_factory=dict)
    messages: dict[str, dict[int, Frame]] = field(default_factory=dict)
    heard: dict[tuple[str, str, str], int] = field(default_factory=dict)
    heard_before: dict[tuple[str, str, str], int] = field(default_factory=dict)
    gaps: list[tuple[str, int, int]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    trail: list[str] = field(default_factory=list)
    skips: int = 0
    live: bool = False
    connections: int = 0

    def opened(self) -> None:
        """A new connection: what comes until `caught_up` is a replay."""
        self.live = False
        self.heard_before = dict(self.heard)
        self.connections += 1
        self.trail.append(f"connection {self.connections} from {self.places}")

    def take(self, frame: Frame) -> None:
        """One frame of the server."""
        match frame["type"]:
            case "message":
                self._moved(frame["chat_id"], frame["rev"], frame["rev"], frame)
                self.messages.setdefault(frame["chat_id"], {})[frame["seq"]] = frame
            case "me":
                if frame.get("member", True):
                    self.places.setdefault(frame["chat_id"], frame.get("joined_seq", 1) - 1)
                self._moved("me", frame["rev"], frame["rev"], frame)
            case "skip":
                self.skips += 1
                self._moved(frame["chat_id"], frame["from"], frame["to"], frame)
            case "gap":
                self.gaps.append((frame["chat_id"], frame["from"], frame["to"]))
                self._moved(frame["chat_id"], frame["from"], frame["to"], frame)
            case "caught_up":
                self._caught_up(frame["positions"])
            case "delivery_receipt":
                self._receipt("delivered", frame["chat_id"], frame["delivered_to"], frame["seq"])
            case "read_receipt":
                self._receipt("read", frame["chat_id"], frame["read_by"], frame["seq"])

    def _moved(self, log: str, start: int, end: int, frame: Frame) -> None:
        place = self.places.get(log, 0)
        if start <= place:
            self._fault(f"{log}: {start} comes again at {place}", frame)
        elif self.live and start != place + 1:
            self._fault(f"{log}: a hole between {place} and {start}", frame)
        self.places[log] = max(place, end)
        self.trail.append(
            f"{'live' if self.live else 'replay'} {frame['type']} {log} {start}-{end}"
        )

    def _caught_up(self, positions: dict[str, int]) -> None:
        self.trail.append(f"caught up to {positions}")
        for log, position in positions.items():
            if position < self.places.get(log, 0):
                self.faults.append(f"{log}: caught up to {position}, at {self.places[log]}")
            self.places[log] = max(position, self.places.get(log, 0))
        self.live = True

    def _receipt(self, kind: str, chat: str, member: str, seq: int) -> None:
        """A replay's come from the store, so they are at least what was ever heard before.

        Live ones may be behind those that were read from the store meanwhile (6.2.2).
        """
        key = (kind, chat, member)
        if not self.live and seq < (before := self.heard_before.get(key, 0)):
            shown = "\n  ".join(self.trail[-12:])
            self.faults.append(f"{chat}: {member} {kind} {before}, then {seq} (replay)\n  {shown}")
        self.trail.append(f"receipt {kind} {chat} {member} {seq}")
        self.heard[key] = max(self.heard.get(key, 0), seq)

    def _fault(self, what: str, frame: Frame) -> None:
        shown = {k: v for k, v in frame.items() if k in ("type", "rev", "seq", "from", "to")}
        state = "live" if self.live else "replay"
        self.faults.append(f"{what} ({state}): {shown}\n  " + "\n  ".join(self.trail[-8:]))

    def around(self, log: str, place: int) -> str:
        """What came when `place` should have come, for whoever looks for a cause."""
        for index, line in enumerate(self.trail):
            state, _, *moved = line.split()
            if state in ("live", "replay") and moved[0] == log:
                if int(moved[1].rpartition("-")[2]) < place:
                    continue
                return "\n".join(self.trail[max(0, index - 15) : index + 5])
        return "\n".join(self.trail[-20:])
