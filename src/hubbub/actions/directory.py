"""From the names that callers give users, `user_…` and `ext:…`, to users."""

from collections.abc import Sequence
from typing import Final

from hubbub.domain.account import User
from hubbub.domain.credentials import EXTERNAL, plain_external
from hubbub.ports import Accounts, HostAccounts
from hubbub_protocol import ids
from hubbub_protocol.codes import Code, Refused

SLICE: Final = 1000
"""Most users that are asked for at once."""
REMEMBERED: Final = 50_000


class UnknownNames(Exception):
    """These `ext:` names are not remembered: `Directory.learn` them, and ask again."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"{len(names)} names")
        self.names = names


class Directory:
    """Knows users by name. A name always means the same user, so names are remembered."""

    def __init__(self, accounts: Accounts, named: HostAccounts) -> None:
        self._accounts = accounts
        self._named = named
        self._known: dict[str, int] = {}

    def numbers(self, refs: Sequence[str]) -> list[int]:
        """What the texts say, whether such users exist or not.

        Raises UnknownNames; BadId for text that names nobody.
        """
        unknown = [ref for ref in refs if ref.startswith(EXTERNAL) and ref not in self._known]
        if unknown:
            raise UnknownNames(unknown)
        return [self._known.get(ref) or ids.parse("user", ref) for ref in refs]

    async def learn(self, names: Sequence[str]) -> dict[str, int]:
        """Look up these `ext:` names. Raises Refused `not_found`, naming the first unknown."""
        found: dict[str, int] = {}
        for start in range(0, len(names), SLICE):
            part = names[start : start + SLICE]
            good = [name for name in part if plain_external(name)]
            found.update((user.username, user.id) for user in await self._named.named(good))
            for name in part:
                if name not in found:
                    raise no_user(name)
        self._known.update(found)
        while len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
        return found

    async def resolve(self, refs: Sequence[str]) -> list[int]:
        """What the texts say, asking the store where it has to. Raises Refused `not_found`."""
        names = dict.fromkeys(ref for ref in refs if ref.startswith(EXTERNAL))
        found = {name: self._known[name] for name in names if name in self._known}
        found.update(await self.learn([name for name in names if name not in found]))
        return [found.get(ref) or _number(ref) for ref in refs]

    async def users(self, refs: Sequence[str]) -> list[int]:
        """The users, each once, in the order of their first mention.

        Raises Refused `not_found`, naming the first that does not exist.
        """
        wanted: dict[int, str] = {}
        for ref, number in zip(refs, await self.resolve(refs), strict=True):
            wanted.setdefault(number, ref)
        numbers = list(wanted)
        for start in range(0, len(numbers), SLICE):
            part = numbers[start : start + SLICE]
            there = {user.id for user in await self._accounts.users(part)}
            for number in part:
                if number not in there:
                    raise no_user(wanted[number])
        return numbers

    async def user(self, ref: str) -> User:
        """One user. Raises Refused `not_found`."""
        found = await self._accounts.users(await self.resolve([ref]))
        if not found:
            raise no_user(ref)
        return found[0]

    async def number(self, ref: str) -> int:
        """One user's number, whether there is such a user or not. Raises Refused `not_found`."""
        return (await self.resolve([ref]))[0]


def no_user(ref: str) -> Refused:
    """No such user, or a text that can be no user's id."""
    return Refused(Code.NOT_FOUND, f"There is no user {ref[:40]!r}. Check the id.")


def _number(ref: str) -> int:
    try:
        return ids.parse("user", ref)
    except ids.BadId:
        raise no_user(ref) from None
