"""Digest authentication, both sides (RFC 2617, RFC 7616, RFC 8760).

`Challenger` is the server: its nonces are signed and carry their time, so a challenge costs no memory; only a nonce
that was answered correctly is remembered, for its nonce counts, in a table of bounded size. An answer is good once, for
the Request-URI it was made for, from the address that was challenged. `answer` is the client: it takes the strongest
challenge it knows. Pure: no clock and no random numbers, `now` and `cnonce` come from outside.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from softswitch.errors import PeerError
from softswitch.sip.grammar import legible, quote
from softswitch.sip.headers import AuthValue
from softswitch.sip.message import Request, Response
from softswitch.sip.uri import Uri

NONCE_LIFETIME_S = 300.0
REMEMBERED_NONCES = 16_384
NONCE_COUNT_WINDOW = 64

_STRONGEST_FIRST = ("sha-256-sess", "sha-256", "md5-sess", "md5")
_SIGNATURE_BYTES = 16
_ISSUED_BYTES = 10


class Verdict(Enum):
    """What the credentials of a request are worth; every verdict but OK earns a challenge."""

    OK = "ok"
    STALE = "stale"  # for a nonce that is too old, used up or none of ours, whatever the password: challenge again
    WRONG = "wrong"
    NONE = "none"  # no credentials we could check


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a user proves to be: kept out of `repr`, so that it stays out of logs."""

    username: str
    password: str = field(repr=False)


