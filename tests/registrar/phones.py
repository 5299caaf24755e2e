"""A registrar with a few users, and phones of bytes that answer challenges as phones do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from softswitch.errors import CallRejected
from softswitch.plan import NumberPlan, Plan, User
from softswitch.registrar import Guard, Location
from softswitch.registrar.registrar import Registrar
from softswitch.settings import GuardSettings, RegistrarSettings
from softswitch.sip.digest import Challenger, Credentials, answer
from softswitch.sip.message import Request, Response
from softswitch.sip.parser import parse
from softswitch.sip.peer import Peer, Transport

REALM = "softswitch"
HOME = Peer(Transport.UDP, "192.0.2.10", 5060, 5060)
USERS = {"1001": "one-secret", "1002": "two-secret", "1003": "three-secret"}
TODAY = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)

_calls = count(1)


def plan_of(users: dict[str, str]) -> Plan:
    return Plan(NumberPlan(users=tuple(User(username=name, password=word) for name, word in users.items())))


class Home:
    """A registrar with its parts, at a moment that tests set."""

    def __init__(
        self, *, guard: GuardSettings | None = None, users: dict[str, str] = USERS, **settings: object
    ) -> None:
        self.now = 1000.0
        plan = plan_of(users)
        self.location = Location(plan)
        self.guard = Guard(
            guard or GuardSettings(),
            plan,
            self.location,
            Challenger(REALM, b"secret of a test", nonce_lifetime_s=3900),
            ("baresip v1.",),
        )
        accepted = RegistrarSettings.model_validate(settings)
        self.registrar = Registrar(accepted, self.location, self.guard, lambda: TODAY)

    def take(self, request: Request, peer: Peer = HOME) -> Response:
        """What the request is answered, whether taken or refused."""
        try:
            return self.registrar.register(request, peer, self.now)
        except CallRejected as rejected:
            return Response.for_request(request, rejected.status, rejected.reason, headers=rejected.headers)

    def contacts(self, username: str = "1001") -> list[str]:
        return [binding.uri for binding in self.location.of(username)]


@dataclass
class Phone:
    """One phone of a user: its Call-ID stays, its CSeq counts, its last nonce is used again."""

    home: Home
    username: str = "1001"
    password: str = ""
    peer: Peer = HOME
    contact: str = "<sip:1001@192.0.2.10:5060>"
    headers: Sequence[str] = ()
    via: str = "SIP/2.0/UDP 192.0.2.10:5060;rport"
    algorithm: str = "SHA-256"
    call_id: str = field(default_factory=lambda: f"call-{next(_calls)}")
    cseq: int = 0
    challenge: str = ""
    uses: int = 0

    def request(self, *contacts: str, headers: Sequence[str] = (), to: str = "", challenge: str = "") -> Request:
        """A REGISTER as bytes make it."""
        self.cseq += 1
        lines = [
            "REGISTER sip:softswitch.example SIP/2.0",
            f"Via: {self.via};branch=z9hG4bK{self.call_id}{self.cseq}",
            "Max-Forwards: 70",
            f"From: <sip:{self.username}@softswitch.example>;tag=f",
            f"To: <sip:{to or self.username}@softswitch.example>",
            f"Call-ID: {self.call_id}",
            f"CSeq: {self.cseq} REGISTER",
            *(f"Contact: {contact}" for contact in contacts),
            *self.headers,
            *headers,
        ]
        request = parse("\r\n".join([*lines, "Content-Length: 0\r\n\r\n"]).encode("utf-8", "surrogateescape"))
        assert isinstance(request, Request)
        if challenge:
            self.uses += 1
            request.headers.set(*self._answer(challenge))
        return request

    def _answer(self, challenge: str) -> tuple[str, str]:
        password = self.password or USERS.get(self.username, "")
        credentials = Credentials(self.username, password)
        return answer([challenge], credentials, "REGISTER", "sip:softswitch.example", cnonce="c", nc=self.uses)

    def register(self, *contacts: str, headers: Sequence[str] = (), to: str = "") -> Response:
        """REGISTER, and again with credentials where it is challenged."""
        wanted = contacts or (self.contact,)
        if self.challenge:
            response = self.home.take(
                self.request(*wanted, headers=headers, to=to, challenge=self.challenge), self.peer
            )
            if response.status != 401:
                return response
        else:
            response = self.home.take(self.request(*wanted, headers=headers, to=to), self.peer)
        assert response.status == 401
        offered = response.headers.all("WWW-Authenticate")
        self.challenge = next((one for one in offered if one.endswith(f"={self.algorithm}")), offered[0])
        self.uses = 0
        return self.home.take(self.request(*wanted, headers=headers, to=to, challenge=self.challenge), self.peer)

    def unregister(self, *contacts: str) -> Response:
        return self.register(*(f"{contact};expires=0" for contact in contacts or (self.contact,)))

    def fetch(self) -> list[str]:
        """The contacts that stand, as a REGISTER without any tells (RFC 3261 §10.2.3)."""
        response = self.home.take(self.request(challenge=self.challenge), self.peer)
        assert response.status == 200
        return response.headers.all("Contact")
