"""Two legs that talk: audio and keys go across, and whoever is put on hold hears music.

Each side's offers are answered by its own leg, so a hold, a new address or another codec on one side does not disturb
the other. The one task of the call waits in `Talk.until_something` until a side ends, asks for a transfer, or another
call takes one of the two legs away.
"""

from media import Engine, Prompt
from softswitch.call.call import Call
from softswitch.call.leg import Leg
from softswitch.call.stages import StageTrigger

MUSIC = Prompt("music/hold")


class Audio:
    """The audio of two legs, relayed until closed; none where one of them has ended already."""

    __slots__ = ("_pair",)

    def __init__(self, engine: Engine, one: Leg, other: Leg) -> None:
        has_ended = one.end is not None or other.end is not None
        self._pair = None if has_ended else engine.bridge(one.stream, other.stream)

    def close(self) -> None:
        if self._pair is not None:
            self._pair.close()


class Talk:
    """The conversation of two legs of a call."""

    __slots__ = ("_audio", "_held", "call", "far", "left", "near")

    def __init__(self, call: Call, engine: Engine, near: Leg, far: Leg) -> None:
        self.call = call
        self.near, self.far = near, far
        self.left: Leg | None = None
        """Whoever is left once another call has taken the other one, which is no longer ours to end."""
        self._held: set[Leg] = set()
        for leg in (near, far):
            call.own(leg)
            leg.hush()
        self._audio = Audio(engine, near, far)

    def other(self, leg: Leg) -> Leg:
        return self.far if leg is self.near else self.near

    def holds(self, leg: Leg) -> bool:
        """Whether this leg is one of the two."""
        return leg is self.near or leg is self.far

    async def until_something(self) -> Leg:
        """The leg that has ended, or asks for a transfer, or is left once the other was taken."""
        try:
            while self.left is None:
                if (leg := self._ended() or self._transferor()) is not None:
                    return leg
                for leg in (self.near, self.far):
                    self._carry_keys(leg)
                    self._look_after_hold(leg)
                await self.call.waiting.until()
            return self.left
        finally:
            self._audio.close()

    def give(self, leaving: Leg) -> Leg:
        """Gives the far end of `leaving` to another call; this call ends with `leaving`."""
        self.left = leaving
        self.call.waiting.wake()
        return self.other(leaving)

    def _ended(self) -> Leg | None:
        """It comes before anything that was wanted in the same moment: there is nobody left to do it with."""
        return next((leg for leg in (self.near, self.far) if leg.end is not None), None)

    def _transferor(self) -> Leg | None:
        return next((leg for leg in (self.near, self.far) if leg.referral is not None), None)

    def _carry_keys(self, leg: Leg) -> None:
        digits = leg.take_digits()
        if digits and not _go_across_as_tones(leg, self.other(leg)):
            self.other(leg).send_digits(digits)

    def _look_after_hold(self, holder: Leg) -> None:
        held = self.other(holder)
        if holder.holds_us and held not in self._held:
            self._held.add(held)
            held.say(MUSIC, repeat=True)
            self.call.advance(StageTrigger.HOLD, f"{self._name(holder)} holds")
        elif not holder.holds_us and held in self._held:
            self._held.remove(held)
            held.hush()
            self.call.advance(StageTrigger.RESUME, f"{self._name(holder)} resumes")

    def _name(self, leg: Leg) -> str:
        return "the caller" if leg is self.call.caller else "the callee"


def _go_across_as_tones(leg: Leg, other: Leg) -> bool:
    """Whether the keys of `leg` are tones, which `other` hears with the rest, and takes in no other way."""
    pressed, taken = leg.stream.agreement, other.stream.agreement
    if pressed is None or taken is None or leg.takes_info or other.takes_info:
        return False
    return pressed.telephone_event_receive is None and taken.telephone_event_send is None
