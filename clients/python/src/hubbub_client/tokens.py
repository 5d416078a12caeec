"""The session's tokens: kept, stored, renewed by one at a time (refresh tokens work once).

A host application's are not stored: the application has them.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from msgspec import Struct

from hubbub_client.api import sign_in
from hubbub_client.errors import SignedOut, Unreachable
from hubbub_client.hosted import TokenProvider, provided
from hubbub_client.storage import Storage, TokensSaved
from hubbub_client.transport import Transport
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.rest import Refresh, SignedIn
from hubbub_protocol.times import unix_ms

EARLY = 30.0  # seconds before its end from which a token is taken as expired

_FINAL = (Code.UNAUTHORIZED, Code.BAD_CREDENTIALS, Code.FORBIDDEN, Code.INVALID, Code.MALFORMED)


class Account(Struct, frozen=True):
    """Who is signed in, and for a host application where new tokens come from."""

    signed_in: SignedIn
    provider: TokenProvider | None = None


class Failed(Struct, frozen=True):
    """Why there is no new token."""

    signed_out: bool
    reason: str
    retry_after: float | None = None


Spawn = Callable[[Coroutine[Any, Any, SignedIn | Failed]], "asyncio.Task[SignedIn | Failed]"]


class Tokens:
    """The tokens of one session. `spawn` runs a renewal that its callers' ends do not cancel."""

    def __init__(
        self,
        account: Account,
        transport: Transport,
        storage: Storage,
        spawn: Spawn,
        unix: Callable[[], float],
    ) -> None:
        self._signed_in = account.signed_in
        self._provider = account.provider
        self._unix = unix
        self._clock_is_wrong = False
        self._transport = transport
        self._storage = storage
        self._spawn = spawn
        self._renewal: asyncio.Task[SignedIn | Failed] | None = None

    @property
    def signed_in(self) -> SignedIn:
        """The newest tokens."""
        return self._signed_in

    def access(self) -> str:
        """The access token; "" when it has ended, or is about to."""
        if self._clock_is_wrong or not self._has_ended():
            return self._signed_in.token
        return ""

    def _has_ended(self) -> bool:
        return self._unix() >= unix_ms(self._signed_in.expires_at) / 1000 - EARLY

    async def renew(self, stale: str) -> str:
        """An access token newer than `stale` ("": than the present one).

        Raises SignedOut, Unreachable. Safe to cancel: a renewal that has begun goes on, since
        its refresh token is used up.
        """
        if stale and stale != self._signed_in.token:
            return self._signed_in.token
        if self._renewal is None or self._renewal.done():
            self._renewal = self._spawn(self._fresh())
        outcome = await asyncio.shield(self._renewal)
        if isinstance(outcome, SignedIn):
            return outcome.token
        if outcome.signed_out:
            raise SignedOut(outcome.reason)
        raise Unreachable(outcome.reason, outcome.retry_after)

    async def settle(self, seconds: float) -> None:
        """Wait for a renewal that has begun, but not longer than this."""
        if self._renewal is not None:
            await asyncio.wait({self._renewal}, timeout=seconds)

    async def _fresh(self) -> SignedIn | Failed:
        try:
            if self._provider is not None:
                return await self._provide(self._provider)
            return await self._exchange()
        except Refused as refused:
            if refused.code not in _FINAL:
                return Failed(False, refused.message, refused.retry_after)
            reason = refused.message
        except SignedOut as gone:
            reason = str(gone)
        except Unreachable as error:
            return Failed(False, str(error), error.retry_after)
        # Before anybody hears of it, and the client is left.
        await self._storage.append([TokensSaved(None)], sync=True)
        return Failed(True, reason)

    async def _provide(self, provider: TokenProvider) -> SignedIn:
        """A host application's next token. Raises SignedOut when it is another user's."""
        fresh = await provided(provider, self._transport)
        if fresh.user.id != self._signed_in.user.id:
            raise SignedOut("another user has signed in")
        self._signed_in = fresh
        return fresh

    async def _exchange(self) -> SignedIn:
        refresh = Refresh(self._signed_in.refresh_token)
        fresh = await sign_in(self._transport, "refresh", refresh)
        # Stored before it is used: the old refresh token is worth nothing any more.
        await self._storage.append([TokensSaved(fresh)], sync=True)
        self._signed_in = fresh
        # A token that is old at birth: then only the server can tell.
        self._clock_is_wrong = self._has_ended()
        return fresh
