"""HTTP connections as uvicorn serves them, but bounded: who opens many, or dawdles, takes no socket from calls.

A call needs sockets of the same process. So the API holds so many connections and no more, and looks at each of them
every `LOOKS_EVERY_S`. One whose client has kept us waiting from one look to the next is closed: for a whole request
head, for the rest of a body that has been answered already, or for taking what it asked for. (A body that nobody has
answered yet has a time of its own: `auth`.) What is no HTTP is told so in the words of every other error.
"""

import asyncio
from dataclasses import dataclass

import h11
import msgspec
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

CONNECTIONS_AT_MOST = 512
LOOKS_EVERY_S = 30.0
TAKEN_AT_LEAST_BYTES = 1 << 17
"""Of an answer from one look to the next, by a client that stays."""

NO_HTTP = msgspec.json.encode({"errors": [{"field": "", "message": "this is no HTTP request"}]})


@dataclass(frozen=True, slots=True)
class Waiting:
    """What we wait for a client to do. The same one with no fewer bytes left is no progress."""

    behind: RequestResponseCycle | int | None
    """The last request, where the next one is to come; the number of the pause, where it has to read."""
    left_bytes: int = 0


class BoundedConnection(H11Protocol):
    """One connection of a client."""

    _next_look: asyncio.TimerHandle | None = None
    _waiting: Waiting | None = Waiting(None)
    _pauses = 0
    """How often it has had so much unread that writing stopped."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        if len(self.connections) >= CONNECTIONS_AT_MOST:
            self.transport = transport
            transport.abort()
            return
        super().connection_made(transport)
        self._next_look = self.loop.call_later(LOOKS_EVERY_S, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._next_look is not None:
            self._next_look.cancel()  # or it would keep all this in memory until then
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        self._pauses += 1
        super().pause_writing()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's own words
        """Where nothing has been answered yet; whoever works on the request meanwhile has nobody to answer to."""
        can_answer = self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE)
        if self.cycle is not None:
            self.cycle.disconnected = True
        if not can_answer:
            self.transport.abort()
            return
        headers = [("content-type", "application/json"), ("content-length", str(len(NO_HTTP))), ("connection", "close")]
        for event in (h11.Response(status_code=400, headers=headers), h11.Data(data=NO_HTTP), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    # ---- every now and then

    def _look(self) -> None:
        """Goes on until everything has been read that was written: also of a WebSocket, which has another protocol."""
        if self.transport.is_closing() and not self.transport.get_write_buffer_size():
            return
        before, self._waiting = self._waiting, self._wait()
        if before is not None and self._waiting is not None and before.behind == self._waiting.behind:
            taken_bytes = before.left_bytes - self._waiting.left_bytes
            if taken_bytes < TAKEN_AT_LEAST_BYTES:
                self.transport.abort()
                return
        self._next_look = self.loop.call_later(LOOKS_EVERY_S, self._look)

    def _wait(self) -> Waiting | None:
        """What the client has to do now; None where it is for us to do something, or for the protocol of WebSockets."""
        unread_bytes = self.transport.get_write_buffer_size()
        if unread_bytes:
            return Waiting(self._pauses, unread_bytes)
        is_answered = self.cycle is None or self.cycle.response_complete
        return Waiting(self.cycle) if is_answered and self in self.connections else None
