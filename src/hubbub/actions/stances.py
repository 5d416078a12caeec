"""How a user stands to others: what he shows, and whom he has blocked."""

from typing import Any

from msgspec import UNSET
from msgspec.structs import asdict

from hubbub.actions.directory import Directory, no_user
from hubbub.actions.people import shown
from hubbub.actions.references import check, read_cursor, write_cursor
from hubbub.domain.account import Principal
from hubbub.domain.change import Denied, Missing
from hubbub.domain.own import SetBlock, SetPrivacy
from hubbub.ports import Changes, Relations
from hubbub_protocol import rest
from hubbub_protocol.codes import Code, Refused


class ChangePrivacy:
    """Gives some of a user's switches other values."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def __call__(self, principal: Principal, asked: rest.ChangeMe) -> None:
        """Raises Refused `invalid` when nothing is named. Cancelling is safe."""
        privacy: dict[str, Any] = {} if asked.privacy is UNSET else asdict(asked.privacy)
        wanted = {name: value for name, value in privacy.items() if value is not UNSET}
        if not wanted:
            names = ", ".join(rest.ChangePrivacy.__struct_fields__)
            raise Refused(Code.INVALID, f"Nothing to change; give privacy with one of {names}.")
        await self._changes.do(SetPrivacy(principal.user_id, wanted))


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
