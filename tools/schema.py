"""Writes `spec/frames.schema.json` from the types in `hubbub_protocol.frames`.

`python -m tools.schema` prints it, `python -m tools.schema --write` puts it in its place.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from hubbub_protocol.frames import ClientFrame, ServerFrame

TARGET: Final = Path(__file__).parents[1] / "spec" / "frames.schema.json"


def schema() -> dict[str, Any]:
    """A JSON Schema (2020-12) with one definition per frame, and one per direction."""
    directions = {"ClientFrame": ClientFrame, "ServerFrame": ServerFrame}
    unions, components = msgspec.json.schema_components(
        directions.values(), ref_template="#/$defs/{name}"
    )
    named = dict(zip(directions, unions, strict=True))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Frames of the Hubbub protocol, version 1",
        "description": "One object a message, told apart by `type`. Unknown fields are ignored, "
        "a field that is left out has its default.",
        "$defs": named | {name: _sparse(found) for name, found in sorted(components.items())},
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in directions],
    }


def _sparse(component: dict[str, Any]) -> dict[str, Any]:
    """Without the titles that repeat a definition's name."""
    return {key: value for key, value in component.items() if key != "title"}


def text() -> str:
    """The file's content."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> None:
    """Print the schema, or write it to its place."""
    if arguments == ["--write"]:
        TARGET.write_text(text(), encoding="utf-8")
    else:
        sys.stdout.write(text())


if __name__ == "__main__":
    main(sys.argv[1:])
