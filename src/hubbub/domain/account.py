"""Accounts: users, their sessions, invites."""

from msgspec import Struct

MAX_SESSIONS = 20


class User(Struct, frozen=True, array_like=True):
    """A person or bot. `password_hash` is a PHC string, empty for who has no password."""

    id: int
    username: str
    display_name: str
    password_hash: str
    is_admin: bool
    created_at: int


class Session(Struct, frozen=True, array_like=True):
    """One sign-in. `refresh_hash` is the SHA-256 of the one refresh token that works now."""

    id: int
    user_id: int
    refresh_hash: bytes
    device: str
    created_at: int
    last_used_at: int
    expires_at: int


class Principal(Struct, frozen=True):
    """Who is asking: a user by one of his sessions, until the token's end (Unix ms)."""

    user_id: int
    session_id: int
    expires_at: int


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
