"""What an identity provider says of itself (OpenID Connect Discovery), with its keys."""

from collections.abc import Sequence
from typing import Final

import aiohttp
import msgspec
from msgspec import Struct

from hubbub.adapters.issuers.followed import Pace, Unfetched, fetch, visiting
from hubbub.adapters.issuers.jwks import key_set
from hubbub.adapters.issuers.keys import Key
from hubbub.domain.issuer import is_safe

WELL_KNOWN: Final = "/.well-known/openid-configuration"


class Metadata(Struct, frozen=True):
    """The part that is needed here; names are those of the specification."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] | None = None
    code_challenge_methods_supported: tuple[str, ...] | None = None
    authorization_response_iss_parameter_supported: bool = False


class Published(Struct, frozen=True):
    """A provider as it is now."""

    metadata: Metadata
    keys: Sequence[Key]


_ENDPOINTS: Final = [n for n in Metadata.__struct_fields__ if n.endswith(("_endpoint", "_uri"))]
_read = msgspec.json.Decoder(Metadata).decode


async def discover(http: aiohttp.ClientSession, issuer: str) -> Published:
    """The provider of this address. Raises Unfetched, which says what is wrong with it."""
    document = await fetch(http, issuer.rstrip("/") + WELL_KNOWN)
    try:
        metadata = _read(document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unfetched("the answer is no OpenID Connect discovery document") from None
    if metadata.issuer != issuer:
        raise Unfetched(f"it says that its issuer is {metadata.issuer[:200]!r}, not {issuer!r}")
    for name in _ENDPOINTS:
        url = getattr(metadata, name)
        if url is not None and not _follows(issuer, url):
            raise Unfetched(f"its {name} is no https:// address")
    return Published(metadata, await key_set(http, metadata.jwks_uri))


def _follows(issuer: str, url: str) -> bool:
    """Whether an address is as safe from those on the way as the issuer's own."""
    return is_safe(url) and (url.startswith("https:") or issuer.startswith("http:"))


async def probe(issuer: str) -> Published:
    """The provider of this address, asked once. Raises Unfetched."""
    async with visiting(Pace()) as http:
        return await discover(http, issuer)
