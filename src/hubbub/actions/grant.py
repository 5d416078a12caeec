"""Opening a session and handing out its tokens: what registering, login and refresh share."""

import secrets
from typing import Final

from hubbub.actions.again import again
from hubbub.actions.people import shown
from hubbub.domain.account import Caller, Session, User
from hubbub.domain.credentials import secret_hash
from hubbub.domain.revocation import Revocations
from hubbub.ports import Accounts, Clock, Tokens
from hubbub_protocol import ids, rest
from hubbub_protocol.ids import IdMaker
from hubbub_protocol.times import rfc3339

DAY_MS: Final = 24 * 3600 * 1000
DEVICE_LENGTH: Final = 120


def new_secret() -> str:
    """256 random bits as text: a refresh token."""
    return secrets.token_urlsafe(32)


class Grant:
    """Makes sessions and their tokens. `refresh_days`: how long a session lives unused."""

    def __init__(
        self,
        accounts: Accounts,
        tokens: Tokens,
        revocations: Revocations,
        ids: IdMaker,
        clock: Clock,
        refresh_days: float,
    ) -> None:
        self._accounts = accounts
        self._tokens = tokens
        self._revocations = revocations
        self._ids = ids
        self.clock = clock
        self._life_ms = int(refresh_days * DAY_MS)

    async def open(self, user: User, caller: Caller) -> rest.SignedIn:
        """A new session of this user; the least recently used of 20 ends for it."""
        refresh_token = new_secret()
        session = await self._begin(user, caller, refresh_token, self._life_ms)
        return self.signed_in(user, session.id, refresh_token, session.created_at)

    async def reserve(self, user: User, caller: Caller, ticket: str, life_ms: int) -> None:
        """A new session that `renew` opens with this ticket, and that ends unless it does soon."""
        await self._begin(user, caller, ticket, life_ms)

    async def _begin(self, user: User, caller: Caller, secret: str, life_ms: int) -> Session:
        now = self.clock.now_ms()
        session = Session(
            id=self._ids.make(),
            user_id=user.id,
            refresh_hash=secret_hash(secret),
            device=caller.device[:DEVICE_LENGTH],
            created_at=now,
            last_used_at=now,
            expires_at=now + life_ms,
        )
        replaced = await again(lambda: self._accounts.add_session(session))
        self._revocations.add(replaced, now)
        return session

    async def renew(self, refresh_token: str) -> rest.SignedIn | None:
        """New tokens for an old refresh token; None where it is not good (any more)."""
        now = self.clock.now_ms()
        fresh = new_secret()
        old, new = secret_hash(refresh_token), secret_hash(fresh)
        session = await again(lambda: self._accounts.rotate(old, new, now, now + self._life_ms))
        if session is None:
            # If it had been used before, the store has just ended its session.
            self._revocations.add(await self._accounts.revoked(now), now)
            return None
        users = await self._accounts.users([session.user_id])
        return self.signed_in(users[0], session.id, fresh, now) if users else None

    def signed_in(self, user: User, session_id: int, refresh_token: str, now: int) -> rest.SignedIn:
        """The answer with both tokens."""
        token, end = self._tokens.issue(user.id, session_id, now)
        return rest.SignedIn(
            user=shown(user),
            session_id=ids.text("session", session_id),
            token=token,
            expires_at=rfc3339(end),
            refresh_token=refresh_token,
        )
