"""What legs of ours are made of: the SIP stack, the media engine, and where we are."""

from collections.abc import Callable
from dataclasses import dataclass

from media import Engine
from softswitch.call.leg import Leg
from softswitch.sip import Replaces, Stack


@dataclass(frozen=True, slots=True)
class Lines:
    """One for the whole program, handed to whatever calls out."""

    stack: Stack
    engine: Engine
    here: Callable[[], tuple[str, int]]
    """Our own SIP address, for From and To."""

    def leg_of(self, replaces: Replaces) -> Leg | None:
        """The leg whose dialog is meant (RFC 3891 §3); none of a masked call, whose legs are not brought elsewhere."""
        session = self.stack.session_of(replaces.call_id, replaces.to_tag, replaces.from_tag)
        leg = session.owner if session is not None and isinstance(session.owner, Leg) else None
        return None if leg is not None and leg.call is not None and leg.call.is_masked else leg
