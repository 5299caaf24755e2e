"""The mediator endpoint: two numbers talk, and neither learns the other's.

A call to one of its DIDs, a redirect number, goes where a binding for this caller leads (`bindings`); what the called
side sees is decided in `masking`. Its dialouts call two numbers and put them together (`dialouts`).

`run` reads as the caller lives it: a binding, somebody is rung, keys are dialled and an announcement is made there,
then both talk. Nothing that one side writes reaches the other.
"""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from media import Source
from softswitch.call import Call, Event, Invitation, Leg, LegState, Outcome, OutgoingLeg, converse
from softswitch.call.fork import ring
from softswitch.endpoints.base import Endpoint
from softswitch.endpoints.mediator.attributes import FALSE, MOH, TRUE, Wishes, wishes
from softswitch.endpoints.mediator.binding import FOR_EVER, Binding, Route
from softswitch.endpoints.mediator.bindings import Bindings
from softswitch.endpoints.mediator.dialouts import Dialouts
from softswitch.endpoints.mediator.entertained import waiting_side
from softswitch.endpoints.mediator.masking import Shown, plain, shown_of_call
from softswitch.endpoints.mediator.means import Means
from softswitch.endpoints.mediator.record import MediationMoved, MediationStarted, MediatorRecord, Stage, moment
from softswitch.errors import CallRejected
from softswitch.plan import AnyEndpoint, Did, MediatorEndpoint
from softswitch.routing import ToEndpoint
from softswitch.routing.caller import wants_privacy
from softswitch.routing.identity import ANONYMOUS

FIXED = uuid.UUID("5f0b3a52-9a0e-4a39-9d0d-6d2f5b8c7e10")
"""Names of the plan's own bindings are made below this."""

NO_BINDING = CallRejected(404, "Not Found", q850=1)
NOBODY_TO_REPLY_TO = CallRejected(480, "Temporarily Unavailable", q850=18)
"""The destination calls before anybody has called him."""
COMMA_S = 0.5
KEY_S = 0.2
EXPIRY_SLACK_S = 0.01


