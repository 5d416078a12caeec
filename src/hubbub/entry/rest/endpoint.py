"""From the table's rows to what answers at a path."""

import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from hubbub.actions import Actions, Refused
from hubbub.actions.server_keys import ACTING, is_server_key
from hubbub.domain.account import Caller, Principal
from hubbub.entry.rest.exchange import KEY, Exchange, Receive, Scope, Send
from hubbub.entry.rest.problems import answer_problem
from hubbub.entry.rest.table import Call, Reply, Route
from hubbub_protocol.codes import Code

NOBODY: Final = Principal(0, 0, 0)
_JSON_TYPE: Final = re.compile(r"application/json\s*(;|$)", re.IGNORECASE)
_encode = msgspec.json.Encoder().encode


class Operation:
    """One route, ready to answer: its decoders are made once."""

    __slots__ = ("_actions", "_decoder", "_limit", "_proxies", "route")

    def __init__(
        self, route: Route, actions: Actions, body_limit: int, proxies: frozenset[str]
    ) -> None:
        self.route = route
        self._actions = actions
        self._decoder = msgspec.json.Decoder(route.body) if route.body else None
        self._limit = route.max_body or body_limit
        self._proxies = proxies

    async def answer(self, exchange: Exchange) -> None:
        """Read, check, act, answer. Raises Refused, Unavailable, ClientGone."""
        route, public = self.route, self.route.scope == "public"
        call = Call(
            principal=NOBODY if public else await self._principal(exchange.headers),
            query=self._query(exchange.scope) if route.query else None,
            body=await self._body(exchange) if self._decoder else None,
            path=exchange.scope["path_params"],
            headers=exchange.headers,
            caller=self._caller(exchange) if public else _UNSEEN,
        )
        work = route.handler(self._actions, call)
        result = await (exchange.unless_gone(work) if route.waits else work)
        status = route.status
        if isinstance(result, Reply):
            status, exchange.extra = result.status, [*exchange.extra, *result.headers]
            result = result.body
        await exchange.answer(status, body=b"" if result is None else _encode(result))

    async def _principal(self, headers: dict[str, str]) -> Principal:
        """Who calls. A server key calls for itself, or as the user whom a header names."""
        token, route = bearer(headers), self.route
        if route.scope == "admin":
            await self._actions.admit(token)
            return NOBODY
        if not is_server_key(token):
            principal = await self._actions.authenticate(token)
            if route.scope == "key":
                raise Refused(Code.FORBIDDEN, "This call is for server keys, not for users.")
            return principal
        acting = headers.get(ACTING.lower()) if route.scope == "user" else None
        principal = await self._actions.authorize(token, route.key, acting)
        if route.scope == "user" and acting is None:
            raise Refused(
                Code.INVALID, f"Name the user for whom the key acts in the header {ACTING}."
            )
        return principal

    async def _body(self, exchange: Exchange) -> Any:
        assert self._decoder is not None
        if not _JSON_TYPE.match(exchange.headers.get("content-type", "")):
            raise Refused(
                Code.UNSUPPORTED_MEDIA_TYPE, "Send JSON, with Content-Type: application/json."
            )
        try:
            return self._decoder.decode(await exchange.body(self._limit))
        except msgspec.ValidationError as error:
            raise Refused(Code.INVALID, f"The body does not fit: {error}.") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Refused(Code.MALFORMED, f"The body cannot be read: {error}.") from None

    def _query(self, scope: Scope) -> Any:
        assert self.route.query is not None
        try:
            text = scope["query_string"].decode("ascii")
            values = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=100))
            return msgspec.convert(values, self.route.query, strict=False)
        except msgspec.ValidationError as error:
            raise Refused(Code.INVALID, f"The query does not fit: {error}.") from None
        except ValueError:
            raise Refused(Code.INVALID, "The query cannot be read.") from None

    def _caller(self, exchange: Exchange) -> Caller:
        return Caller(
            caller_address(exchange.scope, exchange.headers, self._proxies),
            exchange.headers.get("user-agent", ""),
        )


_UNSEEN: Final = Caller("", "")


class PathEndpoint:
    """All operations of one path, as an ASGI application; other methods are 405."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._operations = {operation.route.method: operation for operation in operations}
        self._allow = ", ".join(self._operations)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the method."""
        exchange: Exchange = scope[KEY]
        method = scope["method"]
        operation = self._operations.get("GET" if method == "HEAD" else method)
        if operation is None:
            refused = Refused(Code.METHOD_NOT_ALLOWED, f"This path takes {self._allow}.")
            await answer_problem(exchange, refused, [(b"allow", self._allow.encode())])
            return
        exchange.operation = operation.route.operation
        await operation.answer(exchange)


def bearer(headers: dict[str, str]) -> str:
    """The access token of a request. Raises Refused `unauthorized`."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(
            Code.UNAUTHORIZED, "Sign in, and send the header Authorization: Bearer <token>."
        )
    return token.strip()


def caller_address(scope: Scope, headers: dict[str, str], proxies: frozenset[str]) -> str:
    """Where the request comes from: the peer, or whom a trusted proxy names last."""
    client = scope.get("client")
    address: str = client[0] if client else ""
    if address in proxies:
        for named in reversed(headers.get("x-forwarded-for", "").split(",")):
            if named.strip() and named.strip() not in proxies:
                return named.strip()
    return address
