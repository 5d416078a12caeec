"""Names, and secrets that are kept only as hashes: refresh tokens, invite codes, server keys."""

import hashlib
import re
from typing import Final

USERNAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,30}[a-z0-9])?")
EXTERNAL: Final = "ext:"
"""What the names of host applications' users begin with. No user name has a colon."""
MAX_SUBJECT: Final = 255
"""Characters of a `sub`, as OpenID Connect Core 1.0 section 2 bounds it."""
MAX_EXTERNAL: Final = len(EXTERNAL) + 32 + 1 + MAX_SUBJECT
KEY_PREFIX: Final = "hbk_"
"""What server keys begin with, so that those who search for leaked secrets find them."""


def secret_hash(secret: str) -> bytes:
    """What is stored of a refresh token, invite code or key, all random and long: SHA-256."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def session_name(external: str, device: str) -> bytes:
    """Which session a user of a host application has on a device: the same for every token.

    It stands where refresh tokens have their SHA-256. Another function, so that no text is a
    refresh token of such a session.
    """
    parts = f"{len(external)}:{external}{device}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(parts, digest_size=32, person=b"hubbub session").digest()


def external_name(issuer: str, subject: str) -> str | None:
    """A host application's user: `ext:<sub>`, or `ext:<issuer>:<sub>`; None where it cannot be.

    `issuer` is empty for the one whose users go without.
    """
    if not 1 <= len(subject) <= MAX_SUBJECT or not subject.isprintable():
        return None
    return f"{EXTERNAL}{issuer}:{subject}" if issuer else EXTERNAL + subject


def plain_external(value: str) -> str | None:
    """An `ext:` name as it is stored; None where it cannot be one."""
    good = len(EXTERNAL) < len(value) <= MAX_EXTERNAL and value.isprintable()
    return value if good and value.startswith(EXTERNAL) else None


def plain_username(value: str) -> str | None:
    """The user name as it is stored: lower-case ASCII; None where it cannot be one."""
    name = value.strip().lower()
    return name if USERNAME.fullmatch(name) else None
