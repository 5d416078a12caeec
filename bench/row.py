"""A line of the table, and the table."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Scale:
    """What a figure must reach: `floor`, better `goal`, in `unit`; `less`: less is better."""

    floor: float
    goal: float
    unit: str
    less: bool = False

    def verdict(self, value: float) -> str:
        """`goal`, `floor` or `below the floor`."""
        if self._reaches(value, self.goal):
            return "goal"
        return "floor" if self._reaches(value, self.floor) else "BELOW FLOOR"

    def _reaches(self, value: float, mark: float) -> bool:
        return value <= mark if self.less else value >= mark


@dataclass(slots=True)
class Row:
    """What a scenario found. `broken` says what it must not have done, empty when nothing."""

    name: str
    what: str
    floor: str
    goal: str
    measured: str = ""
    ratio: str = ""
    verdict: str = ""
    load: str = ""
    broken: str = ""
    notes: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)


HEADS = ("what", "floor", "goal", "measured", "ratio to limit", "verdict", "load generator")


def table(rows: list[Row]) -> str:
    """Markdown, aligned so that it reads as plain text too."""
    cells = [HEADS] + [
        (
            row.what,
            row.floor,
            row.goal,
            row.measured,
            row.ratio or "–",
            row.verdict,
            row.load or "–",
        )
        for row in rows
    ]
    widths = [max(len(row[i]) for row in cells) for i in range(len(HEADS))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def details(rows: list[Row], command: str) -> str:
    """Below the table: each row's notes and how to run it again."""
    lines = []
    for row in rows:
        lines.append(f"{row.name}: {command} {row.name}")
        lines += [f"  BROKEN: {row.broken}"] if row.broken else []
        lines += [f"  {note}" for note in row.notes]
    return "\n".join(lines)
