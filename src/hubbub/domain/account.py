"""Accounts: users, their sessions, invites."""

from typing import Final, Literal

from msgspec import Struct

MAX_SESSIONS = 20
Scope = Literal["users:write", "chats:write", "messages:write"]
"""What a server key may be for."""
SCOPES: Final[tuple[Scope, ...]] = ("users:write", "chats:write", "messages:write")


class User(Struct, frozen=True, array_like=True):
    """A person or bot. `password_hash` is a PHC string, empty for who has no password.

    The `username` of a host application's user is their `ext:` name, which nobody can register.
    """

    id: int
    username: str
    display_name: str
    password_hash: str
    is_admin: bool
    created_at: int


class Session(Struct, frozen=True, array_like=True):
    """One sign-in. `refresh_hash` is the SHA-256 of the one refresh token that works now.

    Of a host application's session it is the name (`credentials.session_name`): there is no
    refresh token, the host application gives new tokens.
    """

    id: int
    user_id: int
    refresh_hash: bytes
    device: str
    created_at: int
    last_used_at: int
    expires_at: int


class Principal(Struct, frozen=True):
    """Who is asking: a user by one of his sessions, until the token's end (Unix ms).

    `host`: the token is a host application's. session_id 0: a server key acts for the user.
    """

    user_id: int
    session_id: int
    expires_at: int
    host: bool = False


class Visitor(Struct, frozen=True):
    """What a good token of a host application says. Times are Unix ms.

    `name` is the user's `ext:` name, `session` names the session (`credentials.session_name`),
    `device` is how the list of sessions shows it.
    """

    name: str
    display_name: str
    session: bytes
    device: str
    issued_at: int
    expires_at: int


class Entered(Struct, frozen=True, array_like=True):
    """Who came in by a host application's token, and the sessions that ended for it.

    session_id 0: the session was ended after the token was issued.
    """

    user_id: int
    session_id: int
    replaced: list[int]


class Identity(Struct, frozen=True, array_like=True):
    """Whom an identity provider means: `subject` is a name that the issuer never gives again."""

    issuer: str
    subject: str


class ServerKey(Struct, frozen=True, array_like=True):
    """A host application's backend, by name. `hint` is how its key begins; `created_at` Unix ms."""

    name: str
    key_hash: bytes
    hint: str
    scopes: tuple[Scope, ...]
    created_at: int


class Invite(Struct, frozen=True, array_like=True):
    """Lets somebody register until `expires_at`, `uses` times. `admin`: the first start's link."""

    code_hash: bytes
    created_by: int
    expires_at: int
    uses: int
    admin: bool


class Caller(Struct, frozen=True):
    """Who is signing in, before there is a principal: his address, and what he calls himself."""

    address: str
    device: str
