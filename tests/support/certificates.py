"""Certificates that sign themselves, and those that an authority of one's own has signed."""

import datetime
import ipaddress
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Signed(NamedTuple):
    """PEM files: the certificate of whoever signed, the one for `name`, and its key."""

    name: str
    authority: str
    chain: str
    key: str


def certificate(folder: Path, hours: float = 1) -> tuple[str, str]:
    """PEM files of a certificate for 127.0.0.1 that ends in so many hours, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _certificate("localhost", "localhost", key, hours, _for("127.0.0.1"))
    made = builder.sign(key, hashes.SHA256())
    return _written(folder, "cert.pem", made), _kept(folder, "key.pem", key)


def signed(folder: Path, name: str = "127.0.0.1") -> Signed:
    """A certificate for this host alone, by an authority that nobody knows."""
    above, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    is_one = x509.BasicConstraints(ca=True, path_length=None)
    authority = _certificate("above", "above", above, 1, is_one).sign(above, hashes.SHA256())
    made = _certificate("server", "above", key, 1, _for(name)).sign(above, hashes.SHA256())
    return Signed(
        name,
        _written(folder, "authority.pem", authority),
        _written(folder, "server.pem", made),
        _kept(folder, "server-key.pem", key),
    )


def _certificate(
    subject: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    hours: float,
    extension: x509.ExtensionType,
) -> x509.CertificateBuilder:
    of, by = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in (subject, issuer)
    )
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(of)
        .issuer_name(by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=100))
        .not_valid_after(now + datetime.timedelta(hours=hours))
        .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    )


def _for(host: str) -> x509.SubjectAlternativeName:
    try:
        return x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
    except ValueError:
        return x509.SubjectAlternativeName([x509.DNSName(host)])


def _written(folder: Path, name: str, made: x509.Certificate) -> str:
    (folder / name).write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return str(folder / name)


def _kept(folder: Path, name: str, key: ec.EllipticCurvePrivateKey) -> str:
    private = folder / name
    private.touch(mode=0o600)
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return str(private)
