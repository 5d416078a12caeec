"""Believable things to say in fourteen languages, put together from templates by a seed."""

import tomllib
from pathlib import Path
from random import Random
from typing import Final, Literal

Kind = Literal["say", "ask", "answer", "short"]

FILE: Final = Path(__file__).parent / "phrases.toml"
_NEXT: Final[dict[Kind, tuple[tuple[Kind, ...], tuple[int, ...]]]] = {
    "say": (("say", "ask", "short"), (5, 2, 3)),
    "ask": (("answer", "short"), (9, 1)),
    "answer": (("answer", "say", "short", "ask"), (3, 3, 3, 1)),
    "short": (("say", "ask", "short"), (6, 3, 1)),
}
"""What may follow what in a conversation, and how often."""


class Phrases:
    """`random` decides what is said."""

    def __init__(self, random: Random) -> None:
        with FILE.open("rb") as file:
            self._tables: dict[str, dict[str, list[str]]] = tomllib.load(file)
        self._random = random

    @property
    def languages(self) -> list[str]:
        """Their codes."""
        return list(self._tables)

    def after(self, kind: Kind) -> Kind:
        """What comes after such a message."""
        kinds, weights = _NEXT[kind]
        return self._random.choices(kinds, weights)[0]

    def text(self, language: str, kind: Kind) -> str:
        """A message: one sentence, sometimes two or three."""
        said = self._one(language, kind)
        if kind == "say":
            while self._random.random() < 0.25 and len(said) < 240:
                said += " " + self._one(language, "say")
        elif kind == "answer" and self._random.random() < 0.15:
            said += " " + self._one(language, "ask")
        return said

    def _one(self, language: str, kind: Kind) -> str:
        table, pick = self._tables[language], self._random.choice
        said = pick(table[kind]).format(
            when=pick(table["when"]), where=pick(table["where"]), what=pick(table["what"])
        )
        return said[0].upper() + said[1:]