class Challenger:
    """Challenges the requests of one realm and verifies the answers.

    `secret`, of 64 bytes at most, signs the nonces; instances that share it accept each other's. `algorithms` are
    offered in this order, one header line each: phones that know MD5 alone look at the last line.
    """

    def __init__(
        self,
        realm: str,
        secret: bytes,
        algorithms: Sequence[str] = ("SHA-256", "MD5"),
        *,
        nonce_lifetime_s: float = NONCE_LIFETIME_S,
        nonces_remembered: int = REMEMBERED_NONCES,
    ) -> None:
        self.realm = realm
        self._opening = f"Digest realm={quote(realm)}, nonce="
        self._signer = hashlib.blake2b(f"{realm}\0".encode(), key=secret, digest_size=_SIGNATURE_BYTES)
        self._algorithms = tuple(algorithms)
        self._accepted = frozenset(algorithm.lower() for algorithm in algorithms)
        self._nonce_lifetime_s = nonce_lifetime_s
        self._nonces_remembered = nonces_remembered
        self._issued = 0
        self._counts: dict[str, _NonceCounts] = {}
        self._forgotten_at = float("-inf")  # nonces issued until then may have been used: they are stale

    def challenge(self, now: float, stale: bool = False, only: str = "", source: str = "") -> list[str]:
        """The values for WWW-Authenticate or Proxy-Authenticate, one header line each, strongest first.

        `only` is the one algorithm for a peer that fails at the sight of another, where it is among ours; `source` the
        address from which alone it may be answered.
        """
        is_stale = ", stale=true" if stale else ""
        challenge = f'{self._opening}"{self._nonce(now, source)}", qop="auth"{is_stale}, algorithm='
        offered = (only,) if only in self._algorithms else self._algorithms
        return [challenge + algorithm for algorithm in offered]

    def verify(self, request: Request, lookup: Callable[[str], str | None], now: float, source: str = "") -> Verdict:
        """Judge the credentials of `request`; `lookup` gives the password of a user name, None for an unknown one.

        An unknown user costs as much time as a wrong password. WRONG is only what answers a fresh nonce of ours, given
        to `source`: nobody can make up wrong passwords of others, and none is judged uncounted.
        """
        given = self._credentials(request)
        if given is None or not _is_for(given["uri"], request.uri):
            return Verdict.NONE
        issued_at = self._issued_at(given["nonce"], source)
        if issued_at is None or not 0 <= now - issued_at <= self._nonce_lifetime_s:
            return Verdict.STALE
        password = lookup(given["username"])
        expected = _response(given, password or "", request.method, request.body)
        if not hmac.compare_digest(expected.encode(), given["response"].lower().encode()) or password is None:
            return Verdict.WRONG
        return self._spend(given, issued_at)

    def username(self, request: Request) -> str | None:
        """The user name `request` claims for this realm, whether true or not, legible."""
        given = self._credentials(request)
        return legible(given["username"]) if given else None

    def _credentials(self, request: Request) -> dict[str, str] | None:
        """The digest parameters for our realm in a form we can check, or None."""
        fields = request.headers.fields
        for value in (*fields.get("authorization", ()), *fields.get("proxy-authorization", ())):
            try:
                credentials = AuthValue.parse(value)
            except PeerError:
                continue
            params = dict(credentials.params)
            if credentials.scheme == "digest" and params.get("realm") == self.realm and self._is_checkable(params):
                return params
        return None

    def _is_checkable(self, params: dict[str, str]) -> bool:
        if not params.keys() >= {"username", "nonce", "uri", "response"} or not params["response"].isascii():
            return False
        algorithm = params.setdefault("algorithm", "MD5").lower()
        if algorithm not in self._accepted:
            return False
        if "qop" not in params:
            return algorithm == "md5"  # RFC 2069, as old phones still answer: good for one request
        return params["qop"] == "auth" and "cnonce" in params and _nonce_count(params) is not None

    def _spend(self, given: dict[str, str], issued_at: float) -> Verdict:
        """Judge the use of a nonce by credentials that are right."""
        nonce = given["nonce"]
        counts = self._counts.get(nonce)
        if counts is None:
            if issued_at <= self._forgotten_at:
                return Verdict.STALE
            counts = self._remember(nonce, issued_at)
        count = _nonce_count(given) if "qop" in given else 1
        return Verdict.OK if count and counts.spend(count) else Verdict.STALE

    def _remember(self, nonce: str, issued_at: float) -> "_NonceCounts":
        if len(self._counts) >= self._nonces_remembered:
            oldest = next(iter(self._counts))
            self._forgotten_at = max(self._forgotten_at, self._counts.pop(oldest).issued_at)
        counts = self._counts[nonce] = _NonceCounts(issued_at)
        return counts

    def _nonce(self, now: float, source: str) -> str:
        """A nonce no other challenge has: the time in ms, a serial number, and our signature of both for `source`."""
        self._issued = (self._issued + 1) & 0xFFFFFFFF
        issued = int(now * 1000).to_bytes(6, "big") + self._issued.to_bytes(4, "big")
        return (issued + self._signature(issued, source)).hex()

    def _issued_at(self, nonce: str, source: str) -> float | None:
        """When we issued `nonce` to `source`; None when we did not."""
        try:
            raw = bytes.fromhex(nonce)
        except ValueError:
            return None
        issued, signature = raw[:_ISSUED_BYTES], raw[_ISSUED_BYTES:]
        if not hmac.compare_digest(signature, self._signature(issued, source)):
            return None
        return int.from_bytes(issued[:6], "big") / 1000

    def _signature(self, issued: bytes, source: str) -> bytes:
        signer = self._signer.copy()
        signer.update(issued + source.encode("utf-8", "surrogateescape"))
        return signer.digest()


class _NonceCounts:
    """The nonce counts one nonce was used with: the highest, and a bit for each of the 64 below it."""

    __slots__ = ("highest", "issued_at", "seen")

    def __init__(self, issued_at: float) -> None:
        self.issued_at = issued_at
        self.highest = 0
        self.seen = 0

    def spend(self, count: int) -> bool:
        """Mark `count` as used; False when it was, or is too far behind to know."""
        behind = self.highest - count
        if behind < 0:
            self.seen = (self.seen << min(-behind, NONCE_COUNT_WINDOW) | 1) & (1 << NONCE_COUNT_WINDOW) - 1
            self.highest = count
            return True
        if behind >= NONCE_COUNT_WINDOW or self.seen >> behind & 1:
            return False
        self.seen |= 1 << behind
        return True


def challenges_of(response: Response) -> tuple[str, list[str]]:
    """The header that answers the challenges of a 401 or 407, and the challenges."""
    if response.status == 407:
        return "Proxy-Authorization", response.headers.all("Proxy-Authenticate")
    return "Authorization", response.headers.all("WWW-Authenticate")


