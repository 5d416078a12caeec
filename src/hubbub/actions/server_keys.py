"""What a host application's backend may do with its server key."""

from typing import Final

from hubbub.actions.directory import Directory
from hubbub.domain.account import Principal, Scope
from hubbub.domain.credentials import KEY_PREFIX, secret_hash
from hubbub.ports import ServerKeys
from hubbub_protocol.codes import Code, Refused

NO_END: Final = 1 << 62
ACTING: Final = "Hubbub-User"
"""The header that names the user for whom a key acts."""


class Authorize:
    """A server key's leave for one call. The store is asked each time: a revoked key ends at once.

    Calls that are for users are made as the user whom the key's bearer names.
    """

    def __init__(self, keys: ServerKeys, directory: Directory) -> None:
        self._keys = keys
        self._directory = directory

    async def __call__(self, key: str, scope: Scope | None, acting: str | None) -> Principal:
        """Whom the call is made as; nobody (0) where `acting` is None.

        `scope`: what the call needs, None where no key may make it. Raises Refused
        `unauthorized`, `forbidden`, `not_found` (no such user).
        """
        found = await self._keys.key(secret_hash(key))
        if found is None:
            raise Refused(Code.UNAUTHORIZED, "This server key is not known; it may be revoked.")
        if scope is None:
            raise Refused(Code.UNAUTHORIZED, "This call is for users; server keys may not make it.")
        if scope not in found.scopes:
            raise Refused(
                Code.FORBIDDEN, f"This server key has no scope {scope}; make one that has it."
            )
        if acting is None:
            return Principal(0, 0, NO_END)
        return Principal((await self._directory.user(acting)).id, 0, NO_END)


def is_server_key(token: str) -> bool:
    """Whether a bearer token is a server key."""
    return token.startswith(KEY_PREFIX)
