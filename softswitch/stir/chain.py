"""Whether a certificate can be trusted: it leads, issuer by issuer, to a root of ours, and none has run out. Pure."""

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec

LONGEST = 5

Certificates = Sequence[x509.Certificate]


def why_not_trusted(chain: Certificates, roots: Certificates, now: datetime) -> str:
    """Nothing where the first of `chain` can be trusted; the others may stand in any order."""
    if not chain:
        return "there is no certificate"
    current, others = chain[0], list(chain[1:])
    for depth in range(LONGEST):
        if not current.not_valid_before_utc <= now <= current.not_valid_after_utc:
            return f"{_name(current)} is not valid now"
        if depth and not _may_issue(current):
            return f"{_name(current)} may not issue certificates"
        if current in roots:
            return ""
        issuer = next((one for one in (*roots, *others) if one is not current and _has_issued(one, current)), None)
        if issuer is None:
            return f"nobody we trust has issued {_name(current)}"
        current = issuer
    return "the chain of certificates is too long"


def public_key(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey | None:
    """None where it is no key for ES256."""
    try:
        key = certificate.public_key()
    except ValueError:
        return None
    return key if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1) else None


def _has_issued(issuer: x509.Certificate, issued: x509.Certificate) -> bool:
    try:
        issued.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _may_issue(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _name(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string() or f"certificate {certificate.serial_number:x}"
