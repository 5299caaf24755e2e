"""Where a message really came from, and where its response goes (RFC 3261 §18.2, RFC 3581)."""

import ipaddress
from functools import lru_cache

from softswitch.sip.grammar import split_list
from softswitch.sip.headers import Via
from softswitch.sip.message import Request
from softswitch.sip.peer import Peer, Transport

DEFAULT_PORT = 5060


def note_source(request: Request, peer: Peer) -> None:
    """Add `received` (and `rport` where it was asked for) to the topmost Via (RFC 3261 §18.2.1, RFC 3581 §4)."""
    via = request.via
    asks_for_port = "rport" in via.params
    if via.host == peer.host and not asks_for_port:
        return
    params = {**via.params, "received": peer.host}
    if asks_for_port:
        params["rport"] = str(peer.port)
    noted = Via(via.transport, via.host, via.port, params)
    others = split_list(request.headers.fields["via"][0])[1:]
    request.headers.replace_first("via", ", ".join((str(noted), *others)), noted)


def response_peer(via: Via, peer: Peer) -> Peer:
    """Where the response to a request goes (RFC 3261 §18.2.2): a stream's own connection, else what Via says.

    But for its `maddr`: whoever asks would choose a third one for our answers to hit.
    """
    if peer.transport is not Transport.UDP:
        return peer
    port = via.rport or via.port or DEFAULT_PORT
    return peer if port == peer.port else peer._replace(port=port)


def is_behind_nat(contact_host: str, source_host: str) -> bool:
    """Whether a Contact names a private address while its owner talks to us from another one."""
    return contact_host != source_host and _is_private(contact_host)


@lru_cache(maxsize=1024)
def _is_private(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_private
    except ValueError:
        return host.endswith(".invalid")
