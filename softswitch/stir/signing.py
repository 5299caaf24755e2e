"""Signs our calls: one certificate, its key, and the address at which others find the certificate (x5u)."""

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from softswitch.errors import ConfigError
from softswitch.stir.chain import public_key
from softswitch.stir.passport import Attestation, Passport


class Signer:
    """Makes Identity headers."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, x5u: str) -> None:
        self._key, self._x5u = key, x5u

    @classmethod
    def load(cls, certificate: Path, key: Path, x5u: str, *, file: str, now: datetime | None = None) -> "Signer":
        """From PEM files. Raises `ConfigError`, which calls the settings `file`."""
        shown = read_certificates(certificate, file, "stir.certificate")[0]
        private = _private_key(key, file)
        public = public_key(shown)
        now = now or datetime.now(UTC)
        if public is None:
            problem = f"{certificate} has no key for ES256"
            raise ConfigError(file, "stir.certificate", problem, "a certificate with a P-256 key")
        if public.public_numbers() != private.public_key().public_numbers():
            problem = f"{key} is not the key of {certificate}"
            raise ConfigError(file, "stir.key", problem, "the private key the certificate was made for")
        if not shown.not_valid_before_utc <= now <= shown.not_valid_after_utc:
            problem = f"{certificate} is valid from {shown.not_valid_before_utc} to {shown.not_valid_after_utc}"
            raise ConfigError(file, "stir.certificate", problem, "a certificate that is valid now")
        return cls(private, x5u)

    def identity(self, orig: str, dest: str, attest: Attestation, origid: str, now: float) -> str:
        """The value of an Identity header; `now` is POSIX seconds."""
        return Passport(orig, (dest,), int(now), self._x5u, attest, origid).signed(self._key)


def read_certificates(path: Path, file: str, key: str) -> list[x509.Certificate]:
    """All certificates of a PEM file. Raises `ConfigError`."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise ConfigError(file, key, f"{path} can't be read: {error.strerror}") from None
    except ValueError:
        raise ConfigError(file, key, f"{path} has no certificate", "a PEM file") from None


def _private_key(path: Path, file: str) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise ConfigError(file, "stir.key", f"{path} can't be read: {error.strerror}") from None
    except (ValueError, TypeError):
        raise ConfigError(file, "stir.key", f"{path} has no private key", "a PEM file without a password") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ConfigError(file, "stir.key", f"{path} is no key for ES256", "a P-256 key")
    return key
