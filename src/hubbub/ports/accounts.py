"""What the inside needs of the world to know who somebody is; part of `hubbub.ports`."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from hubbub.domain.account import (
    Entered,
    Identity,
    Invite,
    ServerKey,
    Session,
    User,
    Visitor,
)
from hubbub.domain.attempt import Attempt
from hubbub.domain.provider import Profile, Provider


class Answered(Struct, frozen=True):
    """What came back from a provider; `back` is where to, `now` when (Unix ms).

    `issuer` is empty where it does not say it (RFC 9207).
    """

    code: str
    issuer: str
    back: str
    now: int


class Accounts(Protocol):
    """Users, sessions, invites. Each method is one atomic, durable step."""

    async def add_user(self, user: User, invite: bytes | None) -> str:
        """Store a user, using up the invite with this hash where one is given.

        Answers `ok`, `taken` (the user name is) or `invite` (no such invite any more); an
        invite marked `admin` makes the user an admin.
        """
        ...

    async def users(self, ids: Sequence[int], username: str | None = None) -> list[User]:
        """Those of the users that exist, by ids and/or by exact user name."""
        ...

    async def add_session(self, session: Session) -> list[int]:
        """Store a session; answers the ids of the sessions that it replaced (over 20)."""
        ...

    async def rotate(self, old: bytes, new: bytes, now: int, expires_at: int) -> Session | None:
        """Exchange a refresh token's hash for a new one.

        None: no live session has it. A hash that was already exchanged revokes its session
        (it was stolen, or the answer was lost: both ends must sign in again); the answer then
        is None too, and the session is among `revoked` from then on.
        """
        ...

    async def sessions(self, user_id: int, now: int) -> list[Session]:
        """Live sessions, most recently used first."""
        ...

    async def revoke(self, user_id: int, session_id: int, now: int) -> bool:
        """End a session of this user. False: he has none with this id."""
        ...

    async def revoked(self, since: int) -> list[int]:
        """Sessions revoked since then (Unix ms): what access tokens are checked against."""
        ...


class HostAccounts(Protocol):
    """Users and sessions that host applications vouch for. Repeating a write is safe."""

    async def enter(self, user: User, session: Session, issued_at: int) -> Entered:
        """The user of this name and the session of this name, stored where they are not yet.

        `session.user_id` is not looked at. A session that was ended lets nobody in whose token
        was issued by then (Unix ms); a later token begins another under its name.
        """
        ...

    async def put_users(self, users: Sequence[User]) -> list[User]:
        """Store those whose names are new, give the others this display name; as stored."""
        ...

    async def named(self, names: Sequence[str]) -> list[User]:
        """Those of the users that exist, by exact user name."""
        ...


class Identities(Protocol):
    """Whom identity providers know users as: by issuer and subject, never by a name or address.

    Repeating a write is safe.
    """

    async def recognise(
        self, identity: Identity, display_name: str, is_admin: bool | None
    ) -> User | None:
        """The user of this identity, who has this name from now on, and this right unless None."""
        ...

    async def enrol(self, identity: Identity, user: User) -> User | None:
        """Store a new user with this identity; None: the user name is taken.

        An identity that has a user already is answered with that one.
        """
        ...

    async def link(self, identity: Identity, user_id: int) -> bool:
        """Give a user this identity. False: it is another's."""
        ...

    async def unlink(self, identity: Identity, now: int) -> User | None:
        """Take the identity away and end all sessions of its user; None: nobody has it."""
        ...

    async def identities(self, user_id: int) -> list[Identity]:
        """By which identities this user signs in, by issuer and subject."""
        ...


class ServerKeys(Protocol):
    """Keys of host applications' backends, by name and by hash."""

    async def add_key(self, key: ServerKey) -> bool:
        """Store a key. False: another has its name."""
        ...

    async def key(self, key_hash: bytes) -> ServerKey | None:
        """The key with this hash."""
        ...

    async def keys(self) -> list[ServerKey]:
        """All keys, by name."""
        ...

    async def drop_key(self, name: str) -> bool:
        """Forget a key. False: there is none of this name."""
        ...


class Invites(Protocol):
    """Invite links."""

    async def add_invite(self, invite: Invite) -> None:
        """Store an invite."""
        ...

    async def has_users(self) -> bool:
        """Whether there is any user yet, registered or of a host application."""
        ...


class Passwords(Protocol):
    """Password hashing, off the event loop, a bounded number at once."""

    async def hash(self, password: str) -> str:
        """A PHC string. Raises Refused `overloaded` when too many wait."""
        ...

    async def verify(self, password: str, phc: str) -> bool:
        """Whether it is the password; takes as long when `phc` is empty. Raises as `hash`."""
        ...


class Tokens(Protocol):
    """Access tokens (JWT)."""

    def issue(self, user_id: int, session_id: int, now: int) -> tuple[str, int]:
        """A token and its end in Unix ms."""
        ...

    def verify(self, token: str, now: int) -> tuple[int, int, int]:
        """(user, session, end). Raises Refused `unauthorized`."""
        ...

    def is_operator(self, token: str, now: int) -> bool:
        """Whether it was made, a moment ago, by who can read this server's own secrets."""
        ...


class HostTokens(Protocol):
    """Access tokens of host applications."""

    def is_named(self, token: str) -> bool:
        """Whether the token says to be of one of them. Nothing is verified."""
        ...

    async def verify(self, token: str, now: int) -> Visitor:
        """Whom the token stands for; may wait some seconds for the host application's keys.

        Raises Refused `unauthorized`, or Unavailable while no keys could be had.
        """
        ...


class Providers(Protocol):
    """Identity providers, by the names that the operator gave them.

    What asks a provider may wait some seconds for it, and raises NotSignedIn.
    """

    @property
    def told(self) -> Mapping[str, Provider]:
        """How the operator describes them."""
        ...

    async def way_in(self, name: str, attempt: Attempt, back: str) -> str:
        """The address at which this attempt goes on; `back` is where it comes back to."""
        ...

    async def redeem(self, name: str, attempt: Attempt, answer: Answered) -> Profile:
        """Who signed in, where the provider's answer to this attempt is good."""
        ...

    def way_out(self, name: str, back: str) -> str | None:
        """The address at which people sign out of the provider, None where it has none."""
        ...
