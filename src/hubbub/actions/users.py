"""Looking up users."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import structs

from hubbub.actions.directory import Directory
from hubbub.actions.people import shown
from hubbub.domain.account import Principal
from hubbub.domain.credentials import plain_external, plain_username
from hubbub.domain.relation import Pair, Relation, sees
from hubbub.ports import Accounts, Relations
from hubbub.present import privacy
from hubbub_protocol import rest
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.times import rfc3339


class Presence(Protocol):
    """Who is here."""

    async def states(self, relations: Sequence[Relation]) -> list[tuple[bool, int]]:
        """Whether each other is online, and when he was last (Unix ms, 0: that is not known)."""


class Users:
    """Finds users by id (`user_…`, `ext:…`) and by exact name."""

    def __init__(
        self,
        accounts: Accounts,
        directory: Directory,
        relations: Relations,
        presence: Presence,
    ) -> None:
        self._accounts = accounts
        self._directory = directory
        self._relations = relations
        self._presence = presence

    async def me(self, principal: Principal) -> rest.Account:
        """Whoever asks. Raises Refused `unauthorized` when his account is gone."""
        found = await self._accounts.users([principal.user_id])
        if not found:
            raise Refused(Code.UNAUTHORIZED, "This account is gone; register again.")
        stance = await self._relations.stance(principal.user_id)
        told = privacy(stance.privacy)
        return rest.Account(**structs.asdict(shown(found[0])), privacy=told)

    async def get(self, principal: Principal, user_id: str) -> rest.User:
        """One user, and whether he is here. Raises Refused `not_found`."""
        found = await self._directory.user(user_id)
        (relation,) = await self._relations.relations([Pair(principal.user_id, found.id)])
        if relation is None or not sees(relation):
            return shown(found)
        ((online, at),) = await self._presence.states([relation])
        if online:
            return structs.replace(shown(found), status="online")
        seen_at = rfc3339(at) if at else None
        return structs.replace(shown(found), status="offline", last_seen_at=seen_at)

    async def find(self, principal: Principal, username: str) -> rest.UserPage:
        """The user of this name, if there is one."""
        name = plain_external(username) or plain_username(username)
        found = await self._accounts.users([], name) if name else []
        return rest.UserPage([shown(user) for user in found])