class Mediator(Endpoint):
    """One mediator of the plan, with its bindings and dialouts."""

    def __init__(self, account: MediatorEndpoint, means: Means) -> None:
        self.name = account.name
        self.bindings = Bindings()
        self.bindings.on_ended = self._forget
        self.dialouts = Dialouts(self, means)
        self.account = account
        self._means = means
        self._timer: asyncio.TimerHandle | None = None
        self._last_chosen = ""
        self._dids_of: tuple[Sequence[Did], list[str]] = (), []
        """The DIDs of a plan, and those among them that are ours."""
        self._take_over_fixed()

    def adopt(self, account: AnyEndpoint) -> None:
        super().adopt(account)
        if isinstance(account, MediatorEndpoint):
            self.account = account
            self._dids_of = (), []
            self._take_over_fixed()

    @property
    def sid(self) -> str:
        """Of the endpoint in the store; nothing where there is no store."""
        return self.account.sid

    @property
    def is_idle(self) -> bool:
        """Whether no dialout waits or runs."""
        return not self.dialouts.all()

    async def close(self) -> None:
        """Nothing begins any more; what waits is kept for the next start."""
        self.dialouts.close()
        if self._timer is not None:
            self._timer.cancel()

    @property
    def now(self) -> float:
        """POSIX seconds: bindings outlive the program."""
        return self._means.wall_clock()

    # ---- a call

    async def run(self, call: Call) -> Outcome:
        """The whole call. Raises `CallRejected`: 404 without a binding, else what came of ringing, without words."""
        route = self._find(call)
        wanted = wishes(route.binding.attributes)
        is_private = wants_privacy(call.caller.session.request)
        shown = shown_of_call(route, wanted, call.from_number, call.from_name, is_private=is_private)
        self._begin_record(call, route)
        call.is_masked = True
        try:
            return await self._put_through(call, route, wanted, shown)
        except CallRejected as rejected:
            raise self.refusal(call, rejected) from None

    def _find(self, call: Call) -> Route:
        redirect_did = call.did.phonenumber if call.did is not None else call.to_number
        numbers = _numbers(call)
        route = self.bindings.find(redirect_did, numbers, self.now)
        if route is None:
            is_reply = any(self.bindings.is_destination(redirect_did, number, self.now) for number in numbers)
            raise NOBODY_TO_REPLY_TO if is_reply else NO_BINDING
        is_known = call.from_number not in ("", ANONYMOUS)
        if is_known and not route.is_reply and self.bindings.called(route.binding, call.from_number):
            self.note(route.binding)
        call.record("bound", f"binding {route.binding.sid[:8]}, {'a reply' if route.is_reply else 'a call'}")
        return route

    async def _put_through(self, call: Call, route: Route, wanted: Wishes, shown: Shown) -> Outcome:
        destination = self._means.ways.lead(route.number, self.account)
        if isinstance(destination, ToEndpoint):
            return await self._means.ways.hand_on(call, destination, shown)
        invitation = self._means.ways.invitation(destination, shown, self.account, call)
        leg = await self.ring(call, invitation, wanted, "" if route.is_reply else route.binding.dtmf)
        self.move(call, "talk")
        return await converse(call, leg, self._means.lines)

    async def ring(
        self, call: Call, invitation: Invitation, wanted: Wishes, dtmf: str = "", *, announces: bool = True
    ) -> OutgoingLeg:
        """Somebody has answered, has got his keys and heard his announcement, and the waiting side is answered too.

        Raises `CallRejected`.
        """
        engine = self._means.lines.engine
        own = await self.audio(wanted.ringback) if wanted.ringback not in (TRUE, FALSE, MOH) else None
        waiting = waiting_side(call, engine, wanted.ringback, own)
        try:
            leg = await ring(call, invitation, self._means.lines, waiting)
            try:
                await dial(leg, dtmf)
                if announces:
                    await self.announce(leg, wanted)
                if leg.end is not None:
                    raise CallRejected(480, q850=leg.end.q850)
                waiting.close()
                if call.caller.state is not LegState.ANSWERED:
                    await call.caller.answer()
            except BaseException:
                leg.hang_up()
                raise
        finally:
            waiting.close()
        call.callee = leg
        return leg

    def refusal(self, call: Call, rejected: CallRejected) -> CallRejected:
        """A refusal as the waiting side is told; its words stay in the story of the call."""
        call.record("not put through", str(rejected))
        return plain(rejected)

    async def announce(self, leg: Leg, wanted: Wishes) -> None:
        """To one side alone; an audio that is gone by now is silence."""
        source = await self.audio(wanted.announce) if wanted.announce else None
        if source is not None:
            await leg.play(source)

    async def audio(self, name: str) -> Source | None:
        """What an attribute names."""
        return await self._means.audio(self.sid, name)

    # ---- records

    def _begin_record(self, call: Call, route: Route) -> None:
        binding = route.binding
        self.publish(
            MediationStarted(
                call.id,
                MediatorRecord(
                    dr_sid=call.sid,
                    event_type="binding",
                    reference_sid=binding.sid,
                    date_start=moment(self.now),
                    direction="inbound",
                    endpoint_sid=self.sid or None,
                    number_src=call.from_number,
                    number_dst=route.number,
                    number_redirect=binding.redirect_did,
                    dtmf=binding.dtmf,
                    attributes=dict(binding.attributes),
                    stage="stage one",
                ),
            )
        )

    def move(self, call: Call, stage: Stage) -> None:
        """The call has come to another stage."""
        self.publish(MediationMoved(call.id, call.clock(), stage))

    def publish(self, event: Event) -> None:
        if self._means.events:
            self._means.events.publish(event)

    # ---- bindings

    def bind(self, wanted: Binding, dids: Sequence[str]) -> Binding | None:
        """A new binding; without a redirect number over the first of `dids` that is free. None: none is.

        Raises `Taken` where the redirect number already leads this caller somewhere.
        """
        if not wanted.redirect_did:
            free = self.bindings.free(self._in_turn(dids), wanted, self.now)
            if free is None:
                return None
            wanted.redirect_did = self._last_chosen = free
        self.bindings.add(wanted, self.now)
        self.note(wanted)
        self._set_timer()
        return wanted

    def rebind(self, binding: Binding, values: Mapping[str, Any]) -> None:
        """Raises `Taken`."""
        self.bindings.change(binding, values, self.now)
        self.note(binding)
        self._set_timer()

    def unbind(self, binding: Binding) -> None:
        self.bindings.remove(binding)
        self._forget(binding)

    def restore(self, bindings: Sequence[Binding]) -> None:
        """What the store has kept; what has ended since, or is the plan's and no more there, goes."""
        fixed = {binding.sid for binding in self.bindings}
        for binding in bindings:
            if binding.is_fixed and binding.sid in fixed:
                held = self.bindings.get(binding.sid, self.now)
                if held is not None:
                    held.last_caller, held.created_at = binding.last_caller, binding.created_at
            elif binding.is_fixed or binding.expires_at <= self.now or not self.bindings.restore(binding):
                self._forget(binding)
        for binding in self.bindings:
            if binding.is_fixed:
                self.note(binding)
        self._set_timer()

    async def settle(self) -> None:
        """What has ended is gone, and everything else is in the store as it is here."""
        self.bindings.expire(self.now)
        await self._means.keeper().flush()

    def dids(self) -> list[str]:
        """The redirect numbers of this mediator, in the order of the plan."""
        dids = self._means.plan().numbers.dids
        if dids is not self._dids_of[0]:
            self._dids_of = dids, [did.phonenumber for did in dids if did.endpoint == self.name]
        return self._dids_of[1]

    def note(self, binding: Binding) -> None:
        """It is new, or has changed."""
        self._means.keeper().note(self.sid, binding)

    def _forget(self, binding: Binding) -> None:
        self._means.keeper().forget(binding)

    def _in_turn(self, dids: Sequence[str]) -> Sequence[str]:
        """Behind the one that was chosen last: a number that was given back rests for as long as there are others."""
        if self._last_chosen not in dids:
            return dids
        next_one = dids.index(self._last_chosen) + 1
        return [*dids[next_one:], *dids[:next_one]]

    def _take_over_fixed(self) -> None:
        """The bindings of the plan as they are there now."""
        wanted = {binding.sid: binding for binding in self._fixed()}
        for binding in [one for one in self.bindings if one.is_fixed]:
            kept = wanted.get(binding.sid)
            if kept is None or not kept.is_like(binding):
                self.unbind(binding)
        for sid, binding in wanted.items():
            if self.bindings.get(sid, self.now) is None:
                self.bindings.displace(binding)
                self.note(binding)

    def _fixed(self) -> list[Binding]:
        made = []
        for fixed in self.account.bindings:
            words = f"{self.sid or self.name} {fixed.redirect_did} {fixed.origination_did or ''}"
            values = fixed.model_dump()
            sid = str(uuid.uuid5(FIXED, words))
            made.append(Binding(sid, **values, maximum_ttl=FOR_EVER, created_at=self.now, is_fixed=True))
        return made

    def _set_timer(self) -> None:
        """One timer for all bindings: the next to end."""
        due_at = self.bindings.next_due
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if due_at is not None:
            wait_s = max(0.0, due_at - self.now) + EXPIRY_SLACK_S
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._expire)

    def _expire(self) -> None:
        self.bindings.expire(self.now)
        self._set_timer()


def _numbers(call: Call) -> list[str]:
    """What the caller is known by: a user of ours by his name and by his number."""
    user = call.source.user if call.source is not None else None
    return [call.from_number, *([user.phonenumber] if user is not None and user.phonenumber else [])]


async def dial(leg: Leg, keys: str) -> None:
    """Presses keys for the far end; each comma is half a second."""
    for position, some in enumerate(keys.split(",")):
        if position:
            await _pause(leg, COMMA_S)
        if some and leg.end is None:
            leg.send_digits(some)
            await _pause(leg, KEY_S * len(some))


async def _pause(leg: Leg, seconds: float) -> None:
    """Until the time is over, or the leg."""
    until_at = asyncio.get_running_loop().time() + seconds
    while leg.end is None and not await leg.waiting.until(until_at):
        pass
