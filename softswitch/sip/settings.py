"""The settings of a stack, with the defaults of the RFCs."""

from dataclasses import dataclass

from softswitch.sip.session.settings import SessionSettings
from softswitch.sip.transaction.machine import Intervals
from softswitch.sip.transport.admission import StreamLimits
from softswitch.sip.validation import Capabilities


@dataclass(frozen=True, slots=True)
class StackSettings:
    """Times in seconds; a `session_expires_s` of 0 means no session timers of our own."""

    user_agent: str = "softswitch"
    timer_t1_s: float = 0.5
    timer_t2_s: float = 4.0
    timer_t4_s: float = 5.0
    session_expires_s: int = 1800
    min_se_s: int = 90
    ring_limit_s: float = 180.0
    reliable_provisionals: bool = True
    advertised_host: str | None = None
    largest_udp_request_bytes: int = 1300
    most_server_transactions: int = 50_000
    """With more that still have something to do, new requests get 503."""
    most_spent_transactions: int = 50_000
    """So many answers are kept for repeats; with more, the oldest are forgotten before their time."""
    overloaded_after_s: float = 0.3
    """Where the oldest datagram has waited so long, new requests get 503: well before T1, when peers say all again."""
    busy_after_s: float = 0.15
    """So long, what is no call and answers no challenge gets it: a phone registers later, a caller waits."""
    retry_after_s: int = 3
    retry_within_s: int = 30
    retries_per_s: float = 500.0
    """Retry-After of a call, and the first of the others, which are told to come one after another, so many a second;
    beyond the last moment they begin anew."""
    tcp_connections: int = 4096
    tcp_connections_of_source: int = 1024
    tls_handshakes: int = 1024
    tls_handshakes_of_source: int = 128
    tcp_idle_s: float = 300.0

    def intervals(self) -> Intervals:
        return Intervals(self.timer_t1_s, self.timer_t2_s, self.timer_t4_s, max(32.0, 64 * self.timer_t1_s))

    def session(self, capabilities: Capabilities) -> SessionSettings:
        return SessionSettings(
            intervals=self.intervals(),
            capabilities=capabilities,
            user_agent=self.user_agent,
            session_expires_s=self.session_expires_s,
            min_se_s=self.min_se_s,
            ring_limit_s=self.ring_limit_s,
            reliable_provisionals=self.reliable_provisionals,
        )

    def streams(self) -> StreamLimits:
        return StreamLimits(
            connections=self.tcp_connections,
            connections_of_source=self.tcp_connections_of_source,
            handshakes=self.tls_handshakes,
            handshakes_of_source=self.tls_handshakes_of_source,
            idle_s=self.tcp_idle_s,
        )
