"""What could not be delivered: which transactions that concerns, and who else is told (RFC 3261 §17.1.4, §18.4).

The transports report a peer for each ICMP error and each connection that closed. Reports come in floods, so they are
looked at once a loop pass.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable

from softswitch.sip.client import Sending
from softswitch.sip.peer import Peer, Transport
from softswitch.sip.performing import only_asks
from softswitch.sip.transaction import machine
from softswitch.sip.transaction.layer import Layer
from softswitch.sip.transaction.machine import Event, Transaction


class Losses:
    """Takes reports until the stack is closed; `tell` hears of each peer."""

    def __init__(
        self,
        layer: Layer,
        drops: Counter[str],
        perform: Callable[[Transaction, list[machine.Effect]], None],
        tell: Callable[[Peer], None],
    ) -> None:
        self._layer, self._drops = layer, drops
        self._perform, self._tell = perform, tell
        self._reported = Counter[Peer]()
        self._is_closed = False

    def close(self) -> None:
        """Connections that close from now on are no loss."""
        self._is_closed = True

    def note(self, peer: Peer) -> None:
        """Something to this peer was not delivered, or its connection closed, which alone is no fault."""
        if self._is_closed:
            return
        if not self._reported:
            asyncio.get_running_loop().call_soon(self._look)
        self._reported[peer.place] += 1

    def _look(self) -> None:
        lost, self._reported = self._reported, Counter()
        addresses = {(peer.host, peer.port) for peer in lost}
        concerned = [
            transaction
            for transaction in self._layer.at_work()
            if (transaction.peer.host, transaction.peer.port) in addresses and transaction.peer.place in lost
        ]
        self._count(lost, concerned)
        for peer in lost:
            self._tell(peer)
        for transaction in concerned:
            if self._layer.is_alive(transaction) and not _leads_elsewhere(transaction):
                self._perform(transaction, self._layer.advance(transaction, Event.TRANSPORT_ERROR))

    def _count(self, lost: Counter[Peer], concerned: Iterable[Transaction]) -> None:
        """What asks whether somebody is there is no loss where nobody is: that is the answer."""
        asking = {one.peer.place for one in concerned if only_asks(one)}
        asking -= {one.peer.place for one in concerned if not only_asks(one)}
        for peer, times in lost.items():
            if peer.transport is Transport.UDP and peer not in asking:
                self._drops["undelivered"] += times


def _leads_elsewhere(transaction: Transaction) -> bool:
    """A response whose connection is gone goes to the sent-by of its Via instead (RFC 3261 §18.2.2)."""
    peer = transaction.peer
    if peer.transport is Transport.UDP or isinstance(transaction.owner, Sending) or transaction.is_spent:
        return False
    transaction.peer = peer._replace(port=transaction.request.via.port or peer.transport.default_port)
    return transaction.peer != peer
