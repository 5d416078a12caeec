"""JSON Schema in words, as Markdown tables."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

Schema = Mapping[str, Any]
Link = Callable[[str], str]
"""From a definition's name to where it is described."""

LARGEST: Final = 2**53 - 1
BOUNDS: Final = (
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {}"),
    ("maxItems", "at most {}"),
)
ID: Final = re.compile(r"\^([a-z]+)_\[")


def fields(schema: Schema, link: Link) -> str:
    """A table of an object's fields; empty where it has none."""
    required = set(schema.get("required", ()))
    rows = [
        (
            f"`{name}`",
            kind(field, link) + ("" if name in required else _usual(field)),
            "yes" if name in required else "",
            " ".join(filter(None, (field.get("description", ""), bounds(field)))),
        )
        for name, field in schema.get("properties", {}).items()
        if name != "type" or "enum" not in field or len(field["enum"]) != 1
    ]
    return table(("field", "type", "required", ""), rows) if rows else ""


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table; columns that are empty in every row are left out."""
    kept = [at for at in range(len(head)) if head[at] or any(row[at] for row in rows)]
    kept = [at for at in kept if any(row[at] for row in rows)]
    lines = [[head[at] for at in kept], ["---"] * len(kept)]
    lines += [[cell(row[at]) for at in kept] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cell(text: str) -> str:
    """Text that may stand in a table."""
    return plain(" ".join(text.split()).replace("|", "\\|"))


def plain(text: str) -> str:
    """Text in which `<` begins no HTML."""
    return "".join(
        part if index % 2 else part.replace("<", "&lt;")
        for index, part in enumerate(re.split(r"(`[^`]*`)", text))
    )


def kind(schema: Schema, link: Link) -> str:
    """A type in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}]({link(name)})"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(kind(each, link) for each in schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(f"`{_json(value)}`" for value in schema["enum"])
    if found := ID.match(schema.get("pattern", "")):
        return f"id `{found[1]}_…`"
    match schema.get("type"):
        case "array":
            return f"list of {kind(schema.get('items', {}), link)}"
        case "object" if schema.get("additionalProperties"):
            return f"map to {kind(schema['additionalProperties'], link)}"
        case "string" if schema.get("format") == "date-time":
            return "time"
        case "string" if schema.get("format"):
            return str(schema["format"])
        case str(name):
            return name
        case _:
            return "anything"


def bounds(schema: Schema) -> str:
    """What a value must keep to."""
    if "anyOf" in schema:
        return " ".join(filter(None, map(bounds, schema["anyOf"])))
    told = [
        words.format(f"{schema[name]:,}")
        for name, words in BOUNDS
        if schema.get(name) not in (None, LARGEST, 0 if name == "minimum" else None)
    ]
    return f"{', '.join(told).capitalize()}." if told else ""


def _usual(schema: Schema) -> str:
    usual = schema.get("default")
    return "" if usual in (None, [], {}, "") else f", else `{_json(usual)}`"


def _json(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def prose(text: str) -> str:
    """A description: its paragraphs, unindented."""
    return plain("\n\n".join(" ".join(part.split()) for part in text.split("\n\n")))
