"""The phones of our users, as the rest of the program sees them: one object that answers, remembers and looks after.

`answer` is what the stack asks for every request outside of a dialog that is no INVITE: REGISTER and SUBSCRIBE are
ours, anything else goes on to the switch. `duties` are what has to be done from time to time. Made once, by `app`.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from softswitch.call import Event, Events
from softswitch.errors import CallRejected
from softswitch.logs import get_logger
from softswitch.plan import Plan, ThirdPartyEndpoint
from softswitch.registrar.binding import Binding, address_text
from softswitch.registrar.dialogs import HEARS
from softswitch.registrar.guard import Banned, Denied, Guard
from softswitch.registrar.location import Change, Location
from softswitch.registrar.qualify import Qualify
from softswitch.registrar.registrar import Registrar
from softswitch.registrar.subscriptions import Subscriptions
from softswitch.settings import Settings
from softswitch.sip import Peer, Request, Response, Stack
from softswitch.sip.digest import Challenger

if TYPE_CHECKING:  # a switch without a store, as the demo is one, need not wait for its imports
    from softswitch.registrar.keeping import Keeping
    from softswitch.store import Store

LOOKS_EVERY_S = 1.0
RATE_OVER_S = 10
QUIET_PER_S = 50
SOURCES_LOGGED = 10
NONCES_REMEMBERED = 100_000

EXTENSIONS = {"REGISTER": frozenset({"path", "outbound"}), "SUBSCRIBE": frozenset[str]()}
"""By method, what a request may require."""

TELLS_MORE = frozenset({"authorization", "proxy-authorization", "require", "proxy-require"})
"""Headers of a request that more is to be said about than that it has to prove who it is from."""

Answer = Callable[[Request, Peer], Response | None]


class PhoneMoved(Event, frozen=True):
    """A contact of a user has registered, gone, or can or can't be reached any more. Refreshes are not told."""

    at: float
    user: str
    contact: str
    source: str
    change: str


class SourceBanned(Event, frozen=True):
    """Too many wrong passwords came from an address."""

    at: float
    source: str
    wrong_passwords: int
    ban_s: float


