"""Requests that begin something: those of no dialog, and the INVITE that will make one (RFC 3261 §8.1.1, §13.2.1).

They are whole but for Via and Contact, which `client` puts on when it knows where they go.
"""

from softswitch.sip.dialog import MAX_FORWARDS
from softswitch.sip.headers import Address
from softswitch.sip.identifiers import Identifiers
from softswitch.sip.message import SDP, HeaderFields, Request
from softswitch.sip.session.settings import SessionSettings
from softswitch.sip.uri import Uri


class Beginnings:
    """Makes them, as one user agent."""

    def __init__(self, identifiers: Identifiers, settings: SessionSettings) -> None:
        self._identifiers, self._settings = identifiers, settings

    def request(self, method: str, uri: Uri, from_: Address, to: Address | None, headers: HeaderFields) -> Request:
        """Of no dialog."""
        request = Request(method, uri)
        add = request.headers.add
        add("Via", "")
        add("Max-Forwards", MAX_FORWARDS)
        add("From", str(from_.with_tag(self._identifiers.tag())))
        add("To", str(to or Address(uri)))
        add("Call-ID", self._identifiers.call_id())
        add("CSeq", f"{self._identifiers.first_cseq()} {method}")
        add("User-Agent", self._settings.user_agent)
        for name, value in headers:
            add(name, value)
        return request

    def invite(
        self,
        uri: Uri,
        from_: Address,
        to: Address | None,
        headers: HeaderFields,
        offer: bytes | None,
        max_forwards: int | None,
    ) -> Request:
        """The first INVITE of a session; `max_forwards` is less than usual where we hand a call on."""
        request = self.request("INVITE", uri, from_, to, headers)
        if max_forwards is not None:
            request.headers.set("Max-Forwards", str(max_forwards))
        for name, value in (("Contact", ""), *self._settings.common_headers):
            request.headers.add(name, value)
        if self._settings.session_expires_s:
            request.headers.add("Session-Expires", str(self._settings.session_expires_s))
        if offer is not None:
            request.headers.add("Content-Type", SDP)
            request.body = offer
        return request


def first_hop(request: Request) -> Uri:
    """Where a request of no dialog is sent: its first Route where that is loose, else its Request-URI."""
    routes = request.routes
    return routes[0].uri if routes and "lr" in routes[0].uri.params else request.uri
