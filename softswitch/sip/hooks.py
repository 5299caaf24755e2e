"""What the owner of a stack has a say in: who is answered, known, ignored or challenged, and what he is told.

`Stack` is one of these: its owner sets the attributes, its server asks the methods. Until something is set, calls get
480, OPTIONS 200, other requests 405, and nobody is known, ignored or challenged.
"""

from collections.abc import Callable

from softswitch.sip.identifiers import Identifiers
from softswitch.sip.message import HeaderFields, Request, Response
from softswitch.sip.peer import Peer
from softswitch.sip.session.session import Session
from softswitch.sip.validation import Capabilities


class Hooks:
    """`trace` sees every message (its media keys masked); who `ignores` names gets silence, except within a session."""

    def __init__(self, identifiers: Identifiers) -> None:
        self.capabilities = Capabilities()
        self.on_invite: Callable[[Session], None] = _nobody_answers
        self.on_request: Callable[[Request, Peer], Response | None] = self.answer_options
        self.trace: Callable[[str, Peer, bytes], None] | None = None
        self.ignores: Callable[[Peer], bool] = _nobody
        self.knows: Callable[[Peer], bool] = _nobody
        """Senders for whom there is still room where strangers find none."""
        self.heeds: frozenset[str] = frozenset()
        """Methods that are taken from everybody, whoever is ignored: REGISTER of a registrar."""
        self.challenges: Callable[[Request, Peer], HeaderFields | None] = _nobody_is_challenged
        """The challenge for a request that has to prove first who it is from: its 401 leaves nothing behind."""
        self.on_lost: Callable[[Peer], None] = _nobody_listens
        """Told where something was not delivered to, and whose connection has closed."""
        self._identifiers = identifiers

    def answer_options(self, request: Request, _peer: Peer) -> Response | None:
        """The default `on_request`: 200 to OPTIONS with what we can do, 405 to the rest."""
        tag, headers = self._identifiers.tag(), self.capabilities.headers()
        if request.method == "OPTIONS":
            return Response.for_request(request, 200, to_tag=tag, headers=headers)
        return Response.for_request(request, 405, to_tag=tag, headers=headers[:1])

    # --- what the server asks ---------------------------------------------------------------------------------------

    def is_known(self, peer: Peer) -> bool:
        return self.knows(peer)

    def challenge_for(self, request: Request, peer: Peer) -> HeaderFields | None:
        return self.challenges(request, peer)

    def answer_for(self, request: Request, peer: Peer) -> Response | None:
        return self.on_request(request, peer)

    def takes_all_methods(self) -> bool:
        return self.on_request != self.answer_options

    def is_ignored(self, peer: Peer, method: str = "") -> bool:
        return method not in self.heeds and self.ignores(peer)


def _nobody(_: Peer) -> bool:
    return False


def _nobody_is_challenged(_: Request, __: Peer) -> HeaderFields | None:
    return None


def _nobody_listens(_: Peer) -> None:
    """Until somebody wants to hear of flows."""


def _nobody_answers(session: Session) -> None:
    session.reject(480)
