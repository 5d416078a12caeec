"""Reads `matrix.txt`: rows of calls and frames, a column for each who may ask."""

from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("matrix.txt")


@dataclass(frozen=True)
class Row:
    """What is asked for, by its name in the contract and a case, and what each hears."""

    name: str
    case: str
    cells: dict[str, str]

    @property
    def title(self) -> str:
        return f"{self.name}/{self.case}" if self.case else self.name


def read(file: Path = FILE) -> dict[str, list[Row]]:
    """The rows of each section. Raises ValueError, naming the line."""
    sections: dict[str, list[Row]] = {}
    rows: list[Row] = []
    columns: list[str] = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0].startswith("["):
            section = words[0].strip("[]")
            if section in sections:
                raise ValueError(f"line {number}: [{section}] comes twice")
            rows = sections[section] = []
            columns = words[1:]
        else:
            rows.append(_row(words, columns, number))
    return sections


def _row(words: list[str], columns: list[str], number: int) -> Row:
    title, *cells = words
    if len(cells) != len(columns):
        raise ValueError(f"line {number}: {len(cells)} cells for {len(columns)} columns")
    name, _, case = title.partition("/")
    return Row(name, case, dict(zip(columns, cells, strict=True)))
