"""An address as it is typed or pasted: of a server, or one of the links that servers make."""

import re
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct

NO_ADDRESS = "An address begins with http:// or https:// and the name of a server."


class Link(Struct, frozen=True):
    """Where a server is, and what a link to it is good for: at most one of the codes is there.

    `signin` signs in, once (`hubbub demo`); `invite` lets somebody register; `join` leads into a
    group.
    """

    url: str
    signin: str = ""
    invite: str = ""
    join: str = ""


def parse(text: str) -> Link:
    """An address; http is meant where nothing is said. Raises ValueError with a sentence."""
    text = text.strip()
    if "://" not in text:
        text = f"http://{text}"
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        raise ValueError(NO_ADDRESS) from None
    if not good:
        raise ValueError(NO_ADDRESS)
    given = {name: values[0] for name, values in parse_qs(parts.fragment).items()}
    where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
    return Link(
        where,
        given.get("signin", ""),
        given.get("invite", "") or given.get("setup", ""),
        given.get("join", ""),
    )


def first_address(text: str) -> str | None:
    """The first web address in a text, without the punctuation that follows it in a sentence."""
    found = _ADDRESS.search(text)
    return found[0].rstrip(".,;:!?)]}'\"") if found else None


_ADDRESS = re.compile(r"https?://[!-~]+")
