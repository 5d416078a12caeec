"""The settings: each with its default, its reason and its name in the environment."""

import json
from pathlib import Path

import msgspec
from msgspec import NODEFAULT, Struct

from hubbub.config.reading import NAMED, SECTIONS, variable
from tools.docs.schemas import prose, table


def tables(_: Path) -> str:
    """A section for each of the file's sections."""
    parts = [_section(f"[{name}]", name, kind) for name, kind in SECTIONS.items()]
    parts += [_section(f"[{name}.NAME]", f"{name}_NAME", n.kind) for name, n in NAMED.items()]
    return "\n".join(parts)


def _section(title: str, section: str, kind: type[Struct]) -> str:
    rows = [
        (
            f"`{field.name}`{{ #{section}.{field.name} }}",
            f"`{_toml(field.default)}`",
            f"{_reason(field)} `{variable(section, field.name)}`",
        )
        for field in msgspec.structs.fields(kind)
    ]
    head = ("setting", "default", "who would turn it, and to what; its name in the environment")
    return f"## {title} {{ #{section} }}\n\n{prose(kind.__doc__ or '')}\n\n{table(head, rows)}"


def _reason(field: msgspec.structs.FieldInfo) -> str:
    kind = msgspec.inspect.type_info(field.type)
    assert isinstance(kind, msgspec.inspect.Metadata)
    assert kind.extra_json_schema is not None
    reason: str = kind.extra_json_schema["description"]
    return reason


def _toml(value: object) -> str:
    if value is NODEFAULT:
        return "none"
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
