"""Which user an identity provider means."""

from hubbub.actions.again import again
from hubbub.domain.account import Identity, User
from hubbub.domain.provider import NotSignedIn, Profile, Provider, is_admin
from hubbub.domain.usernames import usernames
from hubbub.ports import Clock, Identities
from hubbub_protocol import ids
from hubbub_protocol.ids import IdMaker


class Enrol:
    """Finds the user of an identity, and makes one of whoever is new. Cancelling is safe."""

    def __init__(self, identities: Identities, maker: IdMaker, clock: Clock) -> None:
        self._identities = identities
        self._maker = maker
        self._clock = clock

    async def __call__(self, provider: Provider, found: Profile) -> User:
        """The user, whose name is now what the provider says. Raises NotSignedIn, Unavailable."""
        identity = Identity(found.issuer, found.subject)
        name = found.name or found.username or found.subject[:100]
        admin = is_admin(provider, found)
        known = await again(lambda: self._identities.recognise(identity, name, admin))
        if known is not None:
            return known
        if not provider.create_users:
            raise NotSignedIn(
                "forbidden",
                f"nobody here is linked to the subject {found.subject!r}; "
                "`hubbub admin identity link` does that",
            )
        id_ = self._maker.make()
        unique = ids.text("user", id_).removeprefix("user_")
        for username in usernames(found.username or found.name, unique):
            user = User(id_, username, name, "", bool(admin), self._clock.now_ms())
            stored = await self._store(identity, user)
            if stored is not None:
                return stored
        raise AssertionError("the last name has the user's own id in it")

    async def _store(self, identity: Identity, user: User) -> User | None:
        return await again(lambda: self._identities.enrol(identity, user))
