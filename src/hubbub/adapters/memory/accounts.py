"""Users, sessions and invites in dictionaries."""

from collections.abc import Sequence

from msgspec.structs import replace

from hubbub.domain.account import (
    MAX_SESSIONS,
    Entered,
    Identity,
    Invite,
    ServerKey,
    Session,
    User,
)


class MemoryAccounts:
    """`Accounts`, `HostAccounts`, `Identities`, `ServerKeys`, `Invites`.

    For one process's lifetime. Repeated writes are done once.
    """

    def __init__(self) -> None:
        self._users: dict[int, User] = {}
        self._by_name: dict[str, User] = {}
        self._sessions: dict[int, Session] = {}
        self._revoked: dict[int, int] = {}  # when, by session
        self._spent: dict[bytes, int] = {}  # session, by hash
        self._invites: dict[bytes, Invite] = {}
        self._valid_from: dict[bytes, int] = {}  # by a host application's session name
        self._keys: dict[str, ServerKey] = {}
        self._identities: dict[Identity, int] = {}  # user

    async def add_user(self, user: User, invite: bytes | None) -> str:
        """`Accounts.add_user`."""
        if user.username in self._by_name:
            return "ok" if self._by_name[user.username].id == user.id else "taken"
        if invite is not None:
            found = self._invites.get(invite)
            if found is None or found.uses <= 0 or found.expires_at <= user.created_at:
                return "invite"
            self._invites[invite] = replace(found, uses=found.uses - 1)
            if found.admin:
                user = replace(user, is_admin=True)
                self._invites = {k: v for k, v in self._invites.items() if not v.admin}
        self._users[user.id] = self._by_name[user.username] = user
        return "ok"

    async def users(self, ids: Sequence[int], username: str | None = None) -> list[User]:
        """`Accounts.users`."""
        found = {id_: self._users[id_] for id_ in ids if id_ in self._users}
        if username in self._by_name:
            user = self._by_name[username]
            found[user.id] = user
        return list(found.values())

    async def add_session(self, session: Session) -> list[int]:
        """`Accounts.add_session`."""
        if session.id in self._sessions:
            return [
                id_
                for id_, when in self._revoked.items()
                if when == session.created_at and self._sessions[id_].user_id == session.user_id
            ]
        live = await self.sessions(session.user_id, session.created_at)
        replaced = [each.id for each in live[MAX_SESSIONS - 1 :]]
        for session_id in replaced:
            self._revoked[session_id] = session.created_at
        self._sessions[session.id] = session
        return replaced

    async def rotate(self, old: bytes, new: bytes, now: int, expires_at: int) -> Session | None:
        """`Accounts.rotate`."""
        for session in self._sessions.values():
            if session.refresh_hash == old and self._lives(session, now):
                used = max(now, session.last_used_at)
                changed = replace(
                    session, refresh_hash=new, last_used_at=used, expires_at=expires_at
                )
                self._sessions[session.id] = changed
                self._spent[old] = session.id
                return changed
        if old in self._spent:
            session = self._sessions[self._spent[old]]
            if session.refresh_hash == new and session.id not in self._revoked:
                return session
            self._revoked.setdefault(self._spent[old], now)
        return None

    async def sessions(self, user_id: int, now: int) -> list[Session]:
        """`Accounts.sessions`."""
        live = [s for s in self._sessions.values() if s.user_id == user_id and self._lives(s, now)]
        return sorted(live, key=lambda s: (s.last_used_at, s.id), reverse=True)

    def _lives(self, session: Session, now: int) -> bool:
        return session.id not in self._revoked and session.expires_at > now

    async def revoke(self, user_id: int, session_id: int, now: int) -> bool:
        """`Accounts.revoke`."""
        session = self._sessions.get(session_id)
        if session is None or session.user_id != user_id:
            return False
        if self._lives(session, now):
            self._revoked[session_id] = now
        return self._revoked.get(session_id) == now

    async def revoked(self, since: int) -> list[int]:
        """`Accounts.revoked`."""
        return [session_id for session_id, when in self._revoked.items() if when >= since]

    async def add_invite(self, invite: Invite) -> None:
        """`Invites.add_invite`."""
        self._invites[invite.code_hash] = invite

    async def has_users(self) -> bool:
        """`Invites.has_users`."""
        return bool(self._users)

    # ── of host applications ──

    async def put_users(self, users: Sequence[User]) -> list[User]:
        """`HostAccounts.put_users`."""
        return [self._put(user) for user in users]

    def _put(self, user: User) -> User:
        stored = self._by_name.get(user.username)
        if stored is not None:
            user = replace(stored, display_name=user.display_name)
        self._users[user.id] = self._by_name[user.username] = user
        return user

    async def named(self, names: Sequence[str]) -> list[User]:
        """`HostAccounts.named`."""
        return [self._by_name[name] for name in dict.fromkeys(names) if name in self._by_name]

    async def enter(self, user: User, session: Session, issued_at: int) -> Entered:
        """`HostAccounts.enter`."""
        user = self._by_name.get(user.username) or self._put(user)
        session = replace(session, user_id=user.id)
        now, name = session.created_at, session.refresh_hash
        there = next((s for s in self._sessions.values() if s.refresh_hash == name), None)
        if there is not None and there.id in self._revoked:
            self._valid_from[name] = self._revoked[there.id]
        if issued_at <= self._valid_from.get(name, -1):
            return Entered(user.id, 0, [])
        if there is not None and self._lives(there, now):
            self._sessions[there.id] = replace(
                there, last_used_at=max(now, there.last_used_at), expires_at=session.expires_at
            )
            known = there.id == session.id
            return Entered(user.id, there.id, await self.add_session(session) if known else [])
        if there is not None:
            self._sessions[there.id] = replace(there, refresh_hash=b"")
        return Entered(user.id, session.id, await self.add_session(session))

    # ── of identity providers ──

    async def recognise(
        self, identity: Identity, display_name: str, is_admin: bool | None
    ) -> User | None:
        """`Identities.recognise`."""
        user = self._users.get(self._identities.get(identity, 0))
        if user is None:
            return None
        admin = user.is_admin if is_admin is None else is_admin
        user = replace(user, display_name=display_name, is_admin=admin)
        self._users[user.id] = self._by_name[user.username] = user
        return user

    async def enrol(self, identity: Identity, user: User) -> User | None:
        """`Identities.enrol`."""
        if identity in self._identities:
            return self._users[self._identities[identity]]
        if user.username in self._by_name:
            return None
        self._identities[identity] = user.id
        return self._put(user)

    async def link(self, identity: Identity, user_id: int) -> bool:
        """`Identities.link`."""
        return self._identities.setdefault(identity, user_id) == user_id

    async def unlink(self, identity: Identity, now: int) -> User | None:
        """`Identities.unlink`."""
        user = self._users.get(self._identities.pop(identity, 0))
        for session in self._sessions.values():
            if user is not None and session.user_id == user.id and self._lives(session, now):
                self._revoked[session.id] = now
        return user

    async def identities(self, user_id: int) -> list[Identity]:
        """`Identities.identities`."""
        found = [each for each, owner in self._identities.items() if owner == user_id]
        return sorted(found, key=lambda each: (each.issuer, each.subject))

    # ── server keys ──

    async def add_key(self, key: ServerKey) -> bool:
        """`ServerKeys.add_key`."""
        return self._keys.setdefault(key.name, key) == key

    async def key(self, key_hash: bytes) -> ServerKey | None:
        """`ServerKeys.key`."""
        return next((key for key in self._keys.values() if key.key_hash == key_hash), None)

    async def keys(self) -> list[ServerKey]:
        """`ServerKeys.keys`."""
        return sorted(self._keys.values(), key=lambda key: key.name)

    async def drop_key(self, name: str) -> bool:
        """`ServerKeys.drop_key`."""
        return self._keys.pop(name, None) is not None
