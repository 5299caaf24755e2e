"""A call: who calls whom, its leg, its story so far, and in the end its outcome.

The switch makes one for every INVITE and hands it to an endpoint. It holds what is known and records what happens; it
decides nothing: deciding is the business of `routing` before the call has an endpoint, and of the endpoint after.
"""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakValueDictionary

from softswitch.call.events import CallAnswered, CallEnded, CallMoved, CallStarted, Events, KeyPressed, LegStarted
from softswitch.call.leg import Leg
from softswitch.call.outcome import Outcome
from softswitch.call.stages import STAGE_TABLE, StageTrigger
from softswitch.call.waiting import Waiting
from softswitch.routing import Passage
from softswitch.sip.grammar import legible
from softswitch.sip.uri import escape_user
from softswitch.uuids import new_uuid

if TYPE_CHECKING:
    from softswitch.call.bridge import Talk
    from softswitch.call.fork import Fork
    from softswitch.call.originate import Attempt, OutgoingLeg
    from softswitch.plan import Did, User
    from softswitch.routing import Destination, Identified
    from softswitch.sip import Referred, Request
    from softswitch.stir import Verdict


NOTHING: Mapping[str, str] = {}
ID_CHARACTERS = 8
_alive: "WeakValueDictionary[str, Call]" = WeakValueDictionary()
"""Calls that somebody still holds, by id: 32 random bits come again every day where many calls are up."""


class Transfer(NamedTuple):
    """How a call came about that goes on with a party of another: who wanted it, and of which calls it has its legs."""

    by: str
    """The name of a user, else "caller" or "callee"."""
    user: "User | None"
    """On whose account it goes out."""
    calls: tuple[str, ...]
    """Their sids."""


