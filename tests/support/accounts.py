"""Accounts put together for tests: a clock that is turned by hand, and every verb on a store."""

from collections.abc import Sequence
from dataclasses import dataclass

import apsw

from hubbub.actions.authenticate import Authenticate
from hubbub.actions.create_invite import CreateInvite
from hubbub.actions.directory import Directory
from hubbub.actions.grant import Grant
from hubbub.actions.login import Login
from hubbub.actions.refresh import Refresh
from hubbub.actions.register import Register
from hubbub.actions.sessions import ListSessions, RevokeSession
from hubbub.actions.throttle import Throttle
from hubbub.actions.users import Users
from hubbub.adapters.local.tokens import JwtTokens
from hubbub.adapters.memory.accounts import MemoryAccounts
from hubbub.adapters.memory.relations import MemoryRelations
from hubbub.adapters.memory.state import State
from hubbub.adapters.sqlite.accounts import SqliteAccounts
from hubbub.adapters.sqlite.identities import SqliteIdentities
from hubbub.adapters.sqlite.keys import SqliteKeys
from hubbub.domain.account import Caller, Entered, Identity, Invite, ServerKey, Session, User
from hubbub.domain.relation import Relation
from hubbub.domain.revocation import Revocations
from hubbub_protocol.ids import IdMaker

START = 1_790_000_000_000
MINUTE = 60_000
DAY = 24 * 60 * MINUTE
TOKEN_MINUTES = 15
REFRESH_DAYS = 30


class HandClock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.ms = START

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000


class NobodyHere:
    """A server without connections."""

    async def states(self, relations: Sequence[Relation]) -> list[tuple[bool, int]]:
        return [(False, relation.last_seen_at) for relation in relations]


class AsyncSqliteAccounts:
    """The synchronous adapter behind the ports' asynchronous methods."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.sync = SqliteAccounts(connection)
        self.sync_keys = SqliteKeys(connection)
        self.sync_identities = SqliteIdentities(connection)

    async def add_user(self, user: User, invite: bytes | None) -> str:
        return self.sync.add_user(user, invite)

    async def users(self, ids: Sequence[int], username: str | None = None) -> list[User]:
        return self.sync.users(ids, username)

    async def add_session(self, session: Session) -> list[int]:
        return self.sync.add_session(session)

    async def rotate(self, old: bytes, new: bytes, now: int, expires_at: int) -> Session | None:
        return self.sync.rotate(old, new, now, expires_at)

    async def sessions(self, user_id: int, now: int) -> list[Session]:
        return self.sync.sessions(user_id, now)

    async def revoke(self, user_id: int, session_id: int, now: int) -> bool:
        return self.sync.revoke(user_id, session_id, now)

    async def revoked(self, since: int) -> list[int]:
        return self.sync.revoked(since)

    async def add_invite(self, invite: Invite) -> None:
        self.sync.add_invite(invite)

    async def has_users(self) -> bool:
        return self.sync.has_users()

    async def enter(self, user: User, session: Session, issued_at: int) -> Entered:
        return self.sync.enter(user, session, issued_at)

    async def put_users(self, users: Sequence[User]) -> list[User]:
        return self.sync.put_users(users)

    async def named(self, names: Sequence[str]) -> list[User]:
        return self.sync.named(names)

    async def recognise(
        self, identity: Identity, display_name: str, is_admin: bool | None
    ) -> User | None:
        return self.sync_identities.recognise(identity, display_name, is_admin)

    async def enrol(self, identity: Identity, user: User) -> User | None:
        return self.sync_identities.enrol(identity, user)

    async def link(self, identity: Identity, user_id: int) -> bool:
        return self.sync_identities.link(identity, user_id)

    async def unlink(self, identity: Identity, now: int) -> User | None:
        return self.sync_identities.unlink(identity, now)

    async def identities(self, user_id: int) -> list[Identity]:
        return self.sync_identities.identities(user_id)

    async def add_key(self, key: ServerKey) -> bool:
        return self.sync_keys.add_key(key)

    async def key(self, key_hash: bytes) -> ServerKey | None:
        return self.sync_keys.key(key_hash)

    async def keys(self) -> list[ServerKey]:
        return self.sync_keys.keys()

    async def drop_key(self, name: str) -> bool:
        return self.sync_keys.drop_key(name)


class PlainPasswords:
    """Passwords without the work; remembers what it was asked to verify against."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def hash(self, password: str) -> str:
        return f"plain:{password}"

    async def verify(self, password: str, phc: str) -> bool:
        self.asked.append(phc)
        return phc == f"plain:{password}"


@dataclass
class Rig:
    """Every verb of accounts, on one store."""

    clock: HandClock
    accounts: MemoryAccounts
    passwords: PlainPasswords
    tokens: JwtTokens
    revocations: Revocations
    authenticate: Authenticate
    register: Register
    login: Login
    refresh: Refresh
    users: Users
    sessions: ListSessions
    revoke: RevokeSession
    invite: CreateInvite


def rig(mode: str = "open", per_minute: float = 0) -> Rig:
    clock, accounts, passwords = HandClock(), MemoryAccounts(), PlainPasswords()
    ids = IdMaker(1, clock.now_ms)
    tokens = JwtTokens(b"k" * 32, TOKEN_MINUTES)
    revocations = Revocations(TOKEN_MINUTES * MINUTE)
    grant = Grant(accounts, tokens, revocations, ids, clock, REFRESH_DAYS)

    def throttle() -> Throttle:
        return Throttle("test", clock, per_minute, per_minute)

    return Rig(
        clock,
        accounts,
        passwords,
        tokens,
        revocations,
        Authenticate(tokens, None, revocations, clock),
        Register(accounts, accounts, passwords, ids, grant, throttle(), mode),
        Login(accounts, passwords, grant, throttle(), throttle()),
        Refresh(grant),
        Users(accounts, Directory(accounts, accounts), MemoryRelations(State()), NobodyHere()),
        ListSessions(accounts, clock),
        RevokeSession(accounts, revocations, clock),
        CreateInvite(accounts, accounts, clock, mode, lambda: "http://localhost:8080"),
    )


CALLER = Caller("192.0.2.1", "Test/1.0")
