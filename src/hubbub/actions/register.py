"""Making an account."""

from hubbub.actions.again import again
from hubbub.actions.grant import Grant
from hubbub.actions.references import check_text
from hubbub.actions.throttle import Throttle
from hubbub.domain.account import Caller, User
from hubbub.domain.credentials import plain_username, secret_hash
from hubbub.ports import Accounts, Invites, Passwords
from hubbub_protocol import rest
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.ids import IdMaker


class Register:
    """Stores a new user and signs him in.

    `mode`: `open` to everybody, `invite` to whoever has one, `closed` to all but the first, who
    comes by the link that the first start prints.
    """

    def __init__(
        self,
        accounts: Accounts,
        invites: Invites,
        passwords: Passwords,
        ids: IdMaker,
        grant: Grant,
        throttle: Throttle,
        mode: str,
    ) -> None:
        self._accounts = accounts
        self._invites = invites
        self._passwords = passwords
        self._ids = ids
        self._grant = grant
        self._throttle = throttle
        self._mode = mode

    async def __call__(self, wanted: rest.Register, caller: Caller) -> rest.SignedIn:
        """A signed-in new user. Cancelling is safe: he may then be there, and can sign in.

        Raises Refused `registration_closed`, `invite_invalid`, `username_taken`, `invalid`,
        `rate_limited`, `overloaded`.
        """
        await self._throttle.check(caller.address)
        username = plain_username(wanted.username)
        if username is None:
            raise Refused(
                Code.INVALID,
                "A user name has 1 to 32 of a-z, 0-9, '.', '_', '-', and begins and ends with a "
                "letter or digit.",
            )
        check_text(wanted.display_name or "", "display_name")
        await self._check_mode(wanted.invite)
        if await self._accounts.users([], username):
            raise _taken(username)
        user = User(
            id=self._ids.make(),
            username=username,
            display_name=(wanted.display_name or "").strip() or username,
            password_hash=await self._passwords.hash(wanted.password),
            is_admin=False,
            created_at=self._grant.clock.now_ms(),
        )
        invite = secret_hash(wanted.invite) if wanted.invite else None
        answer = await again(lambda: self._accounts.add_user(user, invite))
        if answer == "taken":
            raise _taken(username)
        if answer == "invite":
            raise Refused(
                Code.INVITE_INVALID, "This invite was used or is over; ask for a new link."
            )
        # Stored as an admin if the invite was of that kind.
        stored = await self._accounts.users([user.id])
        return await self._grant.open(stored[0] if stored else user, caller)

    async def _check_mode(self, invite: str | None) -> None:
        if self._mode == "open":
            return
        if self._mode == "closed" and (not invite or await self._invites.has_users()):
            raise Refused(
                Code.REGISTRATION_CLOSED, "Nobody can register here; ask the operator for access."
            )
        if not invite:
            raise Refused(
                Code.INVITE_INVALID, "Registering here needs an invite link; ask a user for one."
            )


def _taken(username: str) -> Refused:
    return Refused(Code.USERNAME_TAKEN, f"The user name {username!r} is taken; choose another.")
