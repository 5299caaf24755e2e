"""One request of ours on its way: its targets, the one being tried, and whom the answer is for (RFC 3263 §4.3)."""

import asyncio
from typing import Protocol

from softswitch.sip.message import Request, Response
from softswitch.sip.peer import Peer
from softswitch.sip.transaction.machine import Transaction

FAILOVER_STATUSES = (408, 503)


class Asker(Protocol):
    """Who is told what came of a request."""

    def receive_response(self, request: Request, response: Response) -> None: ...


class Sending:
    """A request and what is left to try. `transaction` is the attempt that runs; None before the first and at the end."""

    __slots__ = ("asker", "is_heard", "request", "targets", "transaction")

    def __init__(self, request: Request, asker: Asker) -> None:
        self.request = request
        self.asker = asker
        self.targets: list[Peer] = []
        self.transaction: Transaction | None = None
        self.is_heard = False

    def is_to_be_tried_elsewhere(self, response: Response) -> bool:
        """Whether the next target may do better: this one is silent, broken or overloaded, and never said a word."""
        return bool(self.targets) and not self.is_heard and response.status in FAILOVER_STATUSES


class Question:
    """Asks a request outside of any dialog and waits for its final response."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[tuple[Request, Response]] = asyncio.get_running_loop().create_future()

    def receive_response(self, request: Request, response: Response) -> None:
        if response.status >= 200 and not self.answered.done():
            self.answered.set_result((request, response))


class Nobody:
    """For a request whose answer changes nothing: CANCEL."""

    def receive_response(self, request: Request, response: Response) -> None:
        """Nothing follows from it."""
