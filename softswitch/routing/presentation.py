"""Who is shown to the far end of a trunk: From, P-Asserted-Identity, Remote-Party-ID, Privacy, Diversion. Pure.

A user or an endpoint may only show a number that is his: `phonenumber` of the user, a DID that leads to him, or one of
`caller_ids` in his calling rules. Any other claim is replaced by his first number; who has none is shown as anonymous.
That holds for a third party also where a user of ours forwards its call.

`out_identity_mode` of the trunk says in which headers the number stands:

    passthrough  From; P-Asserted-Identity too where the number is vouched for: it is ours, or a carrier said so
    pai          From and P-Asserted-Identity (RFC 3325)
    rpid         From and Remote-Party-ID
    from         From alone

A caller who wants privacy is anonymous in From (RFC 3323); the trusted headers still name him, with `Privacy: id`:
a carrier has to know whom to bill.

What a call says of its way before it came to us (Diversion, History-Info) and of a caller who was vouched for
(P-Asserted-Identity) goes on only where a trunk that we believe has sent it, and never with a `verstat` that is not of
our own finding.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from softswitch.plan import CallingRules, Plan, Trunk
from softswitch.routing.caller import ANONYMOUS_HOST, Caller
from softswitch.routing.reasons import Reason
from softswitch.sip.grammar import quote
from softswitch.sip.headers import Address
from softswitch.sip.uri import Uri, escape_user

ANONYMOUS = "anonymous"
DIVERSIONS_AT_MOST = 5
OF_CARRIERS = frozenset({"diversion", "history-info", "p-asserted-identity"})
"""Headers that carriers say to each other: nobody else's are passed on."""

_VERSTAT = re.compile(r";\s*verstat\s*=[^;>,]*", re.IGNORECASE)

HeaderFields = Iterator[tuple[str, str]]
Here = tuple[str, int | None]
"""Host and port that our numbers are at."""


@dataclass(frozen=True, slots=True)
class CallerId:
    """What is shown. `is_ours`: a number that we know is the caller's."""

    number: str
    name: str
    is_private: bool
    is_ours: bool
    is_asserted: bool

    @property
    def is_anonymous(self) -> bool:
        return self.number == ANONYMOUS


def numbers_of_users_and_endpoints(plan: Plan) -> Mapping[str, tuple[str, ...]]:
    """The DIDs that lead to each, by subject: "user 1001", "endpoint crm"."""
    found: dict[str, list[str]] = {}
    for did in plan.numbers.dids:
        subject = f"user {did.user}" if did.user is not None else f"endpoint {did.endpoint}"
        found.setdefault(subject, []).append(did.phonenumber)
    return {subject: tuple(numbers) for subject, numbers in found.items()}


def caller_id(caller: Caller, dids: Iterable[str], rules: CallingRules) -> tuple[CallerId, Reason]:
    """The number that is shown, and why. `dids`, `rules`: those of whoever it is shown as."""
    who = caller.shown_as
    if not who:
        number = caller.number or ANONYMOUS
        shown = CallerId(number, caller.name, caller.is_private, caller.is_own, caller.is_asserted)
        return shown, Reason("caller id", shown.number, True, "of the call that is passed on" if caller.number else "")
    own = _own(caller, dids, rules)
    claimed = caller.claims or caller.number
    if claimed in own:
        number, why = claimed, f"is a number of {who}"
    elif own:
        number = own[0]
        why = f"the first of {who}" + (f", to whom {claimed} does not belong" if claimed else "")
    else:
        number, why = ANONYMOUS, f"{who} has no number to show"
    return CallerId(number, caller.name, caller.is_private, bool(own), bool(own)), Reason(
        "caller id", number, True, why
    )


def from_header(shown: CallerId, here: Here) -> Address:
    """From of our INVITE."""
    if shown.is_private or shown.is_anonymous:
        return Address(Uri("sip", ANONYMOUS, host=ANONYMOUS_HOST), "Anonymous")
    return Address(_uri(shown.number, here), shown.name)


def identity_headers(shown: CallerId, trunk: Trunk, here: Here) -> HeaderFields:
    """Those beside From, by the trunk's mode."""
    mode = trunk.out_identity_mode
    if mode == "from" or (mode == "passthrough" and not shown.is_asserted):
        if shown.is_private:
            yield "Privacy", "user"
        return
    if not shown.is_anonymous:
        name = f"{quote(shown.name)} " if shown.name else ""
        identity = f"{name}<{_uri(shown.number, here)}>"
        if mode == "rpid":
            screen, privacy = ("yes" if shown.is_asserted else "no"), ("full" if shown.is_private else "off")
            yield "Remote-Party-ID", f"{identity};party=calling;screen={screen};privacy={privacy}"
        else:
            yield "P-Asserted-Identity", identity
    if shown.is_private:
        yield "Privacy", "id"


def verified_identity(number: str, name: str, verstat: str) -> HeaderFields:
    """Who calls, for somebody of ours, with what was found out about his signature (3GPP TS 24.229 §7.2A.20)."""
    if number.isdigit():
        shown = f"{quote(name)} " if name else ""
        yield "P-Asserted-Identity", f"{shown}<tel:+{number};verstat={verstat}>"


def without_verdict(asserted: str) -> str:
    """P-Asserted-Identity of somebody else, without what he says to have found out about it."""
    return _VERSTAT.sub("", asserted)


def diversion_headers(caller: Caller, here: Here) -> HeaderFields:
    """Who has forwarded the call: we first, then whoever did before it came over a trunk (RFC 5806 §6)."""
    for number, reason in caller.diversions[:DIVERSIONS_AT_MOST]:
        yield "Diversion", f"<{_uri(number, here)}>;reason={reason};counter=1"
    for value in caller.headers.all("Diversion")[:DIVERSIONS_AT_MOST] if caller.is_believed else ():
        yield "Diversion", value


def relayed_headers(caller: Caller, names: Iterable[str], changed: Mapping[str, str]) -> HeaderFields:
    """What the trunk passes on of the INVITE that came in, and what transformations have made of it."""
    for name in names:
        known_as = name.lower()
        if known_as not in changed and (caller.is_believed or known_as not in OF_CARRIERS):
            for value in caller.headers.all(name):
                yield name, without_verdict(value) if known_as == "p-asserted-identity" else value
    for name, value in changed.items():
        if value:
            yield "-".join(part.capitalize() for part in name.split("-")), value


def _own(caller: Caller, dids: Iterable[str], rules: CallingRules) -> list[str]:
    is_his = caller.user is not None and caller.shown_as == caller.subject
    phonenumber = caller.user.phonenumber if caller.user is not None and is_his else None
    return [*([phonenumber] if phonenumber else []), *dids, *rules.caller_ids]


def _uri(number: str, here: Here) -> Uri:
    host, port = here
    return Uri("sip", number if number.isascii() and number.isdigit() else escape_user(number), host=host, port=port)
