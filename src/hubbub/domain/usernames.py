"""User names for people whom another system has named."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from hubbub.domain.credentials import plain_username

LONGEST: Final = 32
NUMBERED: Final = 9
_UNFIT: Final = re.compile(r"[^a-z0-9._-]+")


def usernames(wanted: str, unique: str) -> Iterator[str]:
    """User names to try, best first; the last has `unique` in it, which nobody else has.

    `wanted` may be anything: of a mail address the part before the @ is taken, letters lose their
    accents, and what cannot stand in a user name becomes a dot.
    """
    base = _plain(wanted.partition("@")[0])
    if base:
        yield base
        for number in range(2, NUMBERED + 1):
            yield f"{_trim(base, LONGEST - 1)}{number}"
    yield f"{_trim(base or 'user', LONGEST - 1 - len(unique))}-{unique}"


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text).casefold()
    bare = "".join(each for each in letters if not unicodedata.combining(each))
    name = _trim(_UNFIT.sub(".", bare), LONGEST)
    return plain_username(name) or ""


def _trim(name: str, most: int) -> str:
    return name.strip("._-")[:most].rstrip("._-")
