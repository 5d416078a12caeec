"""Where an issuer's keys come from: the settings, or a key set that it publishes."""

from collections.abc import Callable, Sequence
from typing import Protocol

import aiohttp

from hubbub.adapters.issuers.followed import Followed, Pace, Unfetched, fetch
from hubbub.adapters.issuers.keys import BadKey, Key, published
from hubbub.ports import Unavailable


class Keys(Protocol):
    """Where an issuer's keys come from."""

    async def find(self, kid: str | None, algorithm: str) -> Key | None:
        """The key of this name for this algorithm; without a name, the only one there is.

        Raises Unavailable while there are none yet.
        """
        ...


class FixedKey:
    """`Keys`: the one that was configured, whatever name tokens give it."""

    def __init__(self, key: Key) -> None:
        self._key = key

    async def find(self, kid: str | None, algorithm: str) -> Key | None:
        """See `Keys`."""
        return self._key if algorithm == self._key.algorithm else None


class PublishedKeys:
    """`Keys` of a URL, kept fresh by `run`. `told`: see `Followed`."""

    def __init__(self, url: str, told: Callable[[str | None], None], pace: Pace) -> None:
        self._url = url
        self.set = Followed(self._load, told, pace)

    async def _load(self, http: aiohttp.ClientSession) -> Sequence[Key]:
        return await key_set(http, self._url)

    async def find(self, kid: str | None, algorithm: str) -> Key | None:
        """See `Keys`. An unknown name has the set fetched again."""
        key = pick(self.set.value, kid, algorithm)
        if key is None:
            await self.set.renewed()
            key = pick(self.set.value, kid, algorithm)
        if self.set.value is None:
            raise Unavailable("The keys of the token's issuer cannot be had now.")
        return key

    async def run(self, http: aiohttp.ClientSession) -> None:
        """See `Followed`."""
        await self.set.run(http)


async def key_set(http: aiohttp.ClientSession, url: str) -> Sequence[Key]:
    """The keys that are published there. Raises Unfetched."""
    document = await fetch(http, url)
    try:
        return published(document)
    except BadKey as error:
        raise Unfetched(str(error)) from None


def pick(keys: Sequence[Key] | None, kid: str | None, algorithm: str) -> Key | None:
    """Of these, the key that a token names; where it names none, the only one that fits."""
    fitting = [key for key in keys or () if key.algorithm == algorithm]
    if kid is None:
        return fitting[0] if len(fitting) == 1 else None
    return next((key for key in fitting if key.kid == kid), None)
