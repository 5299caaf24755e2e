"""A party of a talk wants the other one connected with somebody else (RFC 5589): blind, or with whom he talks already.

Blind: the third party is called while the other waits; the transferor is told how it goes (NOTIFY, RFC 3515) and leaves
when somebody has answered. A transfer that fails leaves the talk as it was. Attended (Replaces, RFC 3891): the leg he
talks with in another call of his comes over into this one, and that call ends.
"""

from typing import Protocol

from media import Engine
from softswitch.call.bridge import MUSIC, Audio
from softswitch.call.call import Call
from softswitch.call.fork import Invitation, ring
from softswitch.call.leg import Leg
from softswitch.call.lines import Lines
from softswitch.call.originate import OutgoingLeg
from softswitch.call.ringback import RINGBACK
from softswitch.call.stages import StageTrigger
from softswitch.errors import CallRejected
from softswitch.logs import get_logger
from softswitch.sip import Referred

FORBIDDEN = CallRejected(403, "Forbidden")


class Onward(Protocol):
    """Who knows where a transfer may lead."""

    def invitation(self, call: Call, transferor: Leg, wanted: Referred) -> Invitation:
        """Raises `CallRejected` where the transferor may not, or nothing leads there."""

    def may_take(self, call: Call, transferor: Leg) -> None:
        """Raises `CallRejected` where the transferor may not bring two of his calls together."""


async def transfer(call: Call, transferor: Leg, other: Leg, lines: Lines, onward: Onward | None) -> tuple[Leg, Leg]:
    """The two that talk from now on: the same as before where nothing came of it. Without `onward` nobody may."""
    wanted, transferor.referral = transferor.referral, None
    if wanted is None:
        return _in_order(call, transferor, other)
    try:
        if onward is None:
            raise FORBIDDEN
        if wanted.replaces is not None:
            onward.may_take(call, transferor)
            return _attended(call, transferor, other, lines, wanted)
        invitation = onward.invitation(call, transferor, wanted)
    except CallRejected as refused:
        transferor.session.refuse_referral(refused.status, refused.reason)
        _tell("transfer refused", call, transferor, wanted.uri.username or "", refused)
        return _in_order(call, transferor, other)
    return await _blind(call, transferor, other, lines, invitation)


def _attended(call: Call, transferor: Leg, other: Leg, lines: Lines, wanted: Referred) -> tuple[Leg, Leg]:
    """Raises `CallRejected` 481 where Replaces names no talk."""
    replaced = lines.leg_of(wanted.replaces) if wanted.replaces is not None else None
    talk = replaced.call.talk if replaced is not None and replaced.call is not None else None
    if replaced is None or talk is None or not talk.holds(replaced) or talk.taken or replaced in (transferor, other):
        raise CallRejected(481, "Call/Transaction Does Not Exist")
    replacing = talk.call.id
    third = talk.give(replaced)
    transferor.session.accept_referral()
    transferor.session.report_referral(200, "OK")
    call.advance(StageTrigger.REFER, f"{_name(call, transferor)} brings two of his calls together")
    call.advance(StageTrigger.TRANSFERRED, f"to whom he talked with in call {replacing}")
    call.transfers.append(f"call {replacing}")
    _tell("transferred", call, transferor, f"call {replacing}")
    _dismiss(transferor)
    return _in_order(call, other, third)


async def _blind(call: Call, transferor: Leg, other: Leg, lines: Lines, invitation: Invitation) -> tuple[Leg, Leg]:
    transferor.session.accept_referral()
    call.advance(StageTrigger.REFER, f"{_name(call, transferor)} transfers to {invitation.to_number}")
    waiting = _Waiting(lines.engine, transferor, other)
    try:
        third = await ring(call, invitation, lines, waiting)
    except CallRejected as rejected:
        transferor.session.report_referral(rejected.status, rejected.reason)
        call.advance(StageTrigger.NOT_TRANSFERRED, f"{rejected.status} {rejected.reason}".rstrip())
        _tell("transfer failed", call, transferor, invitation.to_number, rejected)
        return _in_order(call, transferor, other)
    finally:
        waiting.close()
    transferor.session.report_referral(200, "OK")
    call.advance(StageTrigger.TRANSFERRED, f"to {third.target.name}")
    call.transfers.append(third.target.name)
    _tell("transferred", call, transferor, invitation.to_number)
    _dismiss(transferor)
    return _in_order(call, other, third)


class _Waiting:
    """The party that is being transferred, while the third one rings; the transferor hears of it by NOTIFY."""

    def __init__(self, engine: Engine, transferor: Leg, other: Leg) -> None:
        self._engine, self._transferor, self._other = engine, transferor, other
        self._audio: Audio | None = None
        other.say(MUSIC, repeat=True)

    def hear(self, leg: OutgoingLeg) -> None:
        if leg.progress is None:
            return
        self._transferor.session.report_referral(leg.progress.status, leg.progress.reason)
        if leg.has_early_media and self._audio is None:
            self._other.hush()
            self._audio = Audio(self._engine, self._other, leg)
        elif self._audio is None:
            self._other.say(RINGBACK, repeat=True)

    def lose(self, leg: OutgoingLeg) -> None:  # noqa: ARG002 - whoever is left rings on
        self.close()

    def check(self) -> None:
        """Raises `CallRejected` where the one who is transferred has hung up."""
        if self._other.end is not None:
            raise CallRejected(487, "Request Terminated")

    def close(self) -> None:
        if self._audio is not None:
            self._audio.close()
            self._audio = None
        if self._other.end is None:
            self._other.hush()


def _dismiss(transferor: Leg) -> None:
    """He has done what he wanted."""
    transferor.hang_up(16, "Transferred")


def _in_order(call: Call, one: Leg, other: Leg) -> tuple[Leg, Leg]:
    """The caller first, where he is one of them."""
    return (other, one) if other is call.caller else (one, other)


def _name(call: Call, leg: Leg) -> str:
    return "the caller" if leg is call.caller else "the callee"


def _tell(what: str, call: Call, transferor: Leg, to: str, rejected: CallRejected | None = None) -> None:
    """A line of the log."""
    why = {} if rejected is None else {"status": rejected.status, "reason": rejected.reason}
    get_logger().info(what, call=call.id, by=_name(call, transferor).removeprefix("the "), to=to, **why)
