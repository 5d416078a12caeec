"""Reading the settings: from a file, the environment and the command line."""

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from hubbub.config import (
    LEAST_RETENTION,
    Auth,
    BadConfig,
    Config,
    Database,
    Ingest,
    Limits,
    Log,
    Replay,
    Retention,
    Server,
    Valkey,
    is_loopback,
)
from hubbub.domain import issuer, provider
from hubbub.domain.issuer import Issuer
from hubbub.domain.provider import Provider

PREFIX: Final = "HUBBUB_"
LISTS: Final = frozenset(
    {"origins", "trusted_proxies", "scopes", "allowed_domains", "allowed_groups"}
)
"""Settings that are lists, which the environment has as one text."""


class Named(Struct, frozen=True):
    """Descriptions of one kind, each by a name: [issuers.default], [oidc.corp]."""

    kind: type[Struct]
    wrong: Callable[[str, Any], str | None]
    example: str


NAMED: Final[dict[str, Named]] = {
    "issuers": Named(Issuer, issuer.wrong, issuer.UNNAMED),
    "oidc": Named(Provider, provider.wrong, "corp"),
}
SECTIONS: Final[dict[str, type[Struct]]] = {
    "server": Server,
    "database": Database,
    "valkey": Valkey,
    "limits": Limits,
    "auth": Auth,
    "ingest": Ingest,
    "replay": Replay,
    "retention": Retention,
    "log": Log,
}

S = TypeVar("S", bound=Struct)
Tree = dict[str, dict[str, Any]]


def load(
    file: Path | None, environment: Mapping[str, str], given: Mapping[str, Mapping[str, Any]]
) -> Config:
    """The settings: defaults, then the file, then the environment, then what was `given`.

    Raises BadConfig, which names the setting and its source.
    """
    tree: Tree = {name: {} for name in SECTIONS}
    if file is not None:
        _merge(tree, _read(file))
    _merge(tree, _from_environment(environment))
    _merge(tree, given)
    sections: dict[str, Any] = {
        name: _section(name, kind, tree[name]) for name, kind in SECTIONS.items()
    }
    sections |= {name: _named(name, tree.get(name, {})) for name in NAMED}
    config = msgspec.convert(sections, Config)
    if bool(config.server.tls_cert) != bool(config.server.tls_key):
        raise BadConfig("server.tls_cert and server.tls_key go together; give both or neither.")
    if config.oidc:
        _check_reached(config.server)
    _check_database(config)
    return config


def _check_database(config: Config) -> None:
    """What only PostgreSQL has."""
    if config.database.replica_url and not config.database.url:
        raise BadConfig("database.replica_url needs database.url: of what it is a standby.")
    role = config.server.role
    if role != "both" and not config.database.url:
        raise BadConfig(f"server.role {role} needs database.url: a data folder has one server.")
    days = config.retention.days
    if 0 < days < LEAST_RETENTION:
        raise BadConfig(
            f"retention.days cannot be {days}: 0 for ever, or {LEAST_RETENTION} or more, since what"
            " is sent again must be known for 30 days."
        )
    if days and not config.database.url:
        raise BadConfig("retention.days needs database.url: the data folder keeps everything.")


def _check_reached(server: Server) -> None:
    """Providers send people back to an address that is known beforehand, and safe."""
    if not server.base_url and not is_loopback(server.host):
        raise BadConfig("oidc needs server.base_url: the address that people type to come here.")
    if server.base_url and not issuer.is_safe(server.base_url):
        raise BadConfig(
            f"oidc: server.base_url cannot be {server.base_url!r}: providers send people back to "
            "https:// alone, or to this machine."
        )


def _merge(tree: Tree, more: Mapping[str, Mapping[str, Any]]) -> None:
    for section, fields in more.items():
        if section in NAMED:
            all_ = tree.setdefault(section, {})
            for name, told in fields.items():
                all_[name] = {**all_.get(name, {}), **told}
        else:
            tree[section].update(fields)


def _read(file: Path) -> Tree:
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadConfig(f"{file} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfig(f"{file} is not TOML: {error}.") from None
    for section, fields in found.items():
        if section in NAMED:
            _check_named(file, section, fields)
            continue
        if section not in SECTIONS:
            raise BadConfig(f"{file}: there is no section [{section}]; {_known(SECTIONS)}.")
        if not isinstance(fields, dict):
            raise BadConfig(
                f"{file}: {section} is a section; write [{section}] above its settings."
            )
        for field in fields:
            _check_known(str(file), section, field)
    return found


def _check_named(file: Path, section: str, found: object) -> None:
    named = NAMED[section]
    if not isinstance(found, dict) or not all(isinstance(told, dict) for told in found.values()):
        raise BadConfig(f"{file}: write [{section}.{named.example}] above the settings of one.")
    known = named.kind.__struct_fields__
    for name, told in found.items():
        for field in told:
            if field not in known:
                raise BadConfig(
                    f"{file}: there is no setting {section}.{name}.{field}; {_known(known)}."
                )


def _named(section: str, found: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    named = NAMED[section]
    all_: dict[str, Any] = {
        name: _section(f"{section}.{name}", named.kind, told) for name, told in found.items()
    }
    for name, one in all_.items():
        if sentence := named.wrong(name, one):
            raise BadConfig(sentence)
    if len({one.issuer for one in all_.values()}) < len(all_):
        raise BadConfig(f"Two of [{section}.…] have the same issuer; each is described once.")
    return all_


def _check_known(source: str, section: str, field: str) -> None:
    known = SECTIONS[section].__struct_fields__
    if field not in known:
        raise BadConfig(f"{source}: there is no setting {section}.{field}; {_known(known)}.")


def _known(names: object) -> str:
    return f"there are {', '.join(sorted(names))}"  # type: ignore[call-overload]


def variable(section: str, field: str) -> str:
    """A setting's name in the environment."""
    return f"{PREFIX}{section}_{field}".upper()


def _from_environment(environment: Mapping[str, str]) -> Tree:
    places = {
        variable(section, field): (section, field)
        for section, kind in SECTIONS.items()
        for field in kind.__struct_fields__
    }
    tree: Tree = {}
    for name, value in environment.items():
        section = name.removeprefix(PREFIX).partition("_")[0].lower()
        if name in places:
            section, field = places[name]
            tree.setdefault(section, {})[field] = _listed(field, value)
        elif name.startswith(PREFIX) and section in NAMED:
            one, _, field = name.removeprefix(variable(section, "")).lower().partition("_")
            if field not in NAMED[section].kind.__struct_fields__:
                raise BadConfig(f"{name} in the environment names no setting; see `hubbub config`.")
            tree.setdefault(section, {}).setdefault(one, {})[field] = _listed(field, value)
        elif name.startswith(PREFIX) and section in SECTIONS:
            raise BadConfig(f"{name} in the environment names no setting; see `hubbub config`.")
    return tree


def _listed(field: str, value: str) -> str | list[str]:
    """A list where the setting is one: with commas between, or spaces where no value has any."""
    if field not in LISTS:
        return value
    between = r"," if field == "allowed_groups" else r"[,\s]+"
    return [word.strip() for word in re.split(between, value) if word.strip()]


def _section(name: str, kind: type[S], values: dict[str, Any]) -> S:
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        said, _, where = str(error).partition(" - at `$.")
        field = where.rstrip("`").partition("[")[0]
        value = values.get(field)
        raise BadConfig(f"{name}.{field} cannot be {value!r}: {said}.") from None
