"""On whose account a call goes out, and what he says of himself. A value; `Outward` decides what is shown of it.

Whoever places a call makes one: of a user or an endpoint that calls, of a call that is forwarded, of the switch itself.
"""

from dataclasses import dataclass, field

from softswitch.plan import AnyEndpoint, ThirdPartyEndpoint, User
from softswitch.routing.identify import Identified
from softswitch.routing.number import number_of
from softswitch.sip.message import Headers, Request

ANONYMOUS_HOST = "anonymous.invalid"
PRIVATE = frozenset({"id", "user", "header", "critical"})
"""Values of Privacy that hide the caller (RFC 3323 §4.2, RFC 3325 §9.3)."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who pays, and who is shown."""

    number: str
    """His number, after the transformations of the way in; empty where he has none."""
    name: str = ""
    user: User | None = None
    endpoint: AnyEndpoint | None = None
    trunk_group: str = ""
    """Over which the call came to us, where it is forwarded."""
    claims: str = ""
    """The number that a user or endpoint wants to be shown with; empty: whichever is his."""
    is_private: bool = False
    is_asserted: bool = False
    """A trunk that we trust vouches for the number."""
    is_own: bool = False
    """It is the number of a user of ours, who calls."""
    is_believed: bool = False
    """The call came over a trunk whose word is taken on over whom it has come before."""
    diversions: tuple[tuple[str, str], ...] = ()
    """Numbers of ours that have forwarded the call, latest first, each with why (RFC 5806: user-busy, no-answer)."""
    headers: Headers = field(default_factory=Headers)
    """Of the INVITE that came in: what trunks relay, Diversion."""
    attestation: str = ""
    """A, B or C where somebody has said so (RFC 8588); else it follows from who calls."""

    @classmethod
    def of(
        cls,
        source: Identified,
        request: Request,
        *,
        number: str,
        name: str = "",
        endpoint: AnyEndpoint | None = None,
        diversions: tuple[tuple[str, str], ...] = (),
    ) -> "Caller":
        """Who sends an INVITE to us. `number` and `name`: as the router has found them."""
        from_, user = request.from_, source.user
        is_own = user is not None or endpoint is not None
        return cls(
            number if user is None else user.phonenumber or "",
            name or from_.name,
            user,
            endpoint,
            source.trunk_group.name if source.trunk_group is not None else "",
            claims=number_of(from_.uri) if is_own else "",
            is_private=wants_privacy(request),
            is_asserted=_is_asserted(source, request),
            is_own=user is not None and bool(user.phonenumber),
            is_believed=is_believed(source),
            diversions=diversions,
            headers=request.headers,
        )

    @property
    def subject(self) -> str:
        """Whose limits count: "user 1001", "endpoint crm"; nothing for a call that nobody of ours has asked for."""
        if self.user is not None:
            return f"user {self.user.username}"
        return f"endpoint {self.endpoint.name}" if self.endpoint is not None else ""

    @property
    def shown_as(self) -> str:
        """Whose numbers may be shown: the subject's; where it was forwarded, those of a third party that calls;
        nothing for a number that is passed on as it came."""
        if not self.diversions:
            return self.subject
        return f"endpoint {self.endpoint.name}" if isinstance(self.endpoint, ThirdPartyEndpoint) else ""


def is_believed(source: Identified) -> bool:
    """Whether a trunk sends it whose word on who calls, and over whom, is taken (`in_identity_mode`)."""
    return source.trunk_group is not None and (source.trunk is None or source.trunk.in_identity_mode == "passthrough")


def _is_asserted(source: Identified, request: Request) -> bool:
    """Whether somebody we trust vouches for the number: a trunk by its header, we ourselves for our users."""
    if source.user is not None:
        return source.user.phonenumber is not None
    return is_believed(source) and "P-Asserted-Identity" in request.headers


def wants_privacy(request: Request) -> bool:
    """Whether the caller asks not to be shown: Privacy, or the anonymous URI in From (RFC 3323 §4.1)."""
    from_ = request.from_.uri
    if from_.host.lower() == ANONYMOUS_HOST or from_.username.lower() == "anonymous":
        return True
    asked = (request.headers.get("Privacy") or "").replace(",", ";").split(";")
    return not PRIVATE.isdisjoint(word.strip().lower() for word in asked)
