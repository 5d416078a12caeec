"""Who may read /metrics: how busy a server is concerns those who run it."""

import hmac
import ipaddress
from dataclasses import dataclass

from hubbub.actions import Refused
from hubbub.entry.rest.endpoint import caller_address
from hubbub.entry.rest.exchange import Exchange
from hubbub_protocol.codes import Code

PASSED_ON = ("x-forwarded-for", "forwarded")
"""Headers by which a proxy says that it asks for somebody else."""


@dataclass(frozen=True, slots=True)
class Readers:
    """Everybody if `public`; else this machine and its private network, and who has the `token`.

    A proxy that is not among the trusted `proxies` asks for nobody knows whom.
    """

    public: bool = False
    token: str = ""
    proxies: tuple[str, ...] = ()

    def check(self, exchange: Exchange) -> None:
        """Raises Refused `forbidden`."""
        if not (self.public or self._has_token(exchange) or self._is_near(exchange)):
            raise Refused(
                Code.FORBIDDEN,
                "Ask from the server's own network, or with server.metrics_token as bearer token.",
            )

    def _has_token(self, exchange: Exchange) -> bool:
        scheme, _, given = exchange.headers.get("authorization", "").partition(" ")
        same = hmac.compare_digest(given.strip().encode(), self.token.encode())
        return bool(self.token) and scheme.lower() == "bearer" and same

    def _is_near(self, exchange: Exchange) -> bool:
        peer = (exchange.scope.get("client") or ("",))[0]
        if peer not in self.proxies and any(name in exchange.headers for name in PASSED_ON):
            return False
        try:
            asking = caller_address(exchange.scope, exchange.headers, frozenset(self.proxies))
            address = ipaddress.ip_address(asking)
        except ValueError:
            return False
        return (getattr(address, "ipv4_mapped", None) or address).is_private
