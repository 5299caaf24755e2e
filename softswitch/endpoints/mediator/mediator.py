"""The mediator endpoint: two numbers talk, and neither learns the other's.

A call to one of its DIDs, a redirect number, goes where a binding for this caller leads (`ledger`); what the called
side sees is decided in `masking`. Its dialouts call two numbers and put them together (`dialouts`).

`run` reads as the caller lives it: a binding, somebody is rung, keys are dialled and an announcement is made there,
then both talk. Nothing that one side writes reaches the other.
"""

import asyncio

from media import Source
from softswitch.call import Call, Event, Invitation, Leg, Outcome, OutgoingLeg, converse
from softswitch.call.fork import ring
from softswitch.endpoints.base import Endpoint
from softswitch.endpoints.mediator.attributes import FALSE, MOH, TRUE, Wishes, wishes
from softswitch.endpoints.mediator.binding import Route
from softswitch.endpoints.mediator.dialouts import Dialouts
from softswitch.endpoints.mediator.entertained import waiting_side
from softswitch.endpoints.mediator.ledger import Ledger
from softswitch.endpoints.mediator.masking import Shown, plain, shown_of_call
from softswitch.endpoints.mediator.means import Means
from softswitch.endpoints.mediator.record import MediationMoved, MediationStarted, MediatorRecord, Stage, moment
from softswitch.errors import CallRejected
from softswitch.plan import AnyEndpoint, MediatorEndpoint
from softswitch.routing import ToEndpoint
from softswitch.routing.caller import wants_privacy
from softswitch.routing.identity import ANONYMOUS

NO_BINDING = CallRejected(404, "Not Found", q850=1)
NOBODY_TO_REPLY_TO = CallRejected(480, "Temporarily Unavailable", q850=18)
"""The destination calls before anybody has called him."""
TALKED_ENOUGH = "Maximum duration"
COMMA_S = 0.5
KEY_S = 0.2


class Mediator(Endpoint):
    """One mediator of the plan, with its bindings and dialouts."""

    def __init__(self, account: MediatorEndpoint, means: Means) -> None:
        self.name = account.name
        self.ledger = Ledger(account, means)
        self.dialouts = Dialouts(self, means)
        self.account = account
        self._means = means

    def adopt(self, account: AnyEndpoint) -> None:
        super().adopt(account)
        if isinstance(account, MediatorEndpoint):
            self.account = account
            self.ledger.adopt(account)

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
        self.ledger.close()

    @property
    def now(self) -> float:
        """POSIX seconds."""
        return self._means.wall_clock()

    # ---- a call

    async def run(self, call: Call) -> Outcome:
        """The whole call. Raises `CallRejected`: 404 without a binding, else what came of ringing, without words."""
        route = self._find(call)
        wanted = wishes(route.binding.attributes)
        is_private = call.invite is not None and wants_privacy(call.invite)
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
        route = self.ledger.bindings.find(redirect_did, numbers, self.now)
        if route is None:
            is_reply = any(self.ledger.bindings.is_destination(redirect_did, number, self.now) for number in numbers)
            raise NOBODY_TO_REPLY_TO if is_reply else NO_BINDING
        is_known = call.from_number not in ("", ANONYMOUS)
        if is_known and not route.is_reply and self.ledger.bindings.called(route.binding, call.from_number):
            self.ledger.note(route.binding)
        call.record("bound", f"binding {route.binding.sid[:8]}, {'a reply' if route.is_reply else 'a call'}")
        return route

    async def _put_through(self, call: Call, route: Route, wanted: Wishes, shown: Shown) -> Outcome:
        destination = self._means.ways.lead(route.number, self.account)
        if isinstance(destination, ToEndpoint):
            return await self._means.ways.hand_on(call, destination, shown)
        invitation = self._means.ways.invitation(destination, shown, self.account, call)
        leg = await self.ring(call, invitation, wanted, "" if route.is_reply else route.binding.dtmf)
        return await self.talk(call, leg, wanted.maximum_duration)

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
                call.callee = leg
                await call.caller.answer()
            except BaseException:
                leg.hang_up()
                raise
        finally:
            waiting.close()
        return leg

    async def talk(self, call: Call, leg: OutgoingLeg, at_most_s: float | None) -> Outcome:
        """Both talk, until one hangs up or the time is over."""
        self.move(call, "talk")
        if at_most_s is None:
            return await converse(call, leg, self._means.lines)
        timer = asyncio.get_running_loop().call_later(at_most_s, self._means.end, call, TALKED_ENOUGH)
        try:
            return await converse(call, leg, self._means.lines)
        finally:
            timer.cancel()

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