class Call:
    """One call from its INVITE to its outcome: `sid` is its name everywhere, `id` the beginning of it, for people.

    A transfer ends a call and begins another, with the party that stays as its caller (`transfer`).
    """

    __slots__ = (
        "__weakref__",
        "answered_at",
        "callee",
        "caller",
        "calling_number",
        "clock",
        "destination",
        "dialled_number",
        "did",
        "events",
        "fork",
        "from_name",
        "from_number",
        "gone",
        "headers",
        "id",
        "inward",
        "is_masked",
        "notes",
        "number_billing",
        "on_progress",
        "on_referred",
        "outcome",
        "passage",
        "redirect_uri",
        "rung",
        "sid",
        "source",
        "stage",
        "started_at",
        "state",
        "stir",
        "story",
        "talk",
        "to_number",
        "transfer",
        "transfers",
        "tried",
        "waiting",
        "went_on_in",
    )

    def __init__(
        self,
        caller: Leg,
        *,
        from_number: str,
        to_number: str,
        source: "Identified | None" = None,
        did: "Did | None" = None,
        events: Events | None = None,
        clock: Callable[[], float] = time.monotonic,
        transfer: Transfer | None = None,
    ) -> None:
        self.sid = new_uuid()
        while self.sid[:ID_CHARACTERS] in _alive:
            self.sid = new_uuid()
        self.id = self.sid[:ID_CHARACTERS]
        _alive[self.id] = self
        self.caller = caller
        self.transfer = transfer
        self.waiting = caller.waiting if transfer is None else Waiting()
        """Where the one task of this call waits."""
        self.callee: Leg | None = None
        """Who talks with its caller, once somebody does."""
        self.rung: OutgoingLeg | None = None
        """The last one we have rung for it."""
        self.talk: Talk | None = None
        """The two legs that talk now."""
        self.fork: Fork | None = None
        """Whom it rings now, where others may pick it up."""
        self.transfers: list[str] = []
        """To whom a transfer of it was tried, one after another."""
        self.gone: Leg | None = None
        """The leg that has gone on in another call."""
        self.went_on_in = ""
        """The sid of that call."""
        self.number_billing = ""
        """The number of whoever pays for it, where it goes out on somebody's account."""
        self.redirect_uri = ""
        """Where a 3xx has sent it."""
        self.answered_at: float | None = None
        """When its caller was put through."""
        self.on_progress: Callable[[int, str], None] | None = None
        """Hears how it stands, as the statuses that a caller is told: 1xx, and the final one."""
        self.on_referred: Callable[[Call, Referred], None] | None = None
        """Hears that its caller, who is at an endpoint, wants to give his place to somebody else."""
        self.tried: list[Attempt] = []
        """Every place that was tried, and what came of it."""
        self.source = source
        self.from_number = from_number
        self.from_name = ""
        """Shown with the number."""
        self.headers: Mapping[str, str] = NOTHING
        """What transformations have made of headers, by lower-case name."""
        self.is_masked = False
        """Whether the two sides are not to know each other: nothing that one writes reaches the other."""
        self.to_number = to_number
        self.calling_number, self.dialled_number = from_number, to_number
        self.did = did
        self.destination: Destination | None = None
        """Where routing has sent it, or the last forward."""
        self.inward = Passage()
        """What its caller has passed on his way in."""
        self.passage = Passage()
        """What it has passed where it went, until it ends."""
        self.events = Events() if events is None else events
        self.clock = clock
        self.stir: Verdict | None = None
        """What was found out about the signature of who calls; None where nobody looked."""
        self.state = "new"
        self.stage = STAGE_TABLE.initial
        self.story: list[CallMoved] = []
        self.started_at = self.clock()
        self.outcome: Outcome | None = None
        self.notes: Mapping[str, str] = NOTHING
        """What the endpoint wants said of the call in its last line of the log."""
        self.own(caller)

    def __repr__(self) -> str:
        age_s = int(self.clock() - self.started_at)
        return f"<Call {self.id} {self.from_number} -> {self.to_number} {self.state} {age_s // 60:02}:{age_s % 60:02}>"

    @property
    def over(self) -> str | None:
        """The trunk or user it comes from; of one that we have placed, what its first side was called over."""
        if self.source is not None:
            return self.source.name
        target = getattr(self.caller, "target", None)
        return None if target is None else str(target).removeprefix("trunk ")

    @property
    def is_placed(self) -> bool:
        """Its first side is somebody whom we call, and nobody's call has led there."""
        return self.transfer is None and self.caller.session.direction == "out"

    @property
    def invite(self) -> "Request | None":
        """What its caller has sent us; None where we have called him."""
        session = self.caller.session
        return session.request if session.direction == "in" else None

    @property
    def address_src(self) -> str:
        """The URI of whoever calls."""
        session = self.caller.session
        return (session.request.from_.uri if self.transfer is None else session.remote_address.uri).text

    @property
    def address_dst(self) -> str:
        """The URI that was called."""
        uri = self.caller.session.request.uri
        return (uri if self.transfer is None else uri.with_(user=escape_user(self.to_number))).text

    def hand_over(self, leg: Leg, to: "Call") -> None:
        """A leg of this call has gone on in another."""
        self.gone, self.went_on_in = leg, to.sid

    def own(self, leg: Leg) -> None:
        """What happens to this leg is this call's business from now on."""
        leg.call, leg.waiting, leg.on_ended = self, self.waiting, None
        is_caller = leg is self.caller
        leg.on_answered = self._on_answered if is_caller else None
        leg.on_digit = self._on_digit if is_caller else None

    def announce(self) -> None:
        """Tells that there is a new call."""
        if CallStarted in self.events:
            sip_call_id = legible(self.caller.session.call_id)
            started = CallStarted(self.id, self.started_at, sip_call_id, self.from_number, self.to_number)
            self.events.publish(started)

    def calls(self, leg: "OutgoingLeg") -> None:
        """A leg was made for it, and its INVITE is on the way."""
        leg.call, self.rung = self, leg
        if self.events:
            self.events.publish(LegStarted(self.id, self.clock(), leg.session.call_id, leg.target.name))

    def record(self, state: str, why: str) -> None:
        """The call goes to `state`: a step of its story, and an event."""
        now = self.clock()
        before, self.state = self.state, state
        moved = CallMoved(self.id, now, before, state, why)
        self.story.append(moved)
        self.events.publish(moved)

    def advance(self, trigger: StageTrigger, why: str) -> None:
        """A call between two parties moves on in its table."""
        self.stage = STAGE_TABLE.after(self.stage, trigger)
        self.record(self.stage, why)

    def remark(self, what: str, why: str) -> None:
        """A step of the story that leaves the call where it is."""
        state = self.state
        self.record(what, why)
        self.state = state

    def conclude(self, outcome: Outcome) -> None:
        """The end, once: the outcome is kept and told."""
        if self.outcome is not None:
            return
        self.outcome = outcome
        self.record("ended", f"{outcome.status} {outcome.reason}")
        if self.answered_at is None:
            self.tell(outcome.status, outcome.reason)
        if CallEnded in self.events:
            at = self.story[-1].at
            how = (outcome.status, outcome.reason, outcome.q850, outcome.by, outcome.ended_by)
            self.events.publish(CallEnded(self.id, at, *how))

    def tell(self, status: int, reason: str) -> None:
        """Whoever wants to know hears how the call stands."""
        if self.on_progress is not None:
            self.on_progress(status, "" if self.is_masked else reason)

    def _on_answered(self, at: float) -> None:
        """Only the first answer counts: whoever we have called and connect is not answered once more."""
        if self.answered_at is not None:
            return
        self.answered_at = at
        self.tell(200, "OK")
        if CallAnswered in self.events:
            self.events.publish(CallAnswered(self.id, at, at - self.started_at))

    def _on_digit(self, way: str, digit: str) -> None:
        if KeyPressed in self.events:
            self.events.publish(KeyPressed(self.id, self.clock(), way, digit))
