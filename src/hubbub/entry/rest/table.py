"""One row of the route table: everything that is to be known of a call, in one place."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from msgspec import Struct

from hubbub.actions import Actions
from hubbub.domain.account import Caller, Principal, Scope
from hubbub.entry.rest.exchange import Header
from hubbub_protocol.codes import Code

PREFIX: Final = "/api/v1"
ANY_CALL: Final = frozenset(
    {Code.MALFORMED, Code.TIMEOUT, Code.HEAD_TOO_BIG, Code.UNAVAILABLE, Code.INTERNAL}
)
"""What any call may be answered, also by the port, before it knows which one it is (3.1.6)."""


@dataclass(slots=True)
class Call:
    """A request that was read and checked: what a handler passes on to its action.

    `principal` is there on all calls of users; `body` and `query` are of the types that
    the route names; `path` holds the parameters as text; `caller` is for public calls.
    """

    principal: Principal
    body: Any
    query: Any
    path: Mapping[str, str]
    headers: Mapping[str, str]
    caller: Caller


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with another success status than the route's own, or with headers."""

    status: int
    body: Struct | None
    headers: tuple[Header, ...] = ()


Handler = Callable[[Actions, Call], Awaitable[Struct | Reply | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A call. `errors` are those of its own; `errors_of` adds what any call like it may answer."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    operation: str
    summary: str
    tag: Literal["accounts", "chats", "messages", "sync", "admin"]
    handler: Handler
    scope: Literal["public", "user", "key", "admin"] = "user"
    """Who may call it: everybody; users; nobody but server keys; admins and the operator."""
    key: Scope | None = None
    """What a server key must be for; where the call is a user's, it acts for one."""
    body: type[Struct] | None = None
    query: type[Struct] | None = None
    answer: type[Struct] | None = None
    status: int = 200
    also: Mapping[int, str] = field(default_factory=dict)
    """Other success statuses, with when they come."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Request headers that are read, with what for."""
    errors: tuple[Code, ...] = ()
    max_body: int | None = None
    """Bytes, where it is not the usual bound."""
    waits: bool = False
    """It may wait for news, and ends when its client hangs up. To be cancelled safely."""


def errors_of(route: Route) -> list[Code]:
    """Every code that this call may answer with, by status."""
    codes = {*route.errors, *ANY_CALL}
    if route.scope != "public":
        codes.add(Code.UNAUTHORIZED)
    if route.key is not None or route.scope == "admin":
        codes.add(Code.FORBIDDEN)
    if route.key is not None and route.scope == "user":
        codes |= {Code.NOT_FOUND, Code.INVALID}
    if route.body is not None:
        codes |= {Code.UNSUPPORTED_MEDIA_TYPE, Code.TOO_LARGE, Code.INVALID}
    if route.query is not None:
        codes.add(Code.INVALID)
    return sorted(codes, key=lambda code: (code.http_status, code.value))
