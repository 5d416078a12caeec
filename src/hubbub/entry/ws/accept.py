"""Who may open a WebSocket: the origin, the version, a token that came with the handshake."""

from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

from hubbub.entry.ws.connection import Accepted, Connection, Refused, Upgrade
from hubbub.entry.ws.parts import SessionParts
from hubbub.entry.ws.session import Session
from hubbub_protocol.codec import MSGPACK, SUBPROTOCOLS


class SessionAcceptor:
    """An Acceptor of the edge. `origins`: those allowed besides the server's own; `*` for all."""

    def __init__(self, parts: SessionParts, origins: Sequence[str]) -> None:
        self._parts = parts
        self._origins = frozenset(o.lower().rstrip("/") for o in origins)

    def __call__(self, upgrade: Upgrade, connection: Connection) -> Accepted | Refused:
        """A token may stand in Authorization or in `token=`; else an auth frame is awaited."""
        if not self._may_come(upgrade):
            return Refused(
                403,
                b'{"type":"about:blank","title":"Forbidden","status":403,"code":"forbidden",'
                b'"detail":"This origin is not allowed; add it to server.origins."}',
                reason="origin",
            )
        subprotocol = next((p for p in upgrade.subprotocols if p in SUBPROTOCOLS), None)
        session = Session(
            self._parts, connection, binary=subprotocol == MSGPACK, simple=subprotocol is None
        )
        if (token := _token(upgrade)) is not None:
            session.authenticate(token)
        return Accepted(session, subprotocol)

    def _may_come(self, upgrade: Upgrade) -> bool:
        """Browsers name the page's origin; other clients name none."""
        if upgrade.origin is None or "*" in self._origins:
            return True
        origin = upgrade.origin.lower()
        return urlsplit(origin).netloc == upgrade.host.lower() or origin in self._origins


def _token(upgrade: Upgrade) -> str | None:
    if upgrade.authorization is not None:
        scheme, _, token = upgrade.authorization.partition(" ")
        if scheme.lower() == "bearer":
            return token.strip()
    tokens = parse_qs(upgrade.query).get("token") if "token=" in upgrade.query else None
    return tokens[0] if tokens else None
