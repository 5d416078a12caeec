"""The ASGI application of everything that is not a WebSocket: API, documents, page, health."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import msgspec
from starlette.routing import BaseRoute, Route, Router

from hubbub.actions import Actions, Refused, Unavailable
from hubbub.entry.rest.cors import Cors
from hubbub.entry.rest.endpoint import Operation, PathEndpoint
from hubbub.entry.rest.exchange import (
    KEY,
    NO_STORE,
    ClientGone,
    Exchange,
    Receive,
    Scope,
    Send,
)
from hubbub.entry.rest.openapi import openapi
from hubbub.entry.rest.problems import answer_problem, internal, not_found, unavailable
from hubbub.entry.rest.readers import Readers
from hubbub.entry.rest.routes import ROUTES
from hubbub.entry.rest.static import Asset, answer_asset, load_assets
from hubbub.entry.rest.table import PREFIX
from hubbub_protocol.codes import Code

METRICS_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"
DOCS: Final = Path(__file__).parent / "docs"


class Watch(Protocol):
    """Who counts and logs. It is told nothing of what was said: no path, query or body."""

    def answered(self, operation: str, status: int, seconds: float, request_id: str) -> None:
        """An answer was sent; status 0: the client had hung up."""
        ...

    def failed(self, operation: str, request_id: str, error: BaseException) -> None:
        """A fault of ours. The error's own text may hold what a user wrote: do not log it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the application needs beside the actions.

    `page`: the folder of the chat page. `body_limit`: bytes of a usual body. `origins`: see
    Cors. `trusted_proxies`: addresses whose X-Forwarded-For counts. `metrics`: the exposition
    in Prometheus' text format, for its `readers`. `unready`: why no traffic should come now, None
    when it may. `about`: what else /readyz says of the process.
    """

    watch: Watch
    metrics: Callable[[], bytes]
    unready: Callable[[], str | None]
    page: Path | None = None
    about: Callable[[], Mapping[str, object]] = dict
    body_limit: int = 64 * 1024
    origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    readers: Readers = field(default_factory=Readers)


class RestApp:
    """The application. One exchange a request; every error becomes a problem document here.

    `actions` None: health and figures alone, of a process that serves nobody.
    """

    def __init__(self, actions: Actions | None, around: Surroundings) -> None:
        self._around = around
        self._cors = Cors(around.origins)
        self._document = b""
        routes = [*self._health()]
        if actions is not None:
            routes += [*_api(actions, around), *self._documents()]
        self._router = Router(routes, redirect_slashes=False, default=_nothing_here)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Cancelling is as safe as its action says."""
        if scope["type"] != "http":
            await self._router(scope, receive, send)
            return
        began = time.perf_counter()
        exchange = scope[KEY] = Exchange(scope, receive, send)
        exchange.extra += self._cors.headers(exchange)
        try:
            if self._cors.is_preflight(exchange):
                await self._cors.answer_preflight(exchange)
            else:
                await self._router(scope, receive, send)
        except Refused as refused:
            await answer_problem(exchange, refused)
        except Unavailable:
            await answer_problem(exchange, unavailable())
        except ClientGone:
            pass
        except Exception as error:
            self._around.watch.failed(exchange.operation, exchange.request_id, error)
            if exchange.status:
                raise  # the answer has begun: only cutting it off tells that it is not whole
            await answer_problem(exchange, internal())
        finally:
            seconds = time.perf_counter() - began
            self._around.watch.answered(
                exchange.operation, exchange.status, seconds, exchange.request_id
            )

    def _health(self) -> Iterable[BaseRoute]:
        yield Route("/healthz", _Get("healthz", _healthy))
        yield Route("/readyz", _Get("readyz", self._ready))
        yield Route("/metrics", _Get("metrics", self._metrics))

    def _documents(self) -> Iterable[BaseRoute]:
        page = load_assets(self._around.page) if self._around.page else {}
        yield Route(f"{PREFIX}/openapi.json", _Get("openapi", self._openapi))
        yield from _assets("docs", "/docs", "/docs/", load_assets(DOCS))
        yield from _assets("page", "/", "/static/", page)

    async def _ready(self, exchange: Exchange) -> None:
        reason = self._around.unready()
        if reason is not None:
            raise Refused(Code.UNAVAILABLE, reason, 1.0)
        said = msgspec.json.encode({"status": "ok", **self._around.about()})
        await exchange.answer(200, body=said, headers=(NO_STORE,))

    async def _metrics(self, exchange: Exchange) -> None:
        self._around.readers.check(exchange)
        await exchange.answer(200, METRICS_TYPE, self._around.metrics())

    async def _openapi(self, exchange: Exchange) -> None:
        self._document = self._document or msgspec.json.encode(openapi())
        await exchange.answer(200, body=self._document)


async def _healthy(exchange: Exchange) -> None:
    await exchange.answer(200, body=b'{"status":"ok"}', headers=(NO_STORE,))


def _api(actions: Actions, around: Surroundings) -> Iterable[BaseRoute]:
    proxies = frozenset(around.trusted_proxies)
    by_path: dict[str, list[Operation]] = {}
    for route in ROUTES:
        operation = Operation(route, actions, around.body_limit, proxies)
        by_path.setdefault(route.path, []).append(operation)
    for path, operations in by_path.items():
        yield Route(PREFIX + path, PathEndpoint(operations))


def _assets(name: str, path: str, below: str, assets: dict[str, Asset]) -> Iterable[BaseRoute]:
    def sender(asset: Asset) -> "_Get":
        return _Get(name, lambda exchange: answer_asset(exchange, asset))

    for file, asset in assets.items():
        yield Route(below + file, sender(asset))
        if file == "index.html":
            yield Route(path, sender(asset))


class _Get:
    """Something that can only be read, as an ASGI application."""

    def __init__(self, operation: str, answer: Callable[[Exchange], object]) -> None:
        self._operation = operation
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange: Exchange = scope[KEY]
        exchange.operation = self._operation
        if scope["method"] not in ("GET", "HEAD"):
            refused = Refused(Code.METHOD_NOT_ALLOWED, "This can only be read: GET.")
            await answer_problem(exchange, refused, [(b"allow", b"GET, HEAD")])
        else:
            await self._answer(exchange)  # type: ignore[misc]


async def _nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    await answer_problem(scope[KEY], not_found())
