"""Identity providers where the operator has named none."""

from collections.abc import Mapping
from typing import Final

from hubbub.domain.attempt import Attempt
from hubbub.domain.provider import NotSignedIn, Profile, Provider
from hubbub.ports import Answered


class NoProviders:
    """`Providers`: none, and so none of what it takes to ask one is loaded."""

    told: Final[Mapping[str, Provider]] = {}

    async def way_in(self, name: str, attempt: Attempt, back: str) -> str:
        """See the port. Raises NotSignedIn."""
        raise NotSignedIn("failed", f"no provider {name} is configured")

    async def redeem(self, name: str, attempt: Attempt, answer: Answered) -> Profile:
        """See the port. Raises NotSignedIn."""
        raise NotSignedIn("failed", f"no provider {name} is configured")

    def way_out(self, name: str, back: str) -> str | None:
        """See the port."""
        return None
