"""A call: who calls whom, its leg, its story so far, and in the end its outcome.

The switch makes one for every INVITE and hands it to an endpoint. It holds what is known and records what happens; it
decides nothing: deciding is the business of `routing` before the call has an endpoint, and of the endpoint after.
"""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from softswitch.call.events import CallAnswered, CallEnded, CallMoved, CallStarted, Events, KeyPressed, LegStarted
from softswitch.call.leg import Leg
from softswitch.call.outcome import Outcome
from softswitch.call.stages import STAGE_TABLE, StageTrigger
from softswitch.routing import Passage
from softswitch.sip.grammar import legible
from softswitch.uuids import new_uuid

if TYPE_CHECKING:
    from softswitch.call.bridge import Talk
    from softswitch.call.fork import Fork
    from softswitch.call.originate import Attempt, OutgoingLeg
    from softswitch.plan import Did
    from softswitch.routing import Destination, Identified
    from softswitch.stir import Verdict


NOTHING: Mapping[str, str] = {}


class Step(NamedTuple):
    """One move of a call: when (monotonic seconds), from which state to which, and why."""

    at: float
    before: str
    after: str
    why: str


class Call:
    """One call from its INVITE to its outcome: `sid` is its name everywhere, `id` the beginning of it, for people."""

    __slots__ = (
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
        "headers",
        "id",
        "inward",
        "is_masked",
        "notes",
        "outcome",
        "passage",
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
        "transfers",
        "tried",
        "waiting",
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
    ) -> None:
        self.sid = new_uuid()
        self.id = self.sid[:8]
        self.caller = caller
        caller.call = self
        self.waiting = caller.waiting
        """Where the one task of this call waits."""
        self.callee: OutgoingLeg | None = None
        """Whom we have called for it, once somebody has answered."""
        self.rung: OutgoingLeg | None = None
        """The last one we have rung for it."""
        self.talk: Talk | None = None
        """The two legs that talk now."""
        self.fork: Fork | None = None
        """Whom it rings now, where others may pick it up."""
        self.transfers: list[str] = []
        """To whom it was transferred, one after another."""
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
        self.story: list[Step] = []
        self.started_at = self.clock()
        self.outcome: Outcome | None = None
        self.notes: Mapping[str, str] = NOTHING
        """What the endpoint wants said of the call in its last line of the log."""
        caller.on_answered, caller.on_digit = self._on_answered, self._on_digit

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
        self.story.append(Step(now, before, state, why))
        if CallMoved in self.events:
            self.events.publish(CallMoved(self.id, now, before, state, why))

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
        if CallEnded in self.events:
            at = self.story[-1].at
            how = (outcome.status, outcome.reason, outcome.q850, outcome.by, outcome.ended_by)
            self.events.publish(CallEnded(self.id, at, *how))

    def _on_answered(self, at: float) -> None:
        if CallAnswered in self.events:
            self.events.publish(CallAnswered(self.id, at))

    def _on_digit(self, way: str, digit: str) -> None:
        if KeyPressed in self.events:
            self.events.publish(KeyPressed(self.id, self.clock(), way, digit))
