"""Looking up users."""

from hubbub.actions.people import shown
from hubbub.domain.account import Principal
from hubbub.domain.credentials import plain_username
from hubbub.ports import Accounts
from hubbub_protocol import ids, rest
from hubbub_protocol.codes import Code, Refused


class Users:
    """Finds users by id and by exact name."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    async def me(self, principal: Principal) -> rest.User:
        """Whoever asks. Raises Refused `unauthorized` when his account is gone."""
        found = await self._accounts.users([principal.user_id])
        if not found:
            raise Refused(Code.UNAUTHORIZED, "This account is gone; register again.")
        return shown(found[0])

    async def get(self, principal: Principal, user_id: str) -> rest.User:
        """One user. Raises Refused `not_found`."""
        try:
            found = await self._accounts.users([ids.parse("user", user_id)])
        except ids.BadId:
            found = []
        if not found:
            raise Refused(Code.NOT_FOUND, "There is no such user.")
        return shown(found[0])

    async def find(self, principal: Principal, username: str) -> rest.UserPage:
        """The user of this name, if there is one."""
        name = plain_username(username)
        found = await self._accounts.users([], name) if name else []
        return rest.UserPage([shown(user) for user in found])
