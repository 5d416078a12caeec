"""OpenAPI 3.1, made from the table and the types. `python -m hubbub.entry.rest.openapi FILE`."""

import json
import re
import sys
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import msgspec

from hubbub.actions.server_keys import ACTING
from hubbub.domain.credentials import EXTERNAL
from hubbub.domain.issuer import NAME
from hubbub.domain.reaction import EMOJI_LENGTH
from hubbub.entry.rest.routes import ROUTES
from hubbub.entry.rest.table import PREFIX, Route, errors_of
from hubbub_protocol import ids, rest

Document = dict[str, Any]

DESCRIPTION: Final = (
    "Sign in with `register` or `login`, then send the token as `Authorization: Bearer`. "
    "Errors are problem documents (RFC 9457) with a stable `code`; those with `retry_after` may "
    "be tried again then. Lists page by an opaque `cursor`. Times are UTC. Every answer has an "
    "`X-Request-Id`, which may also be given."
)
TAGS: Final = {
    "accounts": "Users, sessions, invites",
    "chats": "Chats and who is in them",
    "messages": "Messages, history, receipts",
    "sync": "What happened since, for who was away",
    "admin": "For who looks after the server",
}
_REF: Final = "#/components/schemas/{name}"
_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_PROVIDER: Final = f"^{NAME.pattern}$"
_KINDS: Final[dict[str, ids.Kind]] = {
    "chat_id": "chat",
    "user_id": "user",
    "message_id": "msg",
    "invite_id": "invite",
    "session_id": "session",
}


def openapi(routes: Iterable[Route] = ROUTES) -> Document:
    """The document."""
    routes = list(routes)
    schemas = _Schemas(routes)
    paths: Document = {}
    for route in routes:
        paths.setdefault(PREFIX + route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hubbub",
            "version": "1",
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "server_key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "of a host application's backend; `hubbub admin key create`",
                },
            },
            "schemas": schemas.components,
        },
    }


class _Schemas:
    """The schemas of all types in the table."""

    def __init__(self, routes: list[Route]) -> None:
        types: dict[type[msgspec.Struct], None] = {rest.Problem: None}
        for route in routes:
            types.update((kind, None) for kind in (route.body, route.answer) if kind)
        found, components = msgspec.json.schema_components(types, ref_template=_REF)
        self._by_type = dict(zip(types, found, strict=True))
        self.components = dict(sorted(components.items()))

    def content(self, kind: type[msgspec.Struct], media_type: str = "application/json") -> Document:
        return {media_type: {"schema": self._by_type[kind]}}


def _operation(route: Route, schemas: _Schemas) -> Document:
    operation: Document = {
        "operationId": route.operation,
        "summary": route.summary,
        "tags": [route.tag],
    }
    operation.update(_security(route))
    parameters = [*_path_parameters(route), *_query_parameters(route), *_headers(route)]
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": schemas.content(route.body)}
    operation["responses"] = {**_successes(route, schemas), **_failures(route, schemas)}
    return operation


def _path_parameters(route: Route) -> Iterable[Document]:
    for name in _PARAMETER.findall(route.path):
        if name == "emoji":
            schema = {"type": "string", "minLength": 1, "maxLength": EMOJI_LENGTH}
            yield {"name": name, "in": "path", "required": True, "schema": schema}
            continue
        pattern = _PROVIDER if name == "provider" else ids.pattern(_KINDS[name])
        if name == "user_id":
            pattern = f"{pattern}|^{EXTERNAL}.{{1,288}}$"
        schema = {"type": "string", "pattern": pattern}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(route: Route) -> Iterable[Document]:
    if route.query is None:
        return
    _, components = msgspec.json.schema_components([route.query])
    schema = components[route.query.__name__]
    for name, kind in schema["properties"].items():
        # In a query, what is not given is left out; there is no null.
        choices = [choice for choice in kind.get("anyOf", []) if choice != {"type": "null"}]
        default = {"default": kind["default"]} if kind.get("default") is not None else {}
        shown = {**choices[0], **default} if choices else dict(kind)
        description = shown.pop("description", kind.get("description"))
        yield {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            **({"description": description} if description else {}),
            "schema": shown,
        }


def _security(route: Route) -> Document:
    """What differs from the usual, a user's token."""
    if route.scope == "public":
        return {"security": []}
    if route.key is None:
        return {}
    by_user: list[Document] = [{"token": []}] if route.scope == "user" else []
    return {"security": [*by_user, {"server_key": [route.key]}]}


def _headers(route: Route) -> Iterable[Document]:
    if route.key is not None and route.scope == "user":
        description = "with a server key: the user for whom it acts, `user_…` or `ext:…`"
        schema = {"type": "string"}
        yield {"name": ACTING, "in": "header", "description": description, "schema": schema}
    for name, description in route.headers.items():
        schema = {"type": "string", "format": "uuid"}
        yield {"name": name, "in": "header", "description": description, "schema": schema}


def _successes(route: Route, schemas: _Schemas) -> Document:
    content = {"content": schemas.content(route.answer)} if route.answer else {}
    statuses = {route.status: HTTPStatus(route.status).phrase, **route.also}
    return {str(status): {"description": text, **content} for status, text in statuses.items()}


def _failures(route: Route, schemas: _Schemas) -> Document:
    by_status: dict[int, list[str]] = {}
    for code in errors_of(route):
        by_status.setdefault(code.http_status, []).append(code.value)
    return {
        str(status): {
            "description": f"{HTTPStatus(status).phrase}: {', '.join(codes)}",
            "content": schemas.content(rest.Problem, "application/problem+json"),
        }
        for status, codes in by_status.items()
    }


def text() -> str:
    """The document as it stands in `spec/openapi.json`."""
    return json.dumps(openapi(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
