"""The session's tokens: kept, stored, renewed by one at a time (refresh tokens work once)."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from msgspec import Struct

from hubbub_client.api import sign_in
from hubbub_client.errors import SignedOut, Unreachable
from hubbub_client.storage import Storage, TokensSaved
from hubbub_client.transport import Transport
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.rest import Refresh, SignedIn
from hubbub_protocol.times import unix_ms

EARLY = 30.0  # seconds before its end from which a token is taken as expired

_FINAL = (Code.UNAUTHORIZED, Code.BAD_CREDENTIALS, Code.FORBIDDEN, Code.INVALID, Code.MALFORMED)


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
        signed_in: SignedIn,
        transport: Transport,
        storage: Storage,
        spawn: Spawn,
        unix: Callable[[], float],
    ) -> None:
        self._signed_in = signed_in
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
            self._renewal = self._spawn(self._exchange())
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

    async def _exchange(self) -> SignedIn | Failed:
        refresh = Refresh(self._signed_in.refresh_token)
        try:
            fresh = await sign_in(self._transport, "refresh", refresh)
        except Refused as refused:
            if refused.code in _FINAL:  # before anybody hears of it, and the client is left
                await self._storage.append([TokensSaved(None)], sync=True)
            return Failed(refused.code in _FINAL, refused.message, refused.retry_after)
        except Unreachable as error:
            return Failed(False, str(error), error.retry_after)
        # Stored before it is used: the old refresh token is worth nothing any more.
        await self._storage.append([TokensSaved(fresh)], sync=True)
        self._signed_in = fresh
        # A token that is old at birth: then only the server can tell.
        self._clock_is_wrong = self._has_ended()
        return fresh
