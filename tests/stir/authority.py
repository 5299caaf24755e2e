"""An authority of one test that certifies who may sign calls, and the address where their certificates are."""

import datetime as dt
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = dt.datetime(2026, 1, 31, 9, 45, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
X5U = "https://certs.example/sti.pem"
Key = ec.EllipticCurvePrivateKey


def name(common: str, organisation: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if organisation:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    return x509.Name(parts)


def certificate(
    subject: x509.Name,
    key: Key,
    issuer: x509.Name,
    issuer_key: Key,
    *,
    ca: bool = False,
    from_: dt.datetime = NOW - DAY,
    until: dt.datetime = NOW + DAY,
) -> x509.Certificate:
    return (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(from_)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


class Authority:
    """A root, an intermediate, and those it certifies."""

    def __init__(self, common: str = "Test STI-PA", now: dt.datetime = NOW) -> None:
        dates = {"from_": now - DAY, "until": now + DAY}
        self.key, self.middle_key = new_key(), new_key()
        self.name, self.middle_name = name(common), name(f"{common} intermediate")
        self.root = certificate(self.name, self.key, self.name, self.key, ca=True, **dates)
        self.middle = certificate(self.middle_name, self.middle_key, self.name, self.key, ca=True, **dates)

    def provider(self, organisation: str = "Acme Telecom", **dates: dt.datetime) -> tuple[Key, list[x509.Certificate]]:
        """The key of a provider, and his chain."""
        key = new_key()
        made = certificate(name("SHAKEN", organisation), key, self.middle_name, self.middle_key, **dates)
        return key, [made, self.middle]


def new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def pem(chain: list[x509.Certificate]) -> bytes:
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain)


def files(folder: Path, key: Key, chain: list[x509.Certificate]) -> tuple[Path, Path]:
    """(certificate, key) as PEM files."""
    certificate_file, key_file = folder / "sti.pem", folder / "sti.key"
    certificate_file.write_bytes(pem(chain))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file
