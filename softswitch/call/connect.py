"""A caller and whoever he calls: ring, answer, talk. The one way for users, the PSTN, third parties and mediators.

    outcome = await connect(call, invitation, lines, onward)      # all of it
    leg = await reach(call, invitation, lines)                    # or in two steps
    outcome = await converse(call, leg, lines, onward)

The caller hears what the far end says before it answers: its ringing as our ringing, its early media as our early
media. We make the ringing ourselves only where he hears us already. `CallRejected` before the answer is the final
response for the caller, as the far end gave it.
"""

from media import Engine
from softswitch.call.bridge import Audio, Talk
from softswitch.call.call import Call
from softswitch.call.fork import Invitation, PickedUp, ring_openly
from softswitch.call.leg import Leg
from softswitch.call.leg_states import LegState
from softswitch.call.lines import Lines
from softswitch.call.originate import OutgoingLeg
from softswitch.call.outcome import Outcome, q850_of
from softswitch.call.ringback import RINGBACK
from softswitch.call.stages import StageTrigger
from softswitch.call.transfer import NO_SUCH_DIALOG, Onward, transfer
from softswitch.errors import CallRejected
from softswitch.sip.session.causes import reason_header

EARLY_DIALOG_TERMINATED = 199


async def connect(call: Call, invitation: Invitation, lines: Lines, onward: Onward | None = None) -> Outcome:
    """From the first ring to the end. Raises `CallRejected` where nobody answers."""
    leg = await reach(call, invitation, lines)
    return await converse(call, leg, lines, onward)


async def reach(call: Call, invitation: Invitation, lines: Lines) -> Leg:
    """Somebody has answered, and so have we. Raises `CallRejected`: the refusal, or 488 where the caller can't talk."""
    call.caller.check_offer()
    caller = Caller(call, lines.engine)
    leg: Leg
    try:
        leg = call.callee = await ring_openly(call, invitation, lines, caller)
    except PickedUp as picked_up:
        leg = call.callee = picked_up.leg
    except CallRejected as rejected:
        raise handed_on(rejected) from None
    finally:
        caller.close()
    try:
        call.caller.prefer(leg.codec)
        await call.caller.answer()
    except BaseException:
        leg.hang_up()
        raise
    return leg


async def converse(call: Call, far: Leg, lines: Lines, onward: Onward | None = None) -> Outcome:
    """The talk of the caller and `far`, and whatever a transfer makes of it; returns when it is over."""
    near, call.callee = call.caller, far
    call.advance(StageTrigger.JOIN, "both have answered")
    try:
        while True:
            gone = near if near.end is not None else far
            if gone.end is not None:
                return _outcome(call, gone)
            talk = call.talk = Talk(call, lines.engine, near, far)
            leg = await talk.until_something()
            if talk.left is not None:
                return _transferred(call, talk.left)
            if leg.referral is not None and leg.end is None:
                call.talk = None
                if await transfer(call, leg, talk.other(leg), lines, onward):
                    return _transferred(call, leg)
    finally:
        call.talk = None
        _end(call, (near, far))


def handed_on(rejected: CallRejected) -> CallRejected:
    """A refusal of the far end as ours to the caller: its status as it is, with its cause (RFC 3326).

    A challenge was for us, and a redirection says where we should have gone: neither helps the caller.
    """
    status = {401: 403, 407: 403}.get(rejected.status, rejected.status)
    status = 480 if 300 <= status < 400 else status
    reason = rejected.reason if status == rejected.status else ""
    q850 = q850_of(status) if rejected.q850 is None else rejected.q850
    headers = [field for field in rejected.headers if field[0].lower() != "reason"]
    ours = CallRejected(status, reason, headers=(*headers, reason_header(q850, rejected.reason)), q850=q850)
    ours.is_by_callee = rejected.is_by_callee
    return ours


class Caller:
    """The caller while it rings: he is told what the far end says, and hears it where it can be heard."""

    def __init__(self, call: Call, engine: Engine) -> None:
        self._call, self._engine = call, engine
        self._audio: Audio | None = None
        self._heard: OutgoingLeg | None = None
        """Whose early media he hears."""
        self._told = 0

    def hear(self, leg: OutgoingLeg) -> None:
        """Raises `CallRejected` 488 where he can't hear early media."""
        progress, caller = leg.progress, self._call.caller
        if progress is None or progress.status == EARLY_DIALOG_TERMINATED:
            return
        if leg.has_early_media and self._heard in (None, leg):
            self._connect(leg, progress.status)
        elif caller.state is LegState.ANSWERED or self._is_early:
            if self._heard is None:
                caller.say(RINGBACK, repeat=True)
        elif progress.status != self._told:
            caller.ring(progress.status)
        if progress.status != self._told:
            self._told = progress.status
            self._call.tell(progress.status, progress.reason)
            self._call.advance(StageTrigger.RING, f"{leg.target.name}: {progress.status} {progress.reason}".rstrip())

    def lose(self, leg: OutgoingLeg) -> None:
        if leg is self._heard:
            self._heard = None
            self.close()
            self.wait_on()

    def wait_on(self) -> None:
        """Whom he has heard is gone: it rings elsewhere, or soon will."""
        if self._is_early:
            self._call.caller.say(RINGBACK, repeat=True)

    def check(self) -> None:
        """A caller who hangs up cancels the task."""

    def close(self) -> None:
        """What was heard before the answer is over."""
        if self._audio is not None:
            self._audio.close()
            self._audio = None
        if self._call.caller.end is None:
            self._call.caller.hush()

    @property
    def _is_early(self) -> bool:
        """Whether he hears us already, so that his phone makes no ringing of its own."""
        return self._call.caller.is_audible

    def _connect(self, leg: OutgoingLeg, status: int) -> None:
        caller = self._call.caller
        if caller.state is not LegState.ANSWERED and (status != self._told or not self._is_early):
            caller.prefer(leg.codec)
            caller.ring(status, early_media=True)
        if self._audio is None:
            caller.hush()
            self._audio, self._heard = Audio(self._engine, caller, leg), leg


def _outcome(call: Call, leg: Leg) -> Outcome:
    """The end of a talk: who ended it, and why."""
    end = leg.end
    if end is None:
        raise RuntimeError(f"{leg!r} has not ended")
    q850 = q850_of(end.status) if end.q850 is None else end.q850
    if end.by == "local":
        return Outcome(200, end.reason, q850, "DST")
    return Outcome(200, end.reason, q850, *(("SRC", "caller") if leg is call.caller else ("DST", "callee")))


def _transferred(call: Call, leg: Leg) -> Outcome:
    """A talk that its other side goes on without this one, in another call."""
    return Outcome(200, "Transferred", 16, *(("SRC", "caller") if leg is call.caller else ("DST", "callee")))


def _refuse_referral(leg: Leg) -> None:
    """A transfer that was wanted as the talk ended: the REFER has to be answered in whichever dialog it came."""
    if leg.referral is not None:
        (leg.referral.place or leg).session.refuse_referral(NO_SUCH_DIALOG.status, NO_SUCH_DIALOG.reason)
        leg.referral = None


def _end(call: Call, legs: tuple[Leg, Leg]) -> None:
    """Both sides end with the cause of whichever ended first, but for one that is in another call by now."""
    first = next((leg.end for leg in legs if leg.end is not None), None)
    for leg in legs:
        if leg.call is not call and leg.end is None:
            continue
        _refuse_referral(leg)
        if first is not None:
            words = "" if call.is_masked else first.reason
            leg.hang_up(first.q850 or q850_of(first.status), words or "Normal call clearing")
        elif leg is not call.caller:
            leg.hang_up()
