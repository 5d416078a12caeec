"""Secrets that are kept only as hashes: refresh tokens and invite codes."""

import hashlib
import re
from typing import Final

USERNAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,30}[a-z0-9])?")


def secret_hash(secret: str) -> bytes:
    """What is stored of a refresh token or an invite code, both random and long: SHA-256."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def plain_username(value: str) -> str | None:
    """The user name as it is stored: lower-case ASCII; None where it cannot be one."""
    name = value.strip().lower()
    return name if USERNAME.fullmatch(name) else None
