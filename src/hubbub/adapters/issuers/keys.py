"""Keys that verify tokens, each with the one algorithm that it is for (RFC 8725 section 3.1)."""

from typing import Any, Final

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from msgspec import Struct

from hubbub.domain.issuer import SECRET_BYTES, Algorithm

MAX_KEYS: Final = 50
"""Keys that are taken from one set."""
RSA_BITS: Final = range(2048, 8193)
"""Shorter keys are too weak, longer ones take milliseconds a token."""

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


class BadKey(ValueError):
    """A key cannot be used. The message says why, and holds nothing of it."""


class Key(Struct, frozen=True):
    """A key. `kid` is None where it has no name: then it is for every token of its algorithm."""

    kid: str | None
    algorithm: Algorithm
    material: PublicKey | bytes


def configured(algorithm: Algorithm, text: bytes) -> Key:
    """The key in a setting or file: PEM, for HS256 the secret itself. Raises BadKey."""
    if algorithm == "HS256":
        secret = text.strip()
        if len(secret) < SECRET_BYTES:
            raise BadKey(f"a secret has {SECRET_BYTES} bytes at least")
        if secret.startswith(b"-----BEGIN"):
            raise BadKey("this is a key in PEM, no secret; say RS256, ES256 or EdDSA")
        return Key(None, algorithm, secret)
    try:
        key = load_pem_public_key(text)
    except ValueError:
        raise BadKey("this is no public key in PEM (-----BEGIN PUBLIC KEY-----)") from None
    if _algorithm(key) != algorithm:
        raise BadKey(f"this key is not one for {algorithm}")
    assert isinstance(key, PublicKey)
    return Key(None, algorithm, key)


class _KeySet(Struct):
    keys: list[dict[str, Any]]


_read = msgspec.json.Decoder(_KeySet).decode


def published(document: bytes) -> tuple[Key, ...]:
    """The usable keys of a JWK set (RFC 7517). Raises BadKey where there is none.

    Secrets, keys for encryption and those of other algorithms are passed over.
    """
    try:
        found = _read(document).keys
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadKey("the answer is no JWK set") from None
    keys = tuple(key for each in found[:MAX_KEYS] if (key := _published(each)) is not None)
    if not keys:
        raise BadKey("the JWK set has no key for RS256, ES256 or EdDSA")
    return keys


_TYPES: Final[dict[object, Algorithm]] = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}


def _published(jwk: dict[str, Any]) -> Key | None:
    kid, kind = jwk.get("kid"), jwk.get("kty")
    algorithm = _TYPES.get(kind) if isinstance(kind, str) else None
    if algorithm is None or jwk.get("use", "sig") != "sig":
        return None
    if jwk.get("alg", algorithm) != algorithm or not (kid is None or isinstance(kid, str)):
        return None
    try:
        key = jwt.PyJWK.from_dict(jwk, algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        return None
    if _algorithm(key) != algorithm:
        return None
    return Key(kid, algorithm, key)


def _algorithm(key: object) -> Algorithm | None:
    """The one algorithm that a public key is used with here; None for others and weak ones."""
    match key:
        case RSAPublicKey() if key.key_size in RSA_BITS:
            return "RS256"
        case EllipticCurvePublicKey() if isinstance(key.curve, SECP256R1):
            return "ES256"
        case Ed25519PublicKey():
            return "EdDSA"
        case _:
            return None
