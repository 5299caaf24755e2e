"""What the record of a call says of whoever was called: the leg that answered, else the last that was rung. Pure."""

from typing import Any

from softswitch.call.call import Call
from softswitch.call.originate import OutgoingLeg
from softswitch.call.sids import Sids
from softswitch.call.stages import Stage
from softswitch.routing import ToEndpoint, ToPstn, ToUser


def way_out(call: Call, sids: Sids) -> dict[str, Any]:
    """Known before anybody answers: where the call goes beside our endpoints, and of which calls it has come."""
    return _way(call, sids) | ({"user_data": _story(call)} if call.transfer is not None else {})


def _way(call: Call, sids: Sids) -> dict[str, Any]:
    match call.destination:
        case ToPstn(number, group):
            return {
                "direction": "outbound",
                "number_external": number,
                "endpoint_sid_dst": sids.system_gateway,
                "trunk_group_sid_dst": group.sid or None,
            }
        case ToUser() if call.source is not None and call.source.trunk_group is None:
            return {"number_external": None}
        case None if call.transfer is not None and call.caller.user is not None:
            return {"number_external": None}
    return {}


def far_end(call: Call, sids: Sids) -> dict[str, Any]:
    """Known at the end: the leg we have called, over which trunk, and what else was tried."""
    if call.stage is Stage.FORWARDED and isinstance(call.destination, ToEndpoint):
        return _forwarded_to(call, call.destination, sids)
    leg = call.callee or call.rung
    if leg is None:
        return {"user_data": _story(call)} if call.transfer is not None or call.went_on_in else {}
    found: dict[str, Any] = {
        "ip_dst": leg.session.peer.host or None,
        "sipcallid_dst": leg.session.call_id,
        "codec_dst": leg.codec,
        "number_dst_transformed": (leg.user.username if leg.user is not None else call.to_number) or None,
        "user_data": _story(call) or None,
    }
    if call.callee is not None and leg.codec is not None:
        found["transcoded"] = call.caller.codec != leg.codec
    return found | (_over(leg, sids) if isinstance(leg, OutgoingLeg) else {})


def _over(leg: OutgoingLeg, sids: Sids) -> dict[str, Any]:
    """Of whoever we have called: over which trunk, as which number."""
    target = leg.target
    found: dict[str, Any] = {"diversion_dst": leg.session.request.text("Diversion")}
    if leg.user is None:
        found["number_dst_transformed"] = target.uri.username or None
    if target.trunk_group is not None:
        found["endpoint_sid_dst"] = sids.system_gateway
        found["trunk_group_sid_dst"] = target.trunk_group.sid or None
    elif target.endpoint_sid:
        found["endpoint_sid_dst"] = target.endpoint_sid
    if target.trunk is not None:
        found["trunk_sid_dst"] = target.trunk.sid or None
    return found


def _forwarded_to(call: Call, endpoint: ToEndpoint, sids: Sids) -> dict[str, Any]:
    """An endpoint that took the call itself: whoever was rung before the forward is not its far end."""
    return {
        "number_dst_transformed": call.to_number,
        "endpoint_sid_dst": sids.endpoint(endpoint.name),
        "user_data": _story(call) or None,
    }


def _story(call: Call) -> dict[str, Any]:
    """Users at both ends, every step of a failover, and to whom it was transferred."""
    leg = call.callee or call.rung
    story: dict[str, Any] = {}
    if call.caller.user is not None:
        story["user_src"] = call.caller.user.username
    if leg is not None and leg.user is not None:
        story["user_dst"] = leg.user.username
    if call.transfers:
        story["transfers"] = call.transfers
    if call.went_on_in:
        story["transferred_to"] = call.went_on_in
    if call.transfer is not None:
        story["transferred_by"], story["transferred_from"] = call.transfer.by, list(call.transfer.calls)
    if len(call.tried) > 1 or (call.tried and call.callee is None and leg is not None and leg.user is None):
        story["failover"] = [attempt._asdict() for attempt in call.tried]
    return story
