"""All settings as a file to start from."""

import json
import textwrap
from typing import Final

import msgspec
from msgspec import Struct

from hubbub.config import Config, without_password
from hubbub.config.reading import NAMED, SECTIONS, variable

SECRETS: Final = frozenset({"key", "client_secret", "metrics_token"})
HIDDEN: Final = "(a secret that is not shown)"


def explain(config: Config) -> str:
    """These settings as a TOML file, each with its reason, its default and its other name."""
    parts = ["# Settings of Hubbub. What is left out has its default. After each name: who would"]
    parts.append(
        "# turn it, and to what; then its name in the environment, which wins over a file."
    )
    for name, kind in SECTIONS.items():
        parts += ["", "", f"# {kind.__doc__}", f"[{name}]"]
        for field in msgspec.structs.fields(kind):
            value = getattr(getattr(config, name), field.name)
            if field.name.endswith("url"):
                value = without_password(value)
            if field.name in SECRETS and value:
                value = HIDDEN
            parts += ["", *_reason(field), *_others(name, field.name, field.default, value)]
            parts.append(f"{field.name} = {_toml(value)}")
    for section, named in NAMED.items():
        for name, one in getattr(config, section).items() or [(named.example, None)]:
            parts += _explain_named(section, name, one)
    return "\n".join(parts) + "\n"


def _explain_named(section: str, name: str, one: Struct | None) -> list[str]:
    """One description's settings; as comments where there is none. A secret is not told."""
    kind = NAMED[section].kind
    parts = ["", "", *textwrap.wrap(f"# {_doc(kind)}", 92, subsequent_indent="# ")]
    off = "" if one else "# "
    parts.append(f"{off}[{section}.{name}]")
    for field in msgspec.structs.fields(kind):
        value = field.default if one is None else getattr(one, field.name)
        if field.name in SECRETS and value:
            value = HIDDEN
        parts += ["", *_reason(field), f"#   {variable(f'{section}_{name}', field.name)}"]
        parts.append(f"{off}{field.name} = {_toml(value)}")
    return parts


def _doc(kind: type[Struct]) -> str:
    return " ".join((kind.__doc__ or "").split())


def _reason(field: msgspec.structs.FieldInfo) -> list[str]:
    kind = msgspec.inspect.type_info(field.type)
    assert isinstance(kind, msgspec.inspect.Metadata)
    assert kind.extra_json_schema is not None
    text = f"{field.name}: {kind.extra_json_schema['description']}"
    return textwrap.wrap(
        text, 92, initial_indent="# ", subsequent_indent="#   ", break_on_hyphens=False
    )


def _others(section: str, name: str, default: object, value: object) -> list[str]:
    also = "" if value == default else f"; default {_toml(default)}"
    return [f"#   {variable(section, name)}{also}"]


def _toml(value: object) -> str:
    # Strings, numbers and lists of strings are written in TOML as in JSON.
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
