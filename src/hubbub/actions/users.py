"""Looking up users."""

from hubbub.actions.directory import Directory
from hubbub.actions.people import shown
from hubbub.domain.account import Principal
from hubbub.domain.credentials import plain_external, plain_username
from hubbub.ports import Accounts
from hubbub_protocol import rest
from hubbub_protocol.codes import Code, Refused


class Users:
    """Finds users by id (`user_…`, `ext:…`) and by exact name."""

    def __init__(self, accounts: Accounts, directory: Directory) -> None:
        self._accounts = accounts
        self._directory = directory

    async def me(self, principal: Principal) -> rest.User:
        """Whoever asks. Raises Refused `unauthorized` when his account is gone."""
        found = await self._accounts.users([principal.user_id])
        if not found:
            raise Refused(Code.UNAUTHORIZED, "This account is gone; register again.")
        return shown(found[0])

    async def get(self, principal: Principal, user_id: str) -> rest.User:
        """One user. Raises Refused `not_found`."""
        return shown(await self._directory.user(user_id))

    async def find(self, principal: Principal, username: str) -> rest.UserPage:
        """The user of this name, if there is one."""
        name = plain_external(username) or plain_username(username)
        found = await self._accounts.users([], name) if name else []
        return rest.UserPage([shown(user) for user in found])
