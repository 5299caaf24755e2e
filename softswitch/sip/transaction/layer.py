"""Finds the transaction a message belongs to, opens new ones, forgets those that are over (RFC 3261 §17.1.3, §17.2.3).

The stack asks `server_for` and `client_for`, opens what is new, and feeds events through `advance`, which returns the
effects to carry out; of a request that was answered over UDP it has but the answer kept. Invariant: what is in the
tables is not Terminated.
"""

from collections import deque

from softswitch.sip.headers import MAGIC_COOKIE, Via
from softswitch.sip.message import Message, Request, Response
from softswitch.sip.peer import Peer
from softswitch.sip.transaction.answers import Answers
from softswitch.sip.transaction.client_invite import ClientInvite
from softswitch.sip.transaction.client_non_invite import ClientNonInvite
from softswitch.sip.transaction.machine import (
    TERMINATED,
    Effect,
    Event,
    Intervals,
    Key,
    Timer,
    Transaction,
    event_of,
)
from softswitch.sip.transaction.server_invite import ServerInvite
from softswitch.sip.transaction.server_non_invite import ServerNonInvite

SERVERS = (ServerInvite, ServerNonInvite)


class Layer:
    """All transactions of one stack."""

    def __init__(self, intervals: Intervals) -> None:
        self.intervals = intervals
        self.servers: dict[Key, ServerInvite | ServerNonInvite] = {}
        self.clients: dict[Key, ClientInvite | ClientNonInvite] = {}
        self.answers = Answers()
        self._merge_keys: set[Key] = set()
        self._spent = 0
        self._spent_invites: deque[ServerInvite] = deque()

    @property
    def unspent(self) -> int:
        """Server transactions that still have something to do but to repeat an answer."""
        return len(self.servers) - self._spent

    def at_work(self) -> list[Transaction]:
        """All but those that only repeat an answer, which are far more where many register."""
        servers = [one for one in self.servers.values() if not one.is_spent] if self.unspent else []
        return [*self.clients.values(), *servers]

    @property
    def spent(self) -> int:
        """Those that only repeat an answer, with those of which but the answer is left."""
        return self._spent + len(self.answers)

    @property
    def oldest_spent_invite(self) -> ServerInvite:
        """The one to be forgotten before its time, where `spent` are too many and none of them an answer alone."""
        return self._spent_invites[0]

    def __len__(self) -> int:
        return len(self.servers) + len(self.clients) + len(self.answers)

    def server_for(self, request: Request) -> ServerInvite | ServerNonInvite | None:
        """The transaction this request repeats or acknowledges."""
        return self.servers.get(server_key(request, request.method))

    def cancelled_by(self, cancel: Request) -> ServerInvite | None:
        """The INVITE a CANCEL is about (RFC 3261 §9.2); other requests can't be cancelled."""
        found = self.servers.get(server_key(cancel, "INVITE"))
        return found if isinstance(found, ServerInvite) else None

    def open_server(self, request: Request, peer: Peer, key: Key | None = None) -> ServerInvite | ServerNonInvite:
        """`key` is its name, where that is known already. Raises `PeerError` where From or To can't be read."""
        kind = ServerInvite if request.method == "INVITE" else ServerNonInvite
        merge = merge_key(request) if request.to.tag is None else None
        transaction = kind(key or server_key(request, request.method), request, peer, self.intervals)
        self.servers[transaction.key] = transaction
        if merge is not None:
            transaction.merge_key = merge
            transaction.is_merged = merge in self._merge_keys or merge in self.answers.merge_keys
            self._merge_keys.add(merge)
        return transaction

    def client_for(self, response: Response) -> ClientInvite | ClientNonInvite | None:
        """The transaction of ours this response is for (RFC 3261 §17.1.3)."""
        return self.clients.get(f"{response.via.branch or ''} {response.cseq.method}")

    def open_client(self, request: Request, peer: Peer) -> ClientInvite | ClientNonInvite:
        """A transaction for a request whose topmost Via is ours and final."""
        kind = ClientInvite if request.method == "INVITE" else ClientNonInvite
        key = f"{request.via.branch or ''} {request.method}"
        transaction = kind(key, request, peer, self.intervals)
        self.clients[transaction.key] = transaction
        return transaction

    def advance(self, transaction: Transaction, event: Event | Timer, message: Message | None = None) -> list[Effect]:
        """One event for one transaction; the last effect is Terminated when it was the last event."""
        was_spent = transaction.is_spent
        effects = transaction.advance(event, message)
        if transaction.is_spent and not was_spent and isinstance(transaction, SERVERS):
            self._spent += 1
        if effects and effects[-1] is TERMINATED:
            self.forget(transaction)
        return effects

    def spend(self, transaction: Transaction) -> None:
        """The transaction user has no more use for it: an INVITE whose 2xx was acknowledged only repeats that 2xx."""
        if isinstance(transaction, ServerInvite) and self.is_alive(transaction) and not transaction.is_spent:
            transaction.spend()
            self._spent += 1
            self._spent_invites.append(transaction)

    def keep_answer(self, transaction: Transaction, until: float) -> None:
        """A transaction that only repeats its answer is over, but for that answer."""
        self.forget(transaction)
        self.answers.keep(transaction.data, until, transaction.key, transaction.merge_key)

    def respond(self, transaction: Transaction, response: Response) -> list[Effect]:
        """A response of the transaction user; none is sent for a transaction that is over."""
        if self.servers.get(transaction.key) is not transaction:
            return []
        return self.advance(transaction, event_of(response), response)

    def is_alive(self, transaction: Transaction) -> bool:
        key = transaction.key
        return self.servers.get(key) is transaction or self.clients.get(key) is transaction

    def forget(self, transaction: Transaction) -> None:
        if isinstance(transaction, SERVERS):
            known = self.servers.pop(transaction.key, None)
            if transaction.merge_key is not None:
                self._merge_keys.discard(transaction.merge_key)
            if known is not None and known.is_spent:
                self._spent -= 1
                self._forget_spent_invites()
        else:
            self.clients.pop(transaction.key, None)

    def _forget_spent_invites(self) -> None:
        """They end about in the order in which they were spent."""
        spent = self._spent_invites
        while spent and self.servers.get(spent[0].key) is not spent[0]:
            spent.popleft()


def server_key(request: Request, method: str) -> Key:
    """What names a server transaction: branch, sent-by and method, where ACK counts as INVITE (RFC 3261 §17.2.3)."""
    if method == "ACK":
        method = "INVITE"
    via = request.via
    branch = via.branch
    if branch is not None and branch.startswith(MAGIC_COOKIE):
        return f"{branch} {via.host} {via.port} {method}"
    return _key_without_cookie(request, via, method)


def _key_without_cookie(request: Request, via: Via, method: str) -> Key:
    """RFC 2543 peers: the fields that stay the same between an INVITE and its ACK; the To tag does not."""
    number = request.cseq.number
    sent_by = f"{via.host}:{via.port}:{via.branch}"
    return f"{request.call_id} {request.from_.tag or ''} {number} {request.uri} {sent_by} {method}"


def merge_key(request: Request) -> Key:
    """What stays the same on all paths of a request (RFC 3261 §8.2.2.2)."""
    return f"{request.call_id} {request.from_.tag or ''} {request.cseq.number} {request.method}"
