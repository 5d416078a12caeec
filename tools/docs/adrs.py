"""The decisions: `docs/adr`, one file each, named and headed by its number."""

from collections.abc import Iterator
from pathlib import Path


def listed(root: Path) -> str:
    """A list of all, newest last."""
    return "\n".join(f"- [{title}]({name})" for name, title in decisions(root))


def contents(root: Path) -> str:
    """The lines of the table of contents."""
    return "\n    ".join(f'"adr/{name}",' for name, _ in decisions(root))


def decisions(root: Path) -> Iterator[tuple[str, str]]:
    """File name and title."""
    for path in sorted((root / "docs" / "adr").glob("[0-9]*.md")):
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        yield path.name, first.removeprefix("# ")
