"""The dialouts of one mediator: they wait, call stage one, then stage two, and put both together.

That one has begun is written down as its first INVITE leaves: after a crash it is given up, and nobody called twice.

A dialout that fails, at either stage, is over: its record says at which and why. Stage one, who may be on the phone
already when stage two does not answer, is hung up. A dialout that a client deletes ends the same way, at any time
before both talk; from then on it is a call like any other, and no dialout any more.
"""

import asyncio
import uuid
from collections.abc import Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING

from softswitch.call import Call, Invitation, Outcome, OutgoingLeg, first_leg, reach_caller
from softswitch.endpoints.mediator.attributes import LONGEST_DIALOUT_S, wishes
from softswitch.endpoints.mediator.dialout import Dialout, DialoutState, DialoutTrigger
from softswitch.endpoints.mediator.masking import Shown, shown_to_stage_one, shown_to_stage_two
from softswitch.endpoints.mediator.means import Means
from softswitch.endpoints.mediator.record import DialoutFailed, MediationStarted, MediatorRecord, moment
from softswitch.errors import CallRejected
from softswitch.routing import ToEndpoint

if TYPE_CHECKING:
    from softswitch.endpoints.mediator.mediator import Mediator

CANCELLED = CallRejected(487, "Cancelled", q850=16)
CUT_OFF = CallRejected(503, "The switch was restarted", q850=41)
NO_CALLER = CallRejected(404, "Not Found", q850=1)
LATE_AT_MOST_S = 60.0
"""After a restart a dialout that should have begun longer ago is given up."""


class InUse(Exception):  # noqa: N818 - a refusal by its name
    """One of the numbers is in another dialout."""

    def __init__(self, number: str) -> None:
        super().__init__(number)
        self.number = number


