"""What all sessions of one stack share."""

from dataclasses import dataclass, field
from functools import cached_property

from softswitch.sip.transaction.machine import Intervals
from softswitch.sip.validation import Capabilities


@dataclass(frozen=True)
class SessionSettings:
    """Times in seconds; a `session_expires_s` of 0 means no session timers of our own."""

    intervals: Intervals = field(default_factory=Intervals)
    capabilities: Capabilities = field(default_factory=Capabilities)
    user_agent: str = "softswitch"
    session_expires_s: int = 1800
    min_se_s: int = 90
    ring_limit_s: float = 180.0
    reliable_provisionals: bool = True

    @cached_property
    def common_headers(self) -> tuple[tuple[str, str], ...]:
        """What goes with each INVITE, UPDATE and their 2xx."""
        return (
            ("Allow", ", ".join(self.capabilities.methods)),
            ("Supported", ", ".join(self.capabilities.extensions)),
        )
