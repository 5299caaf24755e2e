"""What the waiting side of a mediated call hears until the other one answers: ringing, music, an audio, or nothing."""

from media import Engine, Source
from softswitch.call import Call, LegState, OutgoingLeg
from softswitch.call.bridge import MUSIC
from softswitch.call.connect import Caller
from softswitch.endpoints.mediator.attributes import FALSE, MOH, TRUE

SESSION_PROGRESS = 183


def waiting_side(call: Call, engine: Engine, ringback: str, audio: Source | None) -> Caller:
    """`audio`: what a `ringback` of the client's own names. Raises `CallRejected` 488 where it can't be heard."""
    if ringback == TRUE or (call.caller.session.remote_offer is None and call.caller.session.direction == "in"):
        return Caller(call, engine)
    return Entertained(call, engine, MUSIC if ringback == MOH else None if ringback == FALSE else audio)


class Entertained(Caller):
    """A caller who hears something of ours in place of the ringing; without any, only what the far end sends."""

    def __init__(self, call: Call, engine: Engine, source: Source | None) -> None:
        super().__init__(call, engine)
        self._source = source
        if source is not None:
            if call.caller.state is not LegState.ANSWERED:
                call.caller.ring(SESSION_PROGRESS, early_media=True)
            call.caller.say(source, repeat=True)

    def hear(self, leg: OutgoingLeg) -> None:
        if self._source is None and leg.has_early_media:
            super().hear(leg)

    def wait_on(self) -> None:
        """In silence: no ringing of ours was wanted."""
