"""PASSporT: who calls whom and when, signed with ES256 (RFC 8225), with SHAKEN's attestation (RFC 8588). Pure.

An Identity header (RFC 8224 §4) carries it in full form, `header.payload.signature;info=<x5u>;alg=ES256;ppt="shaken"`,
or compact, `..signature;info=<x5u>`: then header and payload are what the SIP message says anyway, and are made again
from it. SHAKEN has claims that no SIP header has, so it is never compact.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from softswitch.errors import PeerError

Attestation = Literal["A", "B", "C"]
"""A: the caller is ours and may use the number; B: the caller is ours; C: it came from elsewhere (RFC 8588 §4)."""

SHAKEN = "shaken"
LONGEST_BYTES = 8192
COORDINATE_BYTES = 32
ECDSA = ec.ECDSA(hashes.SHA256())

_PARAMETER = re.compile(r';[ \t]*([a-z0-9]+)[ \t]*=[ \t]*(?:<([^<>]*)>|"([^"]*)"|([^;, \t]*))[ \t]*', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Passport:
    """One statement. Numbers are digits without +; `iat` is POSIX seconds. `attest` is empty outside of SHAKEN."""

    orig: str
    dest: tuple[str, ...]
    iat: int
    x5u: str
    attest: str = ""
    origid: str = ""

    @property
    def header(self) -> Mapping[str, Any]:
        ppt = {"ppt": SHAKEN} if self.attest else {}
        return {"alg": "ES256", **ppt, "typ": "passport", "x5u": self.x5u}

    @property
    def payload(self) -> Mapping[str, Any]:
        claims: dict[str, Any] = {"dest": {"tn": list(self.dest)}, "iat": self.iat, "orig": {"tn": self.orig}}
        if not self.attest:
            return claims
        return {"attest": self.attest, **claims, "origid": self.origid}

    def signed(self, key: ec.EllipticCurvePrivateKey) -> str:
        """The value of the Identity header, in full form."""
        body = f"{_encoded(self.header)}.{_encoded(self.payload)}"
        r, s = decode_dss_signature(key.sign(body.encode(), ECDSA))
        signature = _base64(r.to_bytes(COORDINATE_BYTES, "big") + s.to_bytes(COORDINATE_BYTES, "big"))
        ppt = f';ppt="{SHAKEN}"' if self.attest else ""
        return f"{body}.{signature};info=<{self.x5u}>;alg=ES256{ppt}"


@dataclass(frozen=True, slots=True)
class Identity:
    """An Identity header that was received. `signed` are the very bytes that were signed; empty in compact form."""

    passport: Passport
    signed: bytes
    signature: bytes

    @property
    def is_compact(self) -> bool:
        return not self.signed

    def completed(self, orig: str, dest: str, date: int) -> "Identity":
        """The compact form with what the SIP message says (RFC 8224 §4.1)."""
        whole = replace(self.passport, orig=orig, dest=(dest,), iat=date)
        return Identity(whole, f"{_encoded(whole.header)}.{_encoded(whole.payload)}".encode(), self.signature)

    def is_signed_by(self, key: ec.EllipticCurvePublicKey) -> bool:
        half = COORDINATE_BYTES
        r, s = (int.from_bytes(part, "big") for part in (self.signature[:half], self.signature[half:]))
        try:
            key.verify(encode_dss_signature(r, s), self.signed, ECDSA)
        except InvalidSignature:
            return False
        return True


def read_identity(value: str) -> Identity:
    """An Identity header as text. Raises `PeerError` for anything that is none, or that we can't judge."""
    if len(value) > LONGEST_BYTES:
        raise PeerError("an Identity header too long", drop="stir_malformed")
    token, semicolon, rest = value.strip().partition(";")
    params = _params(semicolon + rest)
    parts = token.strip().split(".")
    if len(parts) != 3 or params.get("alg", "ES256") != "ES256":
        raise PeerError("no PASSporT with ES256", drop="stir_malformed")
    signature = _bytes(parts[2])
    if len(signature) != 2 * COORDINATE_BYTES:
        raise PeerError("a signature of the wrong length", drop="stir_malformed")
    if not parts[0] and not parts[1]:
        return _compact(params, signature)
    passport = _passport(_object(parts[0]), _object(parts[1]))
    if params.get("info", passport.x5u) != passport.x5u:
        raise PeerError("info is not x5u", drop="stir_malformed")
    return Identity(passport, f"{parts[0]}.{parts[1]}".encode(), signature)


def _compact(params: Mapping[str, str], signature: bytes) -> Identity:
    if "ppt" in params or not params.get("info"):
        raise PeerError("a compact PASSporT that can't be completed", drop="stir_malformed")
    return Identity(Passport("", (), 0, params["info"]), b"", signature)


def _passport(header: Mapping[str, Any], payload: Mapping[str, Any]) -> Passport:
    """Raises `PeerError`."""
    x5u, iat = header.get("x5u"), payload.get("iat")
    orig, dest = _inside(payload, "orig"), _inside(payload, "dest")
    if isinstance(dest, str):
        dest = [dest]
    ppt = header.get("ppt")
    is_right = (
        header.get("typ") == "passport"
        and header.get("alg") == "ES256"
        and ppt in (None, SHAKEN)
        and isinstance(x5u, str)
        and isinstance(iat, int)
        and isinstance(orig, str)
        and isinstance(dest, list)
        and all(isinstance(number, str) for number in dest)
    )
    if not is_right:
        raise PeerError("a PASSporT without its claims", drop="stir_malformed")
    attest, origid = (payload.get("attest"), payload.get("origid")) if ppt == SHAKEN else ("", "")
    if ppt == SHAKEN and (attest not in ("A", "B", "C") or not isinstance(origid, str)):
        raise PeerError("SHAKEN without attestation", drop="stir_malformed")
    return Passport(str(orig), tuple(dest or ()), int(iat or 0), str(x5u), str(attest), str(origid))


def _inside(payload: Mapping[str, Any], name: str) -> Any:
    claim = payload.get(name)
    return claim.get("tn") if isinstance(claim, dict) else None


def _params(text: str) -> dict[str, str]:
    """The parameters behind the token. Raises `PeerError`."""
    params, at = dict[str, str](), 0
    while at < len(text):
        found = _PARAMETER.match(text, at)
        if found is None:
            raise PeerError("malformed parameters of Identity", drop="stir_malformed")
        params[found[1].lower()] = next(value for value in found.groups()[1:] if value is not None)
        at = found.end()
    return params


def _object(part: str) -> Mapping[str, Any]:
    try:
        made = json.loads(_bytes(part))
    except (ValueError, RecursionError):
        raise PeerError("a PASSporT that is no JSON", drop="stir_malformed") from None
    if not isinstance(made, dict):
        raise PeerError("a PASSporT that is no JSON object", drop="stir_malformed")
    return made


def _bytes(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise PeerError("a PASSporT that is no base64", drop="stir_malformed") from None


def _encoded(claims: Mapping[str, Any]) -> str:
    """Members in the order of their names, no white space (RFC 8225 §9)."""
    return _base64(json.dumps(claims, separators=(",", ":"), sort_keys=True).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
