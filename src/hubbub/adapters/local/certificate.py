"""A TLS certificate and its key, as they lie on the disk."""

import ssl
from pathlib import Path

from cryptography import x509
from msgspec import Struct


class Certificate(Struct, frozen=True):
    """A certificate that fits its key: whom it names, and its end (Unix seconds)."""

    names: tuple[str, ...]
    ends_at: float


def read_certificate(cert: Path, key: Path) -> Certificate:
    """The first certificate of a PEM chain.

    Raises OSError (ssl.SSLError among them: the key does not fit), ValueError (not PEM).
    """
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(cert, key)
    found = x509.load_pem_x509_certificate(cert.read_bytes())
    try:
        named = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = tuple(str(name.value) for name in named)
    except x509.ExtensionNotFound:
        names = ()
    return Certificate(names, found.not_valid_after_utc.timestamp())
