"""Digest authentication, both sides (RFC 2617, RFC 7616, RFC 8760).

`Challenger` is the server: its nonces are signed and carry their time, so a challenge costs no memory; only a nonce
that was answered correctly is remembered, for its nonce counts, in a table of bounded size. An answer is good once, for
the Request-URI it was made for, from the address that was challenged. `answer` is the client: it takes the strongest
challenge it knows. Pure: no clock and no random numbers, `now` and `cnonce` come from outside.
"""

import hashlib
import hmac
from collections import deque
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
_LARGEST_COUNT = 0xFFFFFFFF


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
        self._used: dict[bytes, int] = {}  # by nonce, the counts it was used with (`_with_count`)
        self._in_order: deque[bytes] = deque()  # the same nonces: a dict finds its oldest key slower with each it loses
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
        nonce = self._own_nonce(given["nonce"], source)
        if nonce is None or not 0 <= now - _issued_at(nonce) <= self._nonce_lifetime_s:
            return Verdict.STALE
        password = lookup(given["username"])
        expected = _response(given, password or "", request.method, request.body)
        if not hmac.compare_digest(expected.encode(), given["response"].lower().encode()) or password is None:
            return Verdict.WRONG
        return self._spend(nonce, _nonce_count(given) if "qop" in given else 1)

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

    def _spend(self, nonce: bytes, count: int | None) -> Verdict:
        """Judge the use of a nonce by credentials that are right."""
        used = self._used.get(nonce)
        if used is None and _issued_at(nonce) <= self._forgotten_at:
            return Verdict.STALE
        with_it = _with_count(used or 0, count or 0)
        if with_it is None:
            return Verdict.STALE
        if used is None:
            self._forget_oldest()
            self._in_order.append(nonce)
        self._used[nonce] = with_it
        return Verdict.OK

    def _forget_oldest(self) -> None:
        if len(self._in_order) >= self._nonces_remembered:
            oldest = self._in_order.popleft()
            self._forgotten_at = max(self._forgotten_at, _issued_at(oldest))
            del self._used[oldest]

    def _nonce(self, now: float, source: str) -> str:
        """A nonce no other challenge has: the time in ms, a serial number, and our signature of both for `source`."""
        self._issued = (self._issued + 1) & 0xFFFFFFFF
        issued = int(now * 1000).to_bytes(6, "big") + self._issued.to_bytes(4, "big")
        return (issued + self._signature(issued, source)).hex()

    def _own_nonce(self, nonce: str, source: str) -> bytes | None:
        """What `nonce` stands for; None when we did not issue it to `source`."""
        try:
            raw = bytes.fromhex(nonce)
        except ValueError:
            return None
        issued, signature = raw[:_ISSUED_BYTES], raw[_ISSUED_BYTES:]
        return raw if hmac.compare_digest(signature, self._signature(issued, source)) else None

    def _signature(self, issued: bytes, source: str) -> bytes:
        signer = self._signer.copy()
        signer.update(issued + source.encode("utf-8", "surrogateescape"))
        return signer.digest()


def _issued_at(nonce: bytes) -> float:
    return int.from_bytes(nonce[:6], "big") / 1000


def _with_count(used: int, count: int) -> int | None:
    """The counts a nonce was used with, and one more; None when that was used, or is too far behind to know.

    In one number, since so many are kept: the highest in the lower 32 bits, above them a bit for each of those right
    below it.
    """
    highest, below = used & _LARGEST_COUNT, used >> 32
    ahead = count - highest
    if ahead > 0:
        below = (below << 1 | (highest > 0)) << min(ahead, NONCE_COUNT_WINDOW) - 1
        return (below & (1 << NONCE_COUNT_WINDOW - 1) - 1) << 32 | count
    if not ahead or -ahead >= NONCE_COUNT_WINDOW or below >> -ahead - 1 & 1:
        return None
    return used | 1 << 31 - ahead


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
