"""Signing in with a host application's tokens, which an application's function provides."""

from collections.abc import Awaitable, Callable
from typing import Final

from hubbub_client.api import decode, path
from hubbub_client.errors import HubbubError, Unreachable
from hubbub_client.transport import Transport
from hubbub_protocol import rest

TokenProvider = Callable[[], Awaitable[str]]
"""Gets a fresh access token from the host application. It is asked before connecting, and again
when a token ends. Raises SignedOut where there is none for good; after anything else that it
raises it is asked again, with backoff."""

NO_END: Final = "9999-12-31T23:59:59.000Z"
"""The server says when such a token ends."""


async def provided(provider: TokenProvider, transport: Transport) -> rest.SignedIn:
    """A fresh token, and whose it is. There is no refresh token with it.

    Raises Refused where the server does not take it, SignedOut as the provider does, Unreachable.
    """
    try:
        token = await provider()
    except HubbubError:
        raise
    except Exception as error:
        raise Unreachable(f"no token could be had: {type(error).__name__}") from error
    user = decode(await transport.request("GET", path("me"), token, None), rest.User)
    return rest.SignedIn(user, "", token, NO_END, "")
