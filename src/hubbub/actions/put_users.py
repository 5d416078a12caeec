"""Users of a host application, made and renamed by its backend."""

from collections.abc import Sequence

from hubbub.actions.again import again
from hubbub.actions.people import shown
from hubbub.actions.references import check_text
from hubbub.domain.account import User
from hubbub.domain.credentials import plain_external
from hubbub.ports import Clock, HostAccounts
from hubbub_protocol import rest
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.ids import IdMaker


class PutUsers:
    """Stores users by their `ext:` names. Repeating it changes nothing. Cancelling is safe."""

    def __init__(self, accounts: HostAccounts, ids: IdMaker, clock: Clock) -> None:
        self._accounts = accounts
        self._ids = ids
        self._clock = clock

    async def one(self, name: str, wanted: rest.PutUser) -> tuple[rest.User, bool]:
        """The user, and whether he was made now. Raises Refused `invalid`."""
        asked = self._user(name, wanted.display_name)
        (stored,) = await again(lambda: self._accounts.put_users([asked]))
        return shown(stored), stored.id == asked.id

    async def __call__(self, wanted: rest.PutUsers) -> rest.UserPage:
        """All of them in one step, in the order in which they were asked for.

        Raises Refused `invalid`.
        """
        if len({user.id for user in wanted.users}) < len(wanted.users):
            raise Refused(Code.INVALID, "A user is named twice; name each once.")
        asked: Sequence[User] = [self._user(user.id, user.display_name) for user in wanted.users]
        stored = await again(lambda: self._accounts.put_users(asked))
        return rest.UserPage([shown(user) for user in stored])

    def _user(self, name: str, display_name: str) -> User:
        plain = plain_external(name)
        if plain is None:
            raise Refused(
                Code.INVALID,
                f"{name[:40]!r} cannot be a user of a host application; it is ext: and the sub.",
            )
        check_text(display_name, "display_name")
        display_name = display_name.strip() or plain
        return User(self._ids.make(), plain, display_name, "", False, self._clock.now_ms())
