"""Signing in with user name and password."""

from hubbub.actions.grant import Grant
from hubbub.actions.throttle import Throttle
from hubbub.domain.account import Caller
from hubbub.domain.credentials import plain_username
from hubbub.ports import Accounts, Passwords
from hubbub_protocol import rest
from hubbub_protocol.codes import Code, Refused


class Login:
    """Opens a session for whoever knows the password. Both wrong: one answer, in one time."""

    def __init__(
        self,
        accounts: Accounts,
        passwords: Passwords,
        grant: Grant,
        by_address: Throttle,
        by_username: Throttle,
    ) -> None:
        self._accounts = accounts
        self._passwords = passwords
        self._grant = grant
        self._by_address = by_address
        self._by_username = by_username

    async def __call__(self, login: rest.Login, caller: Caller) -> rest.SignedIn:
        """Tokens of a new session. Cancelling is safe: a session more may then be there.

        Raises Refused `bad_credentials`, `rate_limited`, `overloaded`.
        """
        await self._by_address.check(caller.address)
        username = plain_username(login.username)
        await self._by_username.check(username or "")
        users = await self._accounts.users([], username) if username else []
        # An unknown user's password is worked on as long as a known one's.
        phc = users[0].password_hash if users else ""
        if not await self._passwords.verify(login.password, phc):
            raise Refused(Code.BAD_CREDENTIALS, "User name or password is wrong.")
        return await self._grant.open(users[0], caller)