class Phones:
    """Everything about the phones of our users."""

    def __init__(
        self,
        settings: Settings,
        plan: Plan,
        stack: Stack,
        events: Events,
        *,
        secret: bytes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`secret` signs the challenges."""
        challenger = Challenger(
            settings.sip.realm,
            secret,
            settings.registrar.algorithms,
            nonce_lifetime_s=settings.registrar.nonce_lifetime_s,
            nonces_remembered=NONCES_REMEMBERED,
        )
        self.answers: Counter[int] = Counter()
        """To REGISTER, by status."""
        self.registers_per_second = 0.0
        """Over the last seconds."""
        self.unanswered = 0
        """Wrong passwords in REGISTER and SUBSCRIBE that got no answer, since too many waited for theirs."""
        self.location = Location(plan)
        self.guard = Guard(settings.guard, plan, self.location, challenger, settings.registrar.md5_agents)
        self.registrar = Registrar(settings.registrar, self.location, self.guard)
        self.otherwise: Answer = stack.answer_options
        """What answers the requests that are no business of phones."""
        self._stack, self._events, self._clock = stack, events, clock
        self.subscriptions = Subscriptions(settings.registrar, plan, stack, self.guard, self.location, clock)
        self.qualify = Qualify(settings.registrar.qualify_s, stack, self.location, clock)
        self.keeping: Keeping | None = None
        """Where there is a store."""
        self._tells_every_s = settings.logs.drops_every_s
        self._log = get_logger()
        self.location.on_change = self._changed
        self.guard.on_ban = self._banned
        stack.challenges = self.challenge
        stack.on_lost = self._lost
        events.subscribe(self.subscriptions.dialogs.on_event, *HEARS)
        self.adopt(plan)

    def adopt(self, plan: Plan) -> None:
        """Users and passwords of this plan from now on."""
        self.location.adopt(plan)
        self.guard.adopt(plan)
        self.subscriptions.adopt(plan)
        proving = any(isinstance(end, ThirdPartyEndpoint) and end.in_sip_username for end in plan.numbers.endpoints)
        wanted = [*(["REGISTER"] if plan.users else []), *(["INVITE"] if proving else [])]
        self._stack.heeds = frozenset(wanted)

    def reload(self, settings: Settings) -> None:
        self.guard.reload(settings.guard)

    async def keep_in(self, store: "Store") -> None:
        """Takes over what the store has kept, and writes to it what changes from now on."""
        from softswitch.registrar.keeping import Keeping

        self.keeping = Keeping(store, self.location, self._clock, edge=self.registrar.edge)
        await self.keeping.restore()
        for binding in self.location:
            self.qualify.add(binding)

    async def close(self) -> None:
        """Writes what has not been written yet."""
        if self.keeping is not None:
            await self.keeping.close()

    def duties(self) -> Mapping[str, Callable[[], Coroutine[Any, Any, None]]]:
        """What has to be done all the time, by name: a bug in one of them must not end the others."""
        duties = {
            "expiry of contacts": self._expire,
            "wrong passwords told": self._tell_wrong_passwords,
            "phones asked": self.qualify.run,
        }
        return duties if self.keeping is None else {**duties, "contacts kept": self.keeping.run}

    async def _expire(self) -> None:
        totals: deque[int] = deque([0], RATE_OVER_S + 1)
        while True:
            await asyncio.sleep(LOOKS_EVERY_S)
            now = self._clock()
            totals.append(sum(self.answers.values()))
            self.registers_per_second = (totals[-1] - totals[0]) / max(1, len(totals) - 1) / LOOKS_EVERY_S
            self.location.expire(now)
            self.subscriptions.expire(now)

    async def _tell_wrong_passwords(self) -> None:
        """One line an interval, whatever the flood; none where there were none."""
        while True:
            await asyncio.sleep(self._tells_every_s)
            if wrong := self.guard.news():
                sources = ", ".join(f"{host} ({count})" for host, count in wrong.most_common(SOURCES_LOGGED))
                self._log.warning("wrong passwords", count=wrong.total(), sources=sources)

    @property
    def is_quiet(self) -> bool:
        """Whether so few register that it may wait for a quarter of a second."""
        return self.registers_per_second < QUIET_PER_S

    # ---- requests

    def challenge(self, request: Request, peer: Peer) -> list[tuple[str, str]] | None:
        """The stack's `challenges`: for REGISTER and SUBSCRIBE without credentials, where nothing else is amiss."""
        if request.method not in EXTENSIONS or request.to.tag is not None:
            return None
        if not request.headers.fields.keys().isdisjoint(TELLS_MORE):
            return None
        self._count(request, 401)
        return self.guard.challenge(request, peer, self._clock())

    def answer(self, request: Request, peer: Peer) -> Response | None:
        """The stack's `on_request`."""
        if request.method == "REGISTER":
            return self._served(request, peer, self._register)
        if request.method == "SUBSCRIBE":
            return self._served(request, peer, self.subscriptions.subscribe)
        return self.otherwise(request, peer)

    def _register(self, request: Request, peer: Peer) -> Response:
        return self.registrar.register(request, peer, self._clock())

    def _served(self, request: Request, peer: Peer, serve: Callable[[Request, Peer], Response]) -> Response | None:
        try:
            _refuse_extensions(request)
            response = serve(request, peer)
        except Denied as denied:
            self._count(request, 403)
            return self._slow_down(request, _refusal(request, denied), denied)
        except CallRejected as rejected:
            response = _refusal(request, rejected)
        self._count(request, response.status)
        return response

    def _count(self, request: Request, status: int) -> None:
        if request.method == "REGISTER":
            self.answers[status] += 1

    def _slow_down(self, request: Request, response: Response, denied: Denied) -> Response | None:
        if denied.is_one_too_many:
            self.unanswered += 1
            self._stack.answer_never(request)
            return None
        if not denied.after_s:
            return response
        asyncio.get_running_loop().call_later(denied.after_s, self._stack.answer_later, request, response)
        return None

    # ---- what is told of them

    def _lost(self, peer: Peer) -> None:
        self.location.lost(peer)
        self.subscriptions.lost(peer)

    def _changed(self, binding: Binding, change: Change) -> None:
        if self.keeping is not None:
            self.keeping.note(binding, change)
        if change is Change.REFRESHED:
            return
        if change is Change.ADDED:
            self.qualify.add(binding)
        self.subscriptions.on_binding(binding, change)
        source = address_text(binding.peer)
        self._log.info("phone", user=binding.username, contact=binding.uri, source=source, change=change.value)
        if self._events:
            self._events.publish(PhoneMoved(self._clock(), binding.username, binding.uri, source, change.value))

    def _banned(self, banned: Banned) -> None:
        self._log.warning("passwords from this address are not looked at", source=banned.source, for_s=banned.ban_s)
        if self._events:
            event = SourceBanned(self._clock(), banned.source, banned.wrong_passwords, banned.ban_s)
            self._events.publish(event)


def _refuse_extensions(request: Request) -> None:
    """Raises `CallRejected` 420 for what a phone or a proxy requires and we do not have (RFC 3261 §8.2.2.3)."""
    if "require" in request.headers.fields:
        unknown = [name for name in request.tokens("Require") if name.lower() not in EXTENSIONS[request.method]]
        if unknown:
            raise CallRejected(420, "Bad Extension", headers=[("Unsupported", ", ".join(unknown))])


def _refusal(request: Request, rejected: CallRejected) -> Response:
    return Response.for_request(request, rejected.status, rejected.reason, headers=rejected.headers)