def answer(
    challenges: Sequence[str],
    credentials: Credentials,
    method: str,
    uri: str,
    body: bytes = b"",
    *,
    cnonce: str,
    nc: int = 1,
    header_name: str = "Authorization",
) -> tuple[str, str]:
    """The header that answers the strongest of `challenges`; `nc` counts the requests sent with its nonce.

    Raises `PeerError` when none of them is a digest challenge we know.
    """
    challenge = _strongest(challenges)
    given = {
        "username": credentials.username,
        "realm": challenge["realm"],
        "nonce": challenge["nonce"],
        "uri": uri,
        "algorithm": challenge.get("algorithm", "MD5"),
    }
    qop = _quality(challenge)
    if qop:
        given |= {"qop": qop, "cnonce": cnonce, "nc": f"{nc:08x}"}
    elif given["algorithm"].lower().endswith("-sess"):
        given["cnonce"] = cnonce
    given["response"] = _response(given, credentials.password, method, body)
    if "opaque" in challenge:
        given["opaque"] = challenge["opaque"]
    return header_name, _format(given)


def _strongest(challenges: Sequence[str]) -> dict[str, str]:
    known = []
    for value in challenges:
        try:
            challenge = AuthValue.parse(value)
        except PeerError:
            continue
        algorithm = challenge.params.get("algorithm", "MD5").lower()
        if (
            challenge.scheme == "digest"
            and algorithm in _STRONGEST_FIRST
            and challenge.params.keys() >= {"realm", "nonce"}
            and _quality(challenge.params) is not None
        ):
            known.append((_STRONGEST_FIRST.index(algorithm), dict(challenge.params)))
    if not known:
        raise PeerError("no digest challenge we could answer", drop="unanswerable_challenge")
    return min(known, key=lambda ranked: ranked[0])[1]


def _quality(challenge: Mapping[str, str]) -> str | None:
    """The quality of protection to answer with: auth before auth-int, empty for RFC 2069, None when unknown."""
    if "qop" not in challenge:
        return ""
    offered = [qop.strip().lower() for qop in challenge["qop"].split(",")]
    return next((qop for qop in ("auth", "auth-int") if qop in offered), None)


def _format(given: dict[str, str]) -> str:
    bare = ("algorithm", "qop", "nc")
    return "Digest " + ", ".join(
        [f"{name}={value}" if name in bare else f"{name}={quote(value)}" for name, value in given.items()]
    )


def _response(given: dict[str, str], password: str, method: str, body: bytes) -> str:
    """The request-digest of RFC 7616 §3.4.1, in the RFC 2069 form when there is no qop."""
    algorithm = given["algorithm"].lower()
    is_session = algorithm.endswith("-sess")
    hash_of = hashlib.md5 if algorithm.startswith("md5") else hashlib.sha256

    def digest(*parts: str) -> str:
        data = ":".join(parts).encode("utf-8", "surrogateescape")
        return hash_of(data, usedforsecurity=False).hexdigest()

    secret = digest(given["username"], given["realm"], password)
    if is_session:
        secret = digest(secret, given["nonce"], given["cnonce"])
    qop = given.get("qop")
    asked = [method, given["uri"]]
    if qop == "auth-int":
        asked.append(hash_of(body, usedforsecurity=False).hexdigest())
    if not qop:
        return digest(secret, given["nonce"], digest(*asked))
    return digest(secret, given["nonce"], given["nc"], given["cnonce"], qop, digest(*asked))


def _is_for(uri: str, request_uri: Uri) -> bool:
    """Whether credentials were made for this Request-URI: its user and host, whatever its port and parameters.

    Phones write both alike but for these (RFC 7616 §3.4.6); a difference is somebody else's answer.
    """
    try:
        made_for = Uri.parse(uri)
    except PeerError:
        return False
    return made_for.username == request_uri.username and made_for.host.lower() == request_uri.host.lower()


def _nonce_count(given: dict[str, str]) -> int | None:
    """The nonce count, 8LHEX and not 0; None when there is none."""
    count = given.get("nc", "")
    if len(count) != 8 or count.strip("0123456789abcdefABCDEF"):
        return None
    return int(count, 16) or None
