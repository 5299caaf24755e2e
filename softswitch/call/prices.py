"""What a call costs, by the rate decks: for whoever pays us, and for us. Pure.

A leg that we have called has the price of a minute, and each begun minute counts in full. It is priced once, as a
whole: in the record of the call that it ends in, from its answer on, also where that was in a call before.
"""

import math

from softswitch.call.call import Call
from softswitch.call.originate import OutgoingLeg

BILLING_UNIT_S = 60


def billed_s(duration_s: float) -> float:
    """Whole minutes, a begun one in full."""
    return float(math.ceil(duration_s / BILLING_UNIT_S) * BILLING_UNIT_S)


def prices(call: Call, duration_s: float) -> dict[str, float]:
    """`rate`, `price` and those of LCR for the record of a call that has ended; nothing where nothing has a price."""
    found: dict[str, float] = {}
    for leg, side in ((call.callee, "dst"), (call.caller, "src")):
        if not isinstance(leg, OutgoingLeg):
            continue
        minutes = _priced_s(call, leg, duration_s) / BILLING_UNIT_S
        for name, rate in (("rate", leg.target.rate), (f"rate_lcr_{side}", leg.target.rate_lcr)):
            if rate is not None:
                price = name.replace("rate", "price")
                found[name] = found.get(name, 0.0) + rate
                if leg is not call.gone:
                    found[price] = round(found.get(price, 0.0) + rate * minutes, 6)
    return found


def _priced_s(call: Call, leg: OutgoingLeg, duration_s: float) -> float:
    """As long as the call, or where another call has brought the leg, as long as the leg."""
    if leg.answered_at is None or leg.answered_at >= call.started_at:
        return billed_s(duration_s)
    return billed_s(call.story[-1].at - leg.answered_at)
