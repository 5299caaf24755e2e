"""Dialogs (RFC 3261 §12): who talks with whom, along which route, and which CSeq comes next.

A session holds one dialog, and while its INVITE is out perhaps several early ones (forking). A dialog builds its own
requests; Via is put on by the stack, which knows the transport.
"""

from softswitch.errors import PeerError
from softswitch.sip.headers import Address
from softswitch.sip.message import Request, Response
from softswitch.sip.uri import Uri

MAX_FORWARDS = "70"  # RFC 3261 §8.1.1.6


class Dialog:
    """The state of RFC 3261 §12.1: `local` and `remote` are the From and To texts of our requests, tags included."""

    __slots__ = (
        "call_id",
        "local",
        "local_cseq",
        "local_tag",
        "remote",
        "remote_cseq",
        "remote_tag",
        "remote_target",
        "route_set",
    )

    def __init__(self, call_id: str, local: str, local_tag: str, remote: str, remote_tag: str, target: Uri) -> None:
        self.call_id = call_id
        self.local, self.local_tag = local, local_tag
        self.remote, self.remote_tag = remote, remote_tag
        self.remote_target = target
        self.local_cseq = 0
        self.remote_cseq: int | None = None
        self.route_set: tuple[Address, ...] = ()

    @classmethod
    def of_server(cls, request: Request, local_tag: str, first_cseq: int) -> "Dialog":
        """The dialog a UAS makes of a request (RFC 3261 §12.1.1). Raises `PeerError` without a usable Contact."""
        to = request.headers.get("To") or ""
        dialog = cls(
            request.call_id,
            f"{to};tag={local_tag}",
            local_tag,
            request.headers.get("From") or "",
            request.from_.tag or "",  # an RFC 2543 peer has none
            _target(request),
        )
        dialog.local_cseq = first_cseq
        dialog.remote_cseq = request.cseq.number
        dialog.route_set = tuple(request.record_routes)
        return dialog

    @classmethod
    def of_client(cls, request: Request, response: Response) -> "Dialog":
        """The dialog a UAC makes of a response with a To tag (RFC 3261 §12.1.2)."""
        dialog = cls(
            request.call_id,
            request.headers.get("From") or "",
            request.from_.tag or "",
            response.headers.get("To") or "",
            response.to.tag or "",
            _target(response),
        )
        dialog.local_cseq = request.cseq.number
        dialog.route_set = tuple(reversed(response.record_routes))
        return dialog

    @property
    def next_hop(self) -> Uri:
        """Where a request of this dialog is sent: the first route, be it loose or strict, or the remote target."""
        return self.route_set[0].uri if self.route_set else self.remote_target

    def request(self, method: str, *, cseq: int | None = None) -> Request:
        """A request within the dialog (RFC 3261 §12.2.1.1); ACK and CANCEL pass the number of their INVITE."""
        if cseq is None:
            self.local_cseq += 1
            cseq = self.local_cseq
        uri, routes = self._addressed()
        request = Request(method, uri)
        add = request.headers.add
        add("Via", "")
        for route in routes:
            add("Route", str(route))
        add("Max-Forwards", MAX_FORWARDS)
        add("From", self.local)
        add("To", self.remote)
        add("Call-ID", self.call_id)
        add("CSeq", f"{cseq} {method}")
        return request

    def _addressed(self) -> tuple[Uri, tuple[Address, ...]]:
        """Request-URI and Route set. A strict router (no `lr`) takes the Request-URI, the target goes last."""
        if not self.route_set or "lr" in self.route_set[0].uri.params:
            return self.remote_target, self.route_set
        return self.route_set[0].uri, (*self.route_set[1:], Address(self.remote_target))

    def accepts(self, request: Request) -> bool:
        """Whether this request is newer than what came before (RFC 3261 §12.2.2), and takes note of it."""
        number = request.cseq.number
        if self.remote_cseq is not None and number <= self.remote_cseq:
            return False
        self.remote_cseq = number
        return True

    def refresh_target(self, message: Request | Response) -> None:
        """A target refresh request or its 2xx moves the remote target (RFC 3261 §12.2)."""
        if message.contact is not None:
            self.remote_target = message.contact.uri

    def __repr__(self) -> str:
        return f"<Dialog {self.call_id} {self.local_tag}/{self.remote_tag} -> {self.remote_target}>"


def _target(message: Request | Response) -> Uri:
    contact = message.contact
    if contact is None:
        raise PeerError("a dialog needs a Contact", drop="no_contact")
    return contact.uri
