"""Completing the name after an @. Pure."""

import re
from collections.abc import Iterable
from typing import Final

from hubbub_client import User
from hubbub_terminal.rank import folded

SHOWN: Final = 6
EVERYBODY: Final = User("all", "all", "Everybody")
"""Whom @all names."""
_BEGUN: Final = re.compile(r"(?<![\w@])@([A-Za-z0-9._-]*)$")


def begun(before: str) -> str | None:
    """What is written of a name, at the end of a text; None: no name is begun there."""
    found = _BEGUN.search(before)
    return found[1] if found else None


def fitting(people: Iterable[User], typed: str) -> list[User]:
    """Those of whom a name begins so, in the order they had."""
    start = folded(typed)
    found = [user for user in people if any(name.startswith(start) for name in _names(user))]
    return found[:SHOWN]


def _names(user: User) -> list[str]:
    return [folded(user.username), *folded(user.display_name).split()]
