"""Pages of other origins that may call this server from a browser (Fetch, CORS protocol)."""

from typing import Final

from hubbub.entry.rest.exchange import Exchange, Header

METHODS: Final = b"GET, POST, PUT, PATCH, DELETE"
HEADERS: Final = b"authorization, content-type, idempotency-key, x-request-id"
EXPOSED: Final = b"x-request-id, retry-after"
MAX_AGE: Final = b"600"


class Cors:
    """`origins` that may, as browsers write them; "*" for all. Calls carry tokens, not cookies,
    so nothing is allowed that a stranger's page could do in the user's name.
    """

    def __init__(self, origins: tuple[str, ...]) -> None:
        self._all = "*" in origins
        self._origins = frozenset(origin.rstrip("/").lower() for origin in origins)

    def headers(self, exchange: Exchange) -> list[Header]:
        """What an answer to this request carries."""
        origin = exchange.headers.get("origin", "")
        if not self._origins:
            return []
        vary: Header = (b"vary", b"Origin")
        if not origin or not (self._all or origin.lower() in self._origins):
            return [vary]
        return [
            vary,
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-expose-headers", EXPOSED),
        ]

    def is_preflight(self, exchange: Exchange) -> bool:
        """Whether a browser asks if it may ask, and it may."""
        return (
            exchange.scope["method"] == "OPTIONS"
            and "access-control-request-method" in exchange.headers
            and len(exchange.extra) > 1
        )

    async def answer_preflight(self, exchange: Exchange) -> None:
        """Yes, for these methods and headers."""
        exchange.operation = "preflight"
        exchange.extra += [
            (b"access-control-allow-methods", METHODS),
            (b"access-control-allow-headers", HEADERS),
            (b"access-control-max-age", MAX_AGE),
        ]
        await exchange.answer(204)
