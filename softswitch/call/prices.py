"""What a call costs, by the rate decks: for whoever pays us, and for us. Pure.

A leg that we have called has the price of a minute, and each begun minute counts in full. It is priced once, as a
whole: in the record of the call that it ends in, from its answer on, also where that was in a call before.
"""

import math
from collections.abc import Iterable, Iterator

from msgspec import Struct

from softswitch.call.call import Call
from softswitch.call.originate import OutgoingLeg

BILLING_UNIT_S = 60


class Meter(Struct, frozen=True, array_like=True):
    """What a leg costs, where it costs anything: `name` is the attribute of the record, `rate` that of a minute."""

    name: str
    rate: float
    before_s: float = 0.0
    """How long it was up before this call."""
    is_elsewhere: bool = False
    """It goes on in another call, whose record has its price."""


def billed_s(duration_s: float) -> float:
    """Whole minutes, a begun one in full."""
    return float(math.ceil(duration_s / BILLING_UNIT_S) * BILLING_UNIT_S)


def prices(call: Call, duration_s: float) -> dict[str, float]:
    """`rate`, `price` and those of LCR for the record of a call that has ended; nothing where nothing has a price."""
    return priced(meters(call), duration_s)


def priced(of: Iterable[Meter], duration_s: float) -> dict[str, float]:
    """The same, of a call that has lasted so long."""
    found: dict[str, float] = {}
    for meter in of:
        found[meter.name] = found.get(meter.name, 0.0) + meter.rate
        if not meter.is_elsewhere:
            price = meter.name.replace("rate", "price")
            minutes = billed_s(meter.before_s + duration_s) / BILLING_UNIT_S
            found[price] = round(found.get(price, 0.0) + meter.rate * minutes, 6)
    return found


def meters(call: Call) -> Iterator[Meter]:
    """What runs for a call that was answered, or has ended."""
    for leg, side in ((call.callee, "dst"), (call.caller, "src")):
        if isinstance(leg, OutgoingLeg):
            is_elsewhere = leg is call.gone or leg.call not in (call, None)
            for name, rate in (("rate", leg.target.rate), (f"rate_lcr_{side}", leg.target.rate_lcr)):
                if rate is not None:
                    yield Meter(name, rate, _before_s(call, leg), is_elsewhere)


def _before_s(call: Call, leg: OutgoingLeg) -> float:
    """Nothing, but where another call has brought the leg."""
    if leg.answered_at is None or leg.answered_at >= call.started_at:
        return 0.0
    return (call.story[-1].at if call.answered_at is None else call.answered_at) - leg.answered_at
