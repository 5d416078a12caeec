"""The REST reference from `spec/openapi.json`: a page for each tag, and one for the objects."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from tools.docs.schemas import fields, kind, plain, prose, table

OBJECTS = "objects.md"


@cache
def spec(root: Path) -> dict[str, Any]:
    """The description of the interface."""
    found: dict[str, Any] = json.loads((root / "spec" / "openapi.json").read_text("utf-8"))
    return found


def operations(root: Path, tag: str | None = None) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of each call, of a tag or of all."""
    for path, methods in spec(root)["paths"].items():
        for method, operation in methods.items():
            if tag is None or tag in operation["tags"]:
                yield method.upper(), path, operation


def contents(root: Path) -> str:
    """The lines of the table of contents."""
    lines = [f'{{ "{tag["name"].capitalize()}" = "rest/{tag["name"]}.md" }},'
             for tag in spec(root)["tags"]]  # fmt: skip
    return "\n    ".join([*lines, f'{{ "Objects" = "rest/{OBJECTS}" }},'])


def overview(root: Path) -> str:
    """Every call with a link, by tag."""
    parts = []
    for tag in spec(root)["tags"]:
        rows = [
            (
                _method(method),
                f"[`{path.removeprefix('/api/v1')}`]({tag['name']}.md#{op['operationId']})",
                op["summary"],
            )
            for method, path, op in operations(root, tag["name"])
        ]
        parts.append(f"## {tag['name'].capitalize()}\n\n{table(('', 'path', 'what'), rows)}")
    return "\n".join(parts)


def pages(root: Path) -> dict[str, str]:
    """The generated pages by file name."""
    found = {f"{tag['name']}.md": _tag(root, tag) for tag in spec(root)["tags"]}
    return found | {OBJECTS: _objects(root)}


def _tag(root: Path, tag: dict[str, str]) -> str:
    parts = [f"# {tag['name'].capitalize()}\n\n{tag['description']}.\n"]
    parts += [_operation(root, *call) for call in operations(root, tag["name"])]
    return "\n".join(parts)


def _operation(root: Path, method: str, path: str, op: dict[str, Any]) -> str:
    parts = [f"## {plain(op['summary'])} {{ #{op['operationId']} }}"]
    parts.append(f"{_method(method)} `{path}`{{ .path }}")
    if op.get("description"):
        parts.append(prose(op["description"]))
    parts.append(_callers(root, op))
    if op.get("parameters"):
        rows = [
            (
                f"`{one['name']}`",
                one["in"],
                kind(one["schema"], _object),
                "yes" if one.get("required") else "",
                one.get("description", ""),
            )
            for one in op["parameters"]
        ]
        parts.append(table(("parameter", "in", "type", "required", ""), rows))
    if body := _json_schema(op.get("requestBody", {})):
        parts.append(f"**Body** {kind(body, _object)}")
        parts.append(fields(_resolved(root, body), _object))
    parts.append(_answers(op))
    return "\n\n".join(part for part in parts if part) + "\n"


def _method(method: str) -> str:
    return f"`{method}`{{ .method .{method.lower()} }}"


def _callers(root: Path, op: dict[str, Any]) -> str:
    """Who may call."""
    security = op.get("security", spec(root)["security"])
    told = [
        "an access token" if name == "token"
        else f"a [server key](../guide/host-application.md#from-your-backend-server-keys) with "
        f"`{scopes[0]}`"
        for each in security for name, scopes in each.items()
    ]  # fmt: skip
    return f"Needs {' or '.join(told)}." if told else "Needs no token."


def _answers(op: dict[str, Any]) -> str:
    good, refused = [], []
    for status, answer in op["responses"].items():
        if int(status) < 400:
            schema = _json_schema(answer)
            good.append(
                f"**{status}** {kind(schema, _object) if schema else answer['description']}"
            )
        else:
            codes = answer["description"].partition(": ")[2].split(", ")
            refused += [f"[`{code}`](../protocol/codes.md#{code})" for code in codes if code]
    return "\n\n".join(filter(None, [", ".join(good), f"Refusals: {', '.join(refused)}"]))


def _json_schema(holder: dict[str, Any]) -> dict[str, Any]:
    for name, content in holder.get("content", {}).items():
        if name.endswith("json"):
            found: dict[str, Any] = content.get("schema", {})
            return found
    return {}


def _resolved(root: Path, schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = spec(root)["components"]["schemas"].get(name, schema)
    return found


def _objects(root: Path) -> str:
    parts = ["# Objects\n\nWhat calls take and answer. A field that is not required and has no "
             "value is left out.\n"]  # fmt: skip
    for name, schema in spec(root)["components"]["schemas"].items():
        parts.append(f"## {name} {{ #{name} }}\n\n{prose(schema.get('description', ''))}\n")
        parts.append(fields(schema, lambda other: f"#{other}"))
    return "\n".join(parts)


def _object(name: str) -> str:
    return f"{OBJECTS}#{name}"
