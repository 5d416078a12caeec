"""A host application whose access tokens are taken, as the operator describes it."""

import re
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct

Algorithm = Literal["HS256", "RS256", "ES256", "EdDSA"]
UNNAMED: Final = "default"
"""The issuer whose users are `ext:<sub>`; those of all others are `ext:<name>:<sub>`."""
OURS: Final = "hubbub"
"""Issuer of the tokens that this server signs itself."""
NAME: Final = re.compile(r"[a-z][a-z0-9]{0,31}")
SECRET_BYTES: Final = 32
"""Least length of a secret, as RFC 7518 section 3.2 wants it."""


class Issuer(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A host application whose tokens are taken. Give jwks_url, or algorithm with key or key_file.
    Its users are ext:<its name>:<sub>, those of [issuers.default] ext:<sub>.
    """

    issuer: Annotated[
        str, Meta(description="what its tokens have as `iss`; an OpenID provider's address.")
    ] = ""
    audience: Annotated[
        str,
        Meta(description="what its tokens must have as `aud`, so that tokens for other services "
             "are not taken here."),
    ] = OURS  # fmt: skip
    jwks_url: Annotated[
        str,
        Meta(description="where it publishes its keys (RFC 7517), for instance "
             "https://login.example.org/.well-known/jwks.json; new keys are then taken by "
             "themselves."),
    ] = ""  # fmt: skip
    algorithm: Annotated[
        Algorithm | Literal[""],
        Meta(description="with key or key_file: HS256, RS256, ES256 or EdDSA, and nothing else "
             "is taken. HS256 is a secret that both sides know."),
    ] = ""  # fmt: skip
    key: Annotated[
        str, Meta(description="the secret of HS256 (32 bytes at least), or a public key as PEM.")
    ] = ""
    key_file: Annotated[
        str, Meta(description="a file with the same, so that no setting is a secret.")
    ] = ""
    skew: Annotated[
        Annotated[float, Meta(ge=0, le=600)],
        Meta(description="seconds by which its clock and this one may differ."),
    ] = 30.0
    session_claim: Annotated[
        str,
        Meta(description="the claim that tells a user's devices apart, so that each has its own "
             "place and can be ended alone; without it a user has one session."),
    ] = "sid"  # fmt: skip
    name_claim: Annotated[
        str, Meta(description="the claim that a new user's display name is taken from.")
    ] = "name"


def wrong(name: str, issuer: Issuer) -> str | None:
    """What cannot be in this description, with what to do; None where it can be used."""
    at = f"issuers.{name}"
    if not NAME.fullmatch(name):
        return f"{at}: the name of an issuer is 1 to 32 of a-z and 0-9, and begins with a letter."
    if not issuer.issuer or not issuer.audience:
        return f"{at} needs issuer and audience: what its tokens have as iss and aud."
    if issuer.issuer == OURS:
        return f"{at}.issuer cannot be {OURS!r}: so are the tokens of this server called."
    if [bool(issuer.jwks_url), bool(issuer.key), bool(issuer.key_file)].count(True) != 1:
        return f"{at} needs one of jwks_url, key and key_file."
    if bool(issuer.jwks_url) == bool(issuer.algorithm):
        return f"{at}: algorithm goes with key or key_file; a jwks_url says it of each key."
    if issuer.jwks_url and not is_safe(issuer.jwks_url):
        return (
            f"{at}.jwks_url begins with https://; http:// is for this machine and for hosts of "
            "the same network, whose names have no dot."
        )
    return None


def plain_text(value: object, most: int) -> str | None:
    """A claim as text within its bound, where it can be one."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 1 << 64 else None
    if not isinstance(value, str) or not value.isprintable():
        return None
    return value.strip()[:most].strip() or None


def is_safe(url: str) -> bool:
    """Whether nobody on the way can give us other keys. A name without a dot is not routed."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if not host or parts.username is not None:
        return False
    inside = "." not in host and ":" not in host
    return parts.scheme == "https" or (
        parts.scheme == "http" and (inside or host in ("127.0.0.1", "::1"))
    )
