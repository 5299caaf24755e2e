"""The third party endpoint: a call is handed to a SIP application or PBX of somebody else, with all we know of it.

Its addresses that take calls (`outbound`, `any`) are tried by priority, equals in the order of the plan: one that is
silent, broken or overloaded makes the next one be tried, any other refusal is the caller's answer. Calls that come from
it are known by `routing.identify` and go where the number leads, like those of a user.

What is handed on: the number called as Request-URI, the To the caller wrote, the caller's name and number (in From only
where he does not want privacy, RFC 3323), and the headers named below; those of `relay_sip_headers`, with whatever
transformations have made of them, are on top.
"""

from collections.abc import Iterable, Iterator, Mapping

from softswitch.call import Call, Invitation, Lines, Onward, Outcome, connect
from softswitch.endpoints.base import Endpoint
from softswitch.errors import CallRejected
from softswitch.plan import DATAGRAMS, AnyEndpoint, EndpointAddress, ThirdPartyEndpoint
from softswitch.routing import Target, number_of
from softswitch.routing.caller import is_believed, wants_privacy
from softswitch.routing.identity import ANONYMOUS
from softswitch.routing.presentation import verified_identity, without_verdict
from softswitch.sip import Credentials, Headers, Uri
from softswitch.sip.uri import escape_user

IDENTITY = ("P-Asserted-Identity", "Privacy", "Identity")
"""Who calls, by the word of a trunk; the first only of one that we believe."""
HISTORY = ("Diversion", "History-Info")
"""Over whom the call has come, by the word of a trunk that we believe."""

NOWHERE_TO_CALL = CallRejected(503, "Service Unavailable", q850=38)
"""Q.850: network out of order."""

HeaderFields = Iterator[tuple[str, str]]


class ThirdParty(Endpoint):
    """One third party of the plan."""

    def __init__(self, account: ThirdPartyEndpoint, *, lines: Lines, onward: Onward) -> None:
        """`onward` knows where a transfer may lead: users of ours may transfer, the third party may not."""
        self.name = account.name
        self._account = account
        self._lines = lines
        self._onward = onward

    def adopt(self, account: AnyEndpoint) -> None:
        super().adopt(account)
        if isinstance(account, ThirdPartyEndpoint):
            self._account = account

    async def run(self, call: Call) -> Outcome:
        """The whole call. Raises `CallRejected`: what the third party says, or 503 where it has no address for us."""
        return await connect(call, self.invitation(call), self._lines, self._onward)

    def invitation(self, call: Call) -> Invitation:
        """Raises `CallRejected` 503 where there is nothing to call."""
        targets = self.targets(call)
        if not targets:
            raise NOWHERE_TO_CALL
        is_private = call.invite is not None and wants_privacy(call.invite)
        written = call.invite if call.transfer is None else None
        dialled = (number_of(written.to.uri) if written is not None else "") or call.dialled_number
        return Invitation(
            [[target] for target in targets],
            from_number=ANONYMOUS if is_private else escape_user(call.from_number),
            from_name="Anonymous" if is_private else call.from_name,
            to_number=escape_user(dialled),
        )

    def targets(self, call: Call) -> list[Target]:
        """Its addresses, best first, each with the whole of what is handed on."""
        headers = tuple(self._headers(call))
        places = [place for place in self._account.addresses if place.direction != "inbound"]
        return [
            self._target(place, call.to_number, headers) for place in sorted(places, key=lambda place: place.priority)
        ]

    def _target(self, place: EndpointAddress, number: str, headers: tuple[tuple[str, str], ...]) -> Target:
        account = self._account
        return Target(
            f"third party {account.name} {place.ip}:{place.port}",
            _uri(place, number),
            by_udp_alone=place.transport == "udp",
            credentials=_credentials(place, account),
            headers=headers,
            codecs=account.codecs,
            media_encryption=account.media_encryption,
            endpoint_sid=account.sid,
        )

    def _headers(self, call: Call) -> HeaderFields:
        came = Headers() if call.is_masked or call.invite is None else call.invite.headers
        if call.source is not None and call.source.trunk_group is not None:
            believed = is_believed(call.source)
            if call.stir is not None and not call.is_masked:
                yield from verified_identity(call.from_number, call.from_name, call.stir.verstat)
            elif believed:
                for name, value in _of(came, IDENTITY[:1]):
                    yield name, without_verdict(value)
            yield from _of(came, IDENTITY[1:])
            yield from _of(came, HISTORY if believed else ())
        yield from relayed(came, self._account.relay_sip_headers, call.headers)


def relayed(came: Headers, patterns: Iterable[str], changed: Mapping[str, str]) -> HeaderFields:
    """The headers that a list of names and beginnings (`X-*`) wants, as transformations have left them."""
    wanted = [pattern.lower() for pattern in patterns]
    beginnings = tuple(pattern[:-1] for pattern in wanted if pattern.endswith("*"))
    given = frozenset(map(str.lower, (*IDENTITY, *HISTORY)))
    for name, value in came:
        known_as = name.lower()
        if (known_as in wanted or known_as.startswith(beginnings)) and known_as not in changed.keys() | given:
            yield name, value
    for name, value in changed.items():
        if value and (name in wanted or name.startswith(beginnings)):
            yield "-".join(word.capitalize() for word in name.split("-")), value


def _of(came: Headers, names: Iterable[str]) -> HeaderFields:
    for name in names:
        for value in came.all(name):
            yield name, value


def _uri(place: EndpointAddress, number: str) -> Uri:
    params = {} if place.transport in DATAGRAMS else {"transport": place.transport}
    return Uri("sip", escape_user(number), host=place.ip, port=place.port, params=params)


def _credentials(place: EndpointAddress, account: ThirdPartyEndpoint) -> Credentials | None:
    """What the address demands; where it says nothing, what the endpoint says."""
    username, password = place.sip_username, place.sip_password
    if not username:
        username, password = account.out_sip_username, account.out_sip_password
    return Credentials(username, password) if username else None
