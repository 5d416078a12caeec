"""The specification's parts: clauses with anchors, frames, codes, conversations."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tools.docs.schemas import fields, prose, table

CLAUSE: Final = re.compile(r"^\*\*(\d+(?:\.\d+)+)\*\* ", re.MULTILINE)
SECTION: Final = re.compile(r"^(#+) (\d+(?:\.\d+)*) (.+)$", re.MULTILINE)
NAMED: Final = re.compile(r"(?<![\w.#*\"])\d+(?:\.\d+)+(?![\w.]*\d)")


def with_anchors(text: str) -> str:
    """Each clause and section has its number as its anchor, and whatever names one leads there."""
    known = {found[1] for found in CLAUSE.finditer(text)}
    known |= {found[2] for found in SECTION.finditer(text)}
    lines = (_anchored(line, known) for line in text.splitlines(keepends=True))
    return "".join(lines)


def _anchored(line: str, known: set[str]) -> str:
    if found := SECTION.match(line):
        return f"{found[1]} {found[2]} {found[3]} {{ #{found[2]} }}\n"
    head, rest = "", line
    if found := CLAUSE.match(line):
        head = f'<a class="clause" id="{found[1]}" href="#{found[1]}">{found[1]}</a> '
        rest = line[found.end() :]
    return head + NAMED.sub(
        lambda found: f"[{found[0]}](#{found[0]})" if found[0] in known else found[0], rest
    )


# ── frames ───────────────────────────────────────────────────────────────────────────────────


def frames(root: Path) -> str:
    """Every frame with its fields, by direction, then the objects within them."""
    defs = json.loads((root / "spec" / "frames.schema.json").read_text("utf-8"))["$defs"]
    directions = {
        "From the client": defs.pop("ClientFrame")["discriminator"]["mapping"],
        "From the server": defs.pop("ServerFrame")["discriminator"]["mapping"],
    }
    parts, told = [], set()
    for title, mapping in directions.items():
        names = {frame: reference.rpartition("/")[2] for frame, reference in mapping.items()}
        listed = " ".join(f"[`{frame}`](#{name})" for frame, name in names.items())
        parts.append(f"## {title}\n\n{listed}\n")
        for frame, name in names.items():
            if name not in told:
                parts.append(_described(f"### `{frame}`", name, defs[name]))
                told.add(name)
    parts.append("## Objects within frames\n")
    parts += [_described(f"### {n}", n, found) for n, found in defs.items() if n not in told]
    return "\n".join(parts)


def _described(heading: str, name: str, schema: dict[str, Any]) -> str:
    text = prose(schema.get("description", ""))
    rows = fields(schema, lambda other: f"#{other}") or "No fields."
    return f"{heading} {{ #{name} }}\n\n{text}\n\n{rows}"


# ── codes ────────────────────────────────────────────────────────────────────────────────────


def codes(root: Path) -> str:
    """The codes of errors, of closes, and what holds for those that are not listed."""
    told = tomllib.loads((root / "spec" / "codes.toml").read_text("utf-8"))
    errors = [
        (
            f"`{name}`{{ #{name} }}",
            str(error["status"]),
            "yes" if error["retryable"] else "",
            f"{error['meaning']} *{error['action']}*",
        )
        for name, error in told["error"].items()
    ]
    closes = [
        (f"**{one['code']}**{{ #{one['code']} }}", f"`{one['reconnect']}`", one["meaning"])
        for one in told["close"]
    ]
    ranges = [
        (f"{one['first']} to {one['last']}", f"`{one['reconnect']}`") for one in told["range"]
    ]
    return "\n".join(
        [
            "## Errors\n",
            table(("code", "HTTP", "retryable", "meaning, *and what the client does*"), errors),
            "## Closes\n",
            table(("code", "then", "meaning"), closes),
            "## Codes that are not listed\n",
            table(("from, to", "then"), ranges),
            "All others are `backoff`.",
        ]
    )


# ── conversations ────────────────────────────────────────────────────────────────────────────


def conversations(root: Path) -> str:
    """The conversations by file and clause, each as it stands in the specification."""
    parts = []
    for file in sorted((root / "spec" / "conformance").glob("*.jsonl")):
        parts.append(f"## [{file.name}](../spec/conformance/{file.name})\n")
        for head, lines in _conversations(file.read_text("utf-8")):
            clauses = ", ".join(f"[{one}](index.md#{one})" for one in head["clauses"])
            parts.append(f"{clauses}: {head['say']}\n")
            parts.append(f"```text\n{lines}\n```\n")
    return "\n".join(parts)


def _conversations(text: str) -> Iterator[tuple[dict[str, Any], str]]:
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if line.startswith("{")]
        if lines:
            yield json.loads(lines[0]), "\n".join(lines)
