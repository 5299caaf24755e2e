"""What happens to a new call. Read this page first; the rest of the program is what its words mean.

    identify   which trunk or user sends it?                             softswitch.routing.identify
    admit      does the sender prove who he is, and is there room?       sip.digest, softswitch.routing.limits
    route      where does it go, and why?                                softswitch.routing.router
    run        what happens there, until one side ends it                softswitch.destinations, softswitch.endpoints
    conclude   once: the session ended, the outcome told, counted, logged

Any step may raise `CallRejected`; one `except` answers. The stack calls `Switch.handle` for every INVITE outside of a
dialog, and each call gets one task of its own. A hang-up cancels that task, and so does the end of the program. A bug
in an endpoint costs its own call a 500 or a BYE, and no other call notices.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

from media import Engine
from softswitch.call import Call, Events, Leg, LegState, Outcome
from softswitch.destinations import Destinations
from softswitch.errors import CallRejected
from softswitch.logs import get_logger, in_call
from softswitch.plan import Plan, ThirdPartyEndpoint, Trunk, User
from softswitch.routing import Decision, Gates, Identified, Passage, Refused, Senders, number_of
from softswitch.settings import Settings
from softswitch.sip import Ended, Request, Response, Session
from softswitch.sip.digest import Challenger, Verdict
from softswitch.sip.peer import Peer, Transport

STOPPING = CallRejected(503, "Going down", headers=(("Retry-After", "30"),), q850=41)
DRAIN_LOOKS_EVERY_S = 0.1
NOT_PUT_THROUGH = 487
"""The status of a transfer whose party has hung up before anybody took him."""
OUR_BUG = CallRejected(500, "Server Internal Error", q850=41)

HeaderFields = Iterable[tuple[str, str]]


class Switch:
    """Every call there is, and what happens to it."""

    def __init__(
        self,
        settings: Settings,
        plan: Plan,
        engine: Engine,
        destinations: Destinations,
        *,
        challenger: Challenger,
        answer_known: Callable[[Request, Peer], Response | None],
        events: Events,
        user_behind: Callable[[Peer], User | None] | None = None,
        authenticate: Callable[[Request, Peer, float], User | ThirdPartyEndpoint] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`user_behind` says whose phone has registered from an address, `authenticate` who of the users and third
        parties sends a request (it raises `Refused`); without them nobody calls as a user."""
        self.calls: dict[str, Call] = {}
        self.refused: Counter[str] = Counter()
        """Calls and requests a flood could consist of: counted here by name instead of logged one by one."""
        self.outcomes: Counter[int] = Counter()
        """Calls that have ended, by final status."""
        self.bugs = 0
        self.on_started: Callable[[Call], None] = _nobody
        """Hears of each call that has found its endpoint."""
        self.on_ended: Callable[[Call], None] = _nobody
        """Hears of each call that is over, those that were refused too, but not of first challenges."""
        self.verify: Callable[[Call], Awaitable[None]] | None = None
        """Judges who a call that came over a trunk says it is from, before it is routed."""
        self.on_wrong_password: Callable[[str], None] = _nobody_listens
        """Told where a wrong password came from that a trunk has sent, and of which trunk."""
        self.is_open = asyncio.Event()
        """Set once `serve` takes calls: what comes before is turned away."""
        self._settings = settings
        self._engine = engine
        self._destinations = destinations
        self._challenger = challenger
        self._authenticate_caller = authenticate
        self._answer_known = answer_known
        self.events = events
        self._clock = clock
        self.is_draining = False
        """No new calls; those that are up go on."""
        self.outward = destinations.outward
        """The trunk groups, for calls out."""
        self._senders = Senders(plan, user_behind)
        self._gates = Gates(plan, settings.limits.calls, settings.limits.cps)
        destinations.gates_of, destinations.on_going = self._gates.of, self.go_on
        self._group: asyncio.TaskGroup | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._log = get_logger()

    def adopt(self, plan: Plan) -> None:
        """The next call goes by this plan; those that are up keep what they have."""
        self._senders.adopt(plan)
        self._gates.adopt(plan)
        self._destinations.adopt(plan)

    # ---- from the first call to the last

    async def serve(self, until: asyncio.Event) -> None:
        """Takes calls until the event is set; then ends those that are up, and returns when the last has given back."""
        async with asyncio.TaskGroup() as self._group:
            self.is_open.set()
            await until.wait()
            self._group = None
            for call in list(self.calls.values()):
                task = self._tasks[call.id]
                self._bury(call, STOPPING)
                task.cancel()

    async def drain(self) -> None:
        """Turns new calls away from now on, and returns when the last one that is up has ended."""
        self.is_draining = True
        while self.calls:  # noqa: ASYNC110 - once in the life of a program
            await asyncio.sleep(DRAIN_LOOKS_EVERY_S)

    def limit(self, calls: int, cps: float) -> None:
        """Other limits for the switch as a whole; calls that are up stay."""
        self._gates.limit(calls, cps)

    def gates_in_use(self) -> dict[str, int]:
        """All limits that calls count against just now, in and out, by name; none where no call is up."""
        return self._gates.in_use() | self.outward.gates_in_use()

    def handle(self, session: Session) -> None:
        """A call comes in (the stack's `on_invite`)."""
        request = session.request
        caller = Leg(session, self._engine)
        from_number, to_number = number_of(request.from_.uri), number_of(request.uri)
        call = Call(caller, from_number=from_number, to_number=to_number, events=self.events, clock=self._clock)
        call.announce()
        if self._group is None or self.is_draining:
            self._conclude(call, STOPPING)
            return
        self.calls[call.id] = call
        self._tasks[call.id] = self._group.create_task(self._live(call, self._take))

    def place(self, call: Call, run: Callable[[Call], Awaitable[Outcome]]) -> None:
        """A call of ours goes out: `run` is all that happens to it, until one side ends it."""
        self._begin(call, run, is_up=False)

    def _begin(self, call: Call, run: Callable[[Call], Awaitable[Outcome]], *, is_up: bool) -> None:
        call.announce()
        if self._group is None or (self.is_draining and not is_up):
            self._conclude(call, STOPPING)
            return

        async def follow(call: Call) -> None:
            self._log.info("call goes on" if is_up else "call out", call=call.id, **_parties(call))
            self.on_started(call)
            await self._follow(call, run)

        self.calls[call.id] = call
        self._tasks[call.id] = self._group.create_task(self._live(call, follow))

    def go_on(self, call: Call, run: Callable[[Call], Awaitable[Outcome]]) -> None:
        """A call that a transfer has begun: its caller is up, so he is not turned away while the last calls end."""
        if call.caller.session.direction == "out":
            self._gates.hold(call.inward)
        self._begin(call, run, is_up=True)

    def end(self, call: Call, reason: str) -> None:
        """Ends a call from outside, whatever state it is in. Harmless when it is over."""
        task = self._tasks.get(call.id)
        if task is not None:
            self._conclude(call, CallRejected(480, reason, q850=16))
            task.cancel()

    async def _live(self, call: Call, steps: Callable[[Call], Awaitable[None]]) -> None:
        """The task of one call: the one place where a bug of ours ends."""
        in_call(call.id)
        try:
            await steps(call)
        except Exception as bug:  # noqa: BLE001 - one call's bug is one call's end
            self.bugs += 1
            self._bury(call, OUR_BUG, bug)

    def _bury(self, call: Call, how: CallRejected, bug: Exception | None = None) -> None:
        """Concludes first, tells last, and nothing leaves here: it would take every other call along."""
        try:
            self._conclude(call, how)
        except Exception as another:  # noqa: BLE001 - and so is what goes wrong at its end
            self.bugs += bug is None
            bug = another if bug is None else ExceptionGroup("a bug, and another at the end", (bug, another))
        if bug is not None:
            with contextlib.suppress(Exception):
                self._log.error("a bug of ours ends the call", call=call.id, exc_info=bug)

    async def _take(self, call: Call) -> None:
        try:
            self._listen_for_hang_up(call)
            source = self._identify(call)
            self._admit(call, source)
            if self.verify is not None:
                await self.verify(call)
            decision = self._route(call, source)
            outcome = await self._run(call, decision)
            self._conclude(call, outcome)
        except CallRejected as rejected:
            try:
                await _slow_down(rejected)
            finally:  # also of somebody who does not wait for the answer
                self._conclude(call, rejected)
        except asyncio.CancelledError:
            self._conclude(call, _hung_up(call) if call.caller.end else STOPPING)
            raise

    async def _follow(self, call: Call, run: Callable[[Call], Awaitable[Outcome]]) -> None:
        try:
            self._listen_for_hang_up(call)
            self._conclude(call, await run(call))
        except CallRejected as rejected:
            self._conclude(call, rejected)
        except asyncio.CancelledError:
            self._conclude(call, _hung_up(call) if call.caller.end else STOPPING)
            raise

    # ---- the steps

    def _listen_for_hang_up(self, call: Call) -> None:
        task = self._tasks[call.id]

        def cancel(_: Ended) -> None:
            task.cancel()

        call.caller.on_ended = cancel
        if call.caller.end is not None:
            raise asyncio.CancelledError  # hung up before this task first ran

    def _identify(self, call: Call) -> Identified:
        """Raises `Refused`: 403 for a sender nobody knows, 401 where a user has to prove that he is one."""
        request, peer = call.caller.session.request, call.caller.session.peer
        source = self._senders.identify(peer, request.from_.uri.username)
        if self._authenticate_caller is not None and self._senders.has_to_prove(source, request):
            source = Identified.by_password(self._authenticate_caller(request, peer, self._clock()))
        if source is None:
            raise Refused(403, "Forbidden", counted_as="unknown_sender")
        call.source = source
        call.caller.know(source.user, source.trunk, source.endpoint)
        call.record("identified", source.why)
        return source

    def _admit(self, call: Call, source: Identified) -> None:
        """Raises `Refused`: 401 where the trunk wants a password, 503 where it, its group or the switch is full."""
        if source.trunk is not None and source.trunk.in_sip_username:
            self._authenticate(call.caller.session, source.trunk, source.name)
        call.inward.enter(self._gates.inward(source), self._clock())

    def _authenticate(self, session: Session, trunk: Trunk, name: str) -> None:
        now, source = self._clock(), session.peer.host
        passwords = {trunk.in_sip_username: trunk.in_sip_password}
        verdict = self._challenger.verify(session.request, passwords.get, now, source)
        if verdict is not Verdict.OK:
            challenges = self._challenger.challenge(now, stale=verdict is Verdict.STALE, source=source)
            headers = [("WWW-Authenticate", challenge) for challenge in challenges]
            counted_as = "wrong_credentials" if verdict is Verdict.WRONG else ""
            if counted_as:
                self.on_wrong_password(f"{source} as trunk {name}")
            raise Refused(401, "Unauthorized", counted_as=counted_as, headers=headers)

    def _route(self, call: Call, source: Identified) -> Decision:
        """Raises `Refused`: 404 where the number leads nowhere, 503 where its endpoint is full, or what a rule says."""
        decision = self._destinations.router.route(source, call.caller.session.request)
        call.passage.enter(self._gates.of(decision.destination), self._clock())
        call.from_number, call.to_number, call.did = decision.number_src, decision.number_dst, decision.did
        call.from_name, call.headers = decision.identity.name, decision.headers
        call.destination = decision.destination
        call.record("routed", decision.reasons[-1].why)
        return decision

    async def _run(self, call: Call, decision: Decision) -> Outcome:
        destination = decision.destination
        self._log.info("call", call=call.id, **_parties(call), endpoint=destination.name)
        self.on_started(call)
        return await self._destinations.run(call, destination)

    # ---- the end

    def _conclude(self, call: Call, how: Outcome | CallRejected) -> None:
        """Once for every call, whatever became of it."""
        if call.outcome is not None:
            return
        outcome = Outcome.of_rejection(how) if isinstance(how, CallRejected) else how
        if call.answered_at is None and call.transfer is not None:
            outcome = replace(outcome, status=NOT_PUT_THROUGH) if outcome.status < 300 else outcome
        elif call.caller.state is LegState.ANSWERED:
            outcome = replace(outcome, status=200)
        self.calls.pop(call.id, None)
        self._tasks.pop(call.id, None)
        self.outcomes[outcome.status] += 1
        try:
            call.conclude(outcome)
            self._tell(call, outcome, how)
        finally:
            call.passage.leave()
            if call.caller.call in (call, None):
                call.inward.leave()
                self._end(call.caller, outcome, how.with_cause if isinstance(how, CallRejected) else ())
            else:  # another call has taken this leg
                self._pass_on(call)

    def _pass_on(self, call: Call) -> None:
        """What its caller has passed on his way in counts as long as he is there; whom we have called has come no such
        way, and counts for the call that he is in now."""
        if call.caller.session.direction == "out":
            call.inward.leave()
            return
        call.caller.passage = call.caller.passage or Passage()
        call.caller.passage.take(call.inward)

    def _tell(self, call: Call, outcome: Outcome, how: Outcome | CallRejected) -> None:
        counted_as = how.counted_as if isinstance(how, Refused) else None
        if counted_as is None:
            self._log_end(call, outcome, how)
        elif counted_as:
            self.refused[counted_as] += 1
        if counted_as != "":
            self.on_ended(call)

    def _log_end(self, call: Call, outcome: Outcome, how: Outcome | CallRejected) -> None:
        end = {"status": outcome.status, "q850": outcome.q850, "by": outcome.ended_by, **call.notes}
        if outcome.reason:
            end["reason"] = outcome.reason
        if isinstance(how, Refused) and how.reasons:
            end["why"] = how.reasons[-1].why
        elif outcome.status >= 300 and (refusals := [attempt for attempt in call.tried if attempt.status >= 300]):
            end["why"] = f"{refusals[-1].target}: {refusals[-1].status} {refusals[-1].reason}".rstrip()
        if secured := _secured(call.caller):
            end["secured"] = secured
        duration_s = round(self._clock() - call.started_at, 3)
        self._log.info("call ended", call=call.id, **_parties(call), **end, duration_s=duration_s)

    def _end(self, leg: Leg, outcome: Outcome, headers: HeaderFields) -> None:
        """Ends the session by what its state needs, where it is still up."""
        leg.on_ended = None
        if leg.end is not None:
            return
        if leg.state is LegState.ANSWERED or leg.session.direction == "out":
            leg.hang_up(outcome.q850, outcome.reason)
        else:
            status = outcome.status if outcome.status >= 300 else 480
            leg.session.reject(status, outcome.reason, headers=tuple(headers))

    # ---- what is no call

    def is_stranger(self, peer: Peer) -> bool:
        """Whether nobody may send from there (the stack's `ignores`, where strangers get silence)."""
        return self._senders.identify(peer) is None

    def answer(self, request: Request, peer: Peer) -> Response | None:
        """A request outside of a dialog (the stack's `on_request`): `answer_known` answers everybody who is known.

        OPTIONS is how a trunk asks whether we are alive.
        """
        if not self.is_stranger(peer):
            return self._answer_known(request, peer)
        self.refused["unknown_sender"] += 1
        return Response.for_request(request, 403)


async def _slow_down(rejected: CallRejected) -> None:
    """The answer to a guess waits."""
    if isinstance(rejected, Refused) and rejected.after_s:
        await asyncio.sleep(rejected.after_s)


def _nobody_listens(_: str) -> None:
    return


def _hung_up(call: Call) -> Outcome:
    """The caller has ended it; whoever a transfer has made one was called by us, and is a caller all the same."""
    return Leg.outcome(call.caller) if call.transfer is not None else call.caller.outcome()


def _nobody(_: Call) -> None:
    """Until somebody wants to hear of calls."""


def _secured(leg: Leg) -> str:
    """What of a leg was encrypted: its SIP, its audio, both or nothing."""
    is_tls = leg.session.peer.transport is Transport.TLS
    return " ".join(filter(None, ["TLS" if is_tls else "", "SRTP" if leg.encryption_suite else ""]))


def _parties(call: Call) -> dict[str, str | None]:
    return {"from": call.from_number, "to": call.to_number, "over": call.over}
