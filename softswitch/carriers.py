"""The far ends that calls go out to, looked after: who answers, who rests, what is spent, what is alarming.

It puts together what the pure decisions of `Outward` need from the world: OPTIONS on the wire, the day, the store, the
log and the events; and the certificate that calls out are signed with. Made once, by `app`.
"""

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from softswitch.alarms import Alarms
from softswitch.call import Call, Events
from softswitch.plan import Plan
from softswitch.routing import Outward, digits, identity_of, number_of
from softswitch.routing.caller import Caller, is_believed
from softswitch.routing.presentation import CallerId
from softswitch.settings import Settings
from softswitch.sip import Stack
from softswitch.spending import today
from softswitch.trunk_health import TrunkHealth

if TYPE_CHECKING:
    from softswitch.spending import SpendingKeeper
    from softswitch.stir import Attestation, Signer, Verifier
    from softswitch.store import Store

OVERDRAWN_EVERY_S = 5.0
ORIGINS = uuid.UUID("6f6c64b2-9f0e-5c1b-8f62-0d9f0c6f4b1e")
"""The name space of `origid`: the same caller has the same one, and nobody can tell who he is."""


class Carriers:
    """Everything about the trunks of calls out."""

    def __init__(
        self, settings: Settings, outward: Outward, stack: Stack, events: Events, plan: Callable[[], Plan], file: str
    ) -> None:
        """`plan`: the one of the next call; `file`: what errors call the settings. Raises `ConfigError`."""
        self.alarms = Alarms(events)
        self.health = TrunkHealth(stack, events, plan, outward.failures, every_s=settings.sip.options_every_s)
        self.spending: SpendingKeeper | None = None
        """Where there is a store."""
        self._outward = outward
        outward.on_move = self.alarms.on_trunk
        outward.guard.on_alarm = self.alarms.on_alarm
        outward.guard.today = today
        if settings.stir.certificate is not None:
            outward.sign = Signing(_signer(settings, file))
        self._verifier = _verifier(settings, file) if settings.stir.verify else None
        self.verify: Verifying | None = Verifying(self._verifier) if self._verifier is not None else None
        """What a call that came over a trunk waits for, where it is wanted."""

    async def keep_in(self, store: "Store") -> None:
        """What the day has cost so far is taken over; what it costs from now on is kept."""
        from softswitch.spending import SpendingKeeper

        self.spending = SpendingKeeper(self._outward.guard, store)
        await self.spending.load()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.health.run())
            tasks.create_task(self._end_overdrawn())
            if self.spending is not None:
                tasks.create_task(self.spending.run())

    async def _end_overdrawn(self) -> None:
        """Legs end when the money of whoever pays for them is gone, and with each the talk it is in."""
        guard = self._outward.guard
        while True:
            await asyncio.sleep(OVERDRAWN_EVERY_S)
            for fare in guard.overdrawn(self._outward.clock()):
                fare.cut_off("Spending limit reached")

    async def close(self) -> None:
        """Writes what has not been written yet; nothing is fetched any more."""
        if self.spending is not None:
            await self.spending.write()
        if self._verifier is not None:
            await self._verifier.close()


class Signing:
    """The Identity header of calls out, by who calls: A where he is ours and the number is his, B where he is ours, C
    for whatever is only passed on, also where somebody of ours forwards it (RFC 8588 §4); a transformation may say
    otherwise."""

    def __init__(self, signer: "Signer", clock: Callable[[], float] = time.time) -> None:
        """`clock`: POSIX seconds."""
        self._signer, self._clock = signer, clock
        self._last: tuple[tuple[object, ...], str] = ((), "")
        """The trunks of one call mostly get the same."""

    def __call__(self, caller: Caller, shown: CallerId, dest: str, asked: str) -> tuple[tuple[str, str], ...]:
        orig, dest = digits(shown.number), digits(dest)
        if asked == "none" or not orig.isdigit() or not dest.isdigit():
            return ()
        asked_for = orig, dest, _attestation(caller, shown, asked), caller.subject or caller.trunk_group
        now = self._clock()
        if self._last[0] != (*asked_for, int(now)):
            attest, origin = asked_for[2], str(uuid.uuid5(ORIGINS, asked_for[3]))
            self._last = (*asked_for, int(now)), self._signer.identity(orig, dest, attest, origin, now)
        return (("Identity", self._last[1]),)


class Verifying:
    """Judges the Identity headers of calls that come over trunks; what it finds stays with the call (`call.stir`)."""

    def __init__(self, verifier: "Verifier") -> None:
        self._verifier = verifier

    async def __call__(self, call: Call) -> None:
        """Takes `stir.timeout_s` at most. The numbers are those of the message: P-Asserted-Identity, where the
        trunk is believed, else From; To."""
        request = call.caller.session.request
        if call.source is None or call.source.trunk_group is None:
            return
        orig = digits(identity_of(request, trusts_asserted=is_believed(call.source)).number)
        dest = digits(number_of(request.to.uri))
        if not dest.isdigit():
            dest = digits(number_of(request.uri))
        headers = request.headers
        call.stir = await self._verifier.verify(headers.all("Identity"), orig, dest, headers.get("Date") or "")
        call.remark("verified", f"{call.stir.verstat}: {call.stir.why}")


def _attestation(caller: Caller, shown: CallerId, asked: str) -> "Attestation":
    match asked:
        case "A" | "B" | "C":
            return asked
    if not caller.subject or (caller.diversions and not shown.is_ours):
        return "C"
    return "A" if shown.is_ours else "B"


def _signer(settings: Settings, file: str) -> "Signer":
    from softswitch.stir import Signer

    stir = settings.stir
    assert stir.certificate is not None  # noqa: S101 - the settings
    assert stir.key is not None  # noqa: S101 - see to that
    return Signer.load(stir.certificate, stir.key, stir.x5u, file=file)


def _verifier(settings: Settings, file: str) -> "Verifier":
    import httpx

    from softswitch.stir import Verifier
    from softswitch.stir.fetching import Fetching
    from softswitch.stir.signing import read_certificates

    stir = settings.stir
    roots = [root for path in stir.roots for root in read_certificates(path, file, "stir.roots")]
    client = httpx.AsyncClient(timeout=stir.timeout_s * 2)
    fetching = Fetching(client, time.monotonic, frozenset(stir.x5u_hosts))
    return Verifier(fetching, roots, timeout_s=stir.timeout_s, fresh_s=stir.fresh_s, wall_clock=time.time)
