"""HTTP connections as uvicorn serves them, but bounded: who opens many, or says nothing, takes no socket from calls.

A call needs sockets of the same process. So the API holds so many connections and no more, and one that has not sent a
whole request head in time is closed; uvicorn itself closes those that are idle after an answer.
"""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

CONNECTIONS_AT_MOST = 512
FIRST_REQUEST_WITHIN_S = 30.0


class BoundedConnection(H11Protocol):
    """One connection of a client."""

    _silence: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        if len(self.connections) >= CONNECTIONS_AT_MOST:
            self.transport = transport
            transport.abort()
            return
        super().connection_made(transport)
        self._silence = self.loop.call_later(FIRST_REQUEST_WITHIN_S, self._give_up_on_silent)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._silence is not None:
            self._silence.cancel()
        super().connection_lost(exc)

    def _give_up_on_silent(self) -> None:
        """No request has begun; a WebSocket is another protocol's by now, and not among our connections."""
        if self in self.connections and not self.cycle:
            self.transport.close()
