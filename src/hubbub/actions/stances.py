"""How a user stands to others: what he is called, what he shows, and whom he has blocked."""

from typing import Any

from msgspec import UNSET
from msgspec.structs import asdict

from hubbub.actions.directory import Directory, no_user
from hubbub.actions.people import shown
from hubbub.actions.references import check, check_text, read_cursor, write_cursor
from hubbub.domain.account import Principal
from hubbub.domain.change import Denied, Missing
from hubbub.domain.credentials import EXTERNAL
from hubbub.domain.own import SetBlock, SetMe
from hubbub.ports import Accounts, Changes, Identities, Relations
from hubbub_protocol import rest
from hubbub_protocol.codes import Code, Refused


class ChangeMe:
    """Gives a user another name, and some of his switches other values, in one step."""

    def __init__(self, accounts: Accounts, identities: Identities, changes: Changes) -> None:
        self._accounts, self._identities, self._changes = accounts, identities, changes

    async def __call__(self, principal: Principal, asked: rest.ChangeMe) -> None:
        """Raises Refused: `invalid` when nothing is named, `forbidden` for a name that somebody
        else gives him. Cancelling is safe, and so is repeating it.
        """
        privacy: dict[str, Any] = {} if asked.privacy is UNSET else asdict(asked.privacy)
        wanted = {name: value for name, value in privacy.items() if value is not UNSET}
        name = None
        if asked.display_name is not UNSET:
            name = await self._name(principal.user_id, asked.display_name)
        if not wanted and name is None:
            names = ", ".join(rest.ChangePrivacy.__struct_fields__)
            raise Refused(
                Code.INVALID,
                f"Nothing to change; give display_name, or privacy with one of {names}.",
            )
        await self._changes.do(SetMe(principal.user_id, wanted, name))

    async def _name(self, user_id: int, wanted: str) -> str:
        check_text(wanted, "display_name")
        (user,) = await self._accounts.users([user_id]) or (None,)
        if user is None:
            raise Refused(Code.UNAUTHORIZED, "This account is gone; register again.")
        if user.username.startswith(EXTERNAL) or await self._identities.identities(user_id):
            raise Refused(
                Code.FORBIDDEN,
                "Your name comes from where you sign in; change it there.",
            )
        return wanted.strip() or user.username


class Blocks:
    """Whom a user has blocked. Repeating a change is safe, and so is cancelling it."""

    def __init__(self, directory: Directory, relations: Relations, changes: Changes) -> None:
        self._directory, self._relations, self._changes = directory, relations, changes

    async def block(self, principal: Principal, user_id: str) -> None:
        """Raises Refused: `not_found`, `invalid` for himself, `conflict` for too many."""
        await self._set(principal, user_id, True)

    async def unblock(self, principal: Principal, user_id: str) -> None:
        """Raises Refused `not_found`."""
        await self._set(principal, user_id, False)

    async def _set(self, principal: Principal, user_id: str, blocked: bool) -> None:
        other = await self._directory.number(user_id)
        outcome = await self._changes.do(SetBlock(principal.user_id, other, blocked))
        if isinstance(outcome, Missing):
            raise no_user(user_id)
        check(outcome if isinstance(outcome, Denied) else None)

    async def list(self, principal: Principal, limit: int, cursor: str | None) -> rest.BlockPage:
        """A page by id. Raises Refused `malformed`."""
        (after,) = read_cursor(cursor, 1) or (0,)
        found = await self._relations.blocked(principal.user_id, after, limit + 1)
        page, more = found[:limit], len(found) > limit
        more_from = write_cursor((page[-1].id,)) if more else None
        return rest.BlockPage([shown(user) for user in page], more, more_from)