class Dialouts:
    """Those that wait or run."""

    def __init__(self, mediator: "Mediator", means: Means) -> None:
        self._mediator, self._means = mediator, means
        self._dialouts: dict[str, Dialout] = {}
        self._in_use: dict[str, Dialout] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def all(self) -> Sequence[Dialout]:
        self._forget_ended()
        return tuple(self._dialouts.values())

    def get(self, sid: str) -> Dialout | None:
        self._forget_ended()
        return self._dialouts.get(sid)

    def add(self, dialout: Dialout) -> None:
        """Begins it, or has it wait. Raises `InUse`."""
        self._forget_ended()
        self._check_free(dialout.numbers)
        self._wait(dialout)

    def change(self, dialout: Dialout, changed: Dialout) -> None:
        """Other words for one that still waits. Raises `InUse`, and then nothing has changed."""
        self._forget_ended()
        self._check_free(changed.numbers - dialout.numbers)
        self._leave(dialout)
        self._wait(changed)

    def cancel(self, dialout: Dialout) -> None:
        """A client wants it no more."""
        if dialout.call is not None:
            self._means.end(dialout.call, "Cancelled")
        else:
            self._fail(dialout, CANCELLED)

    def restore(self, dialouts: Sequence[Dialout]) -> None:
        """Those that waited when the program ended go on waiting.

        Those that ran were cut off, and their records are closed by whoever keeps records.
        """
        for dialout in dialouts:
            is_late = dialout.due_at + LATE_AT_MOST_S < self._mediator.now
            if dialout.state is not DialoutState.WAITING:
                self._means.keeper().forget(dialout)
            elif is_late or dialout.numbers & self._in_use.keys():
                self._fail(dialout, CUT_OFF)
            else:
                self._wait(dialout)

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()

    # ---- one dialout

    def _check_free(self, numbers: Collection[str]) -> None:
        """Raises `InUse`."""
        taken = next((number for number in sorted(numbers) if number in self._in_use), None)
        if taken is not None:
            raise InUse(taken)

    def _wait(self, dialout: Dialout) -> None:
        self._dialouts[dialout.sid] = dialout
        self._in_use |= dict.fromkeys(dialout.numbers, dialout)
        self._means.keeper().note(self._mediator.sid, dialout)
        wait_s = max(0.0, dialout.due_at - self._mediator.now)
        self._timers[dialout.sid] = asyncio.get_running_loop().call_later(wait_s, self._begin, dialout)

    def _begin(self, dialout: Dialout) -> None:
        dialout.move(DialoutTrigger.DUE)
        del self._timers[dialout.sid]
        self._means.keeper().note(self._mediator.sid, dialout)
        try:
            invitation = self._invitation_to_stage_one(dialout)
            leg = first_leg(invitation, self._means.lines)
        except CallRejected as rejected:
            self._fail(dialout, rejected)
            return
        to_number = dialout.stage_one_destination_did
        call = Call(leg, from_number=dialout.redirect_did, to_number=to_number, events=self._means.events)
        call.did = self._means.plan().dids.get(dialout.redirect_did)
        call.is_masked = True
        dialout.call = call
        self._means.place(call, partial(self._run, dialout, invitation))

    def _invitation_to_stage_one(self, dialout: Dialout) -> Invitation:
        """Raises `CallRejected`."""
        shown = shown_to_stage_one(dialout.redirect_did, wishes(dialout.attributes))
        return self._invitation(dialout.stage_one_destination_did, shown, None)

    async def _run(self, dialout: Dialout, invitation: Invitation, call: Call) -> Outcome:
        """The call of stage one, whole."""
        self._mediator.publish(MediationStarted(call.id, self._record(dialout, call.sid)))
        try:
            await self._means.keeper().flush()
            await self._stage_one(dialout, invitation, call)
            far = await self._stage_two(dialout, call)
        except CallRejected as rejected:
            raise self._mediator.refusal(call, rejected) from None
        finally:
            self._leave(dialout)
        at_most_s = wishes(dialout.attributes).maximum_duration or LONGEST_DIALOUT_S
        return await self._mediator.talk(call, far, at_most_s)

    async def _stage_one(self, dialout: Dialout, invitation: Invitation, call: Call) -> None:
        await reach_caller(call, invitation, self._means.lines)
        dialout.move(DialoutTrigger.ANSWERED)
        await self._mediator.announce(call.caller, wishes(dialout.attributes))
        dialout.move(DialoutTrigger.ANNOUNCED)

    async def _stage_two(self, dialout: Dialout, call: Call) -> OutgoingLeg:
        self._mediator.move(call, "stage two")
        wanted = wishes(dialout.attributes)
        shown = shown_to_stage_two(dialout.redirect_did, dialout.stage_one_destination_did, wanted)
        invitation = self._invitation(dialout.stage_two_destination_did, shown, call)
        leg = await self._mediator.ring(call, invitation, wanted, announces=False)
        dialout.move(DialoutTrigger.ANSWERED)
        return leg

    def _invitation(self, number: str, shown: Shown, call: Call | None) -> Invitation:
        """Raises `CallRejected`: an endpoint of ours is no party that can be called."""
        ways, account = self._means.ways, self._mediator.account
        destination = ways.lead(number, account)
        if isinstance(destination, ToEndpoint):
            raise NO_CALLER
        return ways.invitation(destination, shown, account, call)

    # ---- the end

    def _forget_ended(self) -> None:
        """Calls that ended before their task first ran."""
        for dialout in tuple(self._dialouts.values()):
            if dialout.call is not None and dialout.call.outcome is not None:
                self._leave(dialout)

    def _leave(self, dialout: Dialout) -> None:
        """It is no more: its numbers are free again."""
        if dialout.state is not DialoutState.GONE:
            dialout.move(DialoutTrigger.END)
        if self._dialouts.pop(dialout.sid, None) is None:
            return
        for number in dialout.numbers:
            self._in_use.pop(number, None)
        timer = self._timers.pop(dialout.sid, None)
        if timer is not None:
            timer.cancel()
        self._means.keeper().forget(dialout)

    def _fail(self, dialout: Dialout, rejected: CallRejected) -> None:
        """It ends before anybody was called."""
        self._leave(dialout)
        self._means.keeper().forget(dialout)
        record = self._record(dialout, str(uuid.uuid4()))
        record.date_stop = moment(self._mediator.now)
        record.sipcause, record.q850_cause = rejected.status, rejected.q850
        record.disconnect_originator, record.disconnect_reason = "DST", rejected.reason
        self._mediator.publish(DialoutFailed(record))

    def _record(self, dialout: Dialout, dr_sid: str) -> MediatorRecord:
        return MediatorRecord(
            dr_sid=dr_sid,
            event_type="dialout",
            reference_sid=dialout.sid,
            date_start=moment(self._mediator.now),
            direction="outbound",
            endpoint_sid=self._mediator.sid or None,
            number_src=dialout.stage_one_destination_did,
            number_dst=dialout.stage_two_destination_did,
            number_redirect=dialout.redirect_did,
            attributes=dict(dialout.attributes),
            stage="stage one",
        )
