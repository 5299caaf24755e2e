"""Judges the Identity headers of calls that come in: signed by whom, for these numbers, now (RFC 8224 §6.2).

A call waits for it at most `timeout_s`: what can't be judged until then is not validated, and the call goes on.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from softswitch.errors import PeerError
from softswitch.stir.chain import Certificates, public_key, why_not_trusted
from softswitch.stir.fetching import Fetching
from softswitch.stir.passport import Identity, Passport, read_identity

FRESH_S = 60


class Verstat(StrEnum):
    """The outcome, in the words of the `verstat` parameter (ATIS-1000074, 3GPP TS 24.229)."""

    PASSED = "TN-Validation-Passed"
    FAILED = "TN-Validation-Failed"
    NONE = "No-TN-Validation"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a call that came in. `attest`, `origid` and `signer` are what a valid statement says."""

    verstat: Verstat
    why: str
    attest: str = ""
    origid: str = ""
    signer: str = ""
    """Who has signed: the organisation of the certificate, else its whole name."""


class Verifier:
    """Everybody's statements, against our roots."""

    def __init__(
        self,
        fetching: Fetching,
        roots: Certificates,
        *,
        timeout_s: float,
        fresh_s: int = FRESH_S,
        wall_clock: Callable[[], float],
    ) -> None:
        """`wall_clock`: POSIX seconds."""
        self._fetching, self._roots = fetching, roots
        self._timeout_s, self._fresh_s, self._wall_clock = timeout_s, fresh_s, wall_clock

    async def verify(self, identities: list[str], orig: str, dest: str, date: str = "") -> Verdict:
        """`identities`: the values of all Identity headers; one that passes is enough. `orig` and `dest` are the
        numbers of the call as digits, `date` its Date header, for compact forms."""
        if not identities:
            return Verdict(Verstat.NONE, "no Identity header")
        verdict = Verdict(Verstat.NONE, "no Identity header")
        try:
            async with asyncio.timeout(self._timeout_s):
                for value in identities[:5]:
                    verdict = await self._judge(value, orig, dest, date)
                    if verdict.verstat is Verstat.PASSED:
                        break
        except TimeoutError:
            return Verdict(Verstat.NONE, f"no certificate within {self._timeout_s:g} s")
        return verdict

    async def close(self) -> None:
        await self._fetching.close()

    async def _judge(self, value: str, orig: str, dest: str, date: str) -> Verdict:
        try:
            identity = read_identity(value)
        except PeerError as error:
            return Verdict(Verstat.FAILED, error.reason)
        if identity.is_compact:
            identity = identity.completed(orig, dest, _posix(date))
        why_not = self._why_wrong(identity.passport, orig, dest)
        if why_not:
            return Verdict(Verstat.FAILED, why_not)
        fetched = await self._fetching.get(identity.passport.x5u)
        if not fetched.chain:
            return Verdict(Verstat.NONE, f"no certificate: {fetched.why_not}")
        return self._checked(identity, fetched.chain)

    def _why_wrong(self, passport: Passport, orig: str, dest: str) -> str:
        """Nothing where the statement is about this call, and of now."""
        age_s = int(self._wall_clock()) - passport.iat
        if abs(age_s) > self._fresh_s:
            return f"signed {age_s} s ago"
        if _digits(passport.orig) != orig:
            return "signed for another caller"
        if dest not in map(_digits, passport.dest):
            return "signed for another number called"
        return ""

    def _checked(self, identity: Identity, chain: tuple[x509.Certificate, ...]) -> Verdict:
        try:
            why_not = why_not_trusted(chain, self._roots, datetime.fromtimestamp(self._wall_clock(), UTC))
            key = public_key(chain[0])
        except (ValueError, UnsupportedAlgorithm):
            return Verdict(Verstat.FAILED, "the certificate can't be read")
        if why_not:
            return Verdict(Verstat.FAILED, why_not)
        if key is None or not identity.is_signed_by(key):
            return Verdict(Verstat.FAILED, "the signature is not that of the certificate")
        passport = identity.passport
        why = f"attested {passport.attest}" if passport.attest else "signed"
        return Verdict(Verstat.PASSED, why, passport.attest, passport.origid, _signer(chain[0]))


def _signer(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()


def _digits(number: str) -> str:
    return "".join(filter(str.isdigit, number))


def _posix(date: str) -> int:
    """0, long ago, for what is no date."""
    try:
        return int(parsedate_to_datetime(date).timestamp())
    except (ValueError, TypeError):
        return 0
