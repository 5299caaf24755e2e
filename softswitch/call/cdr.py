"""The call detail record: what stays of a call, with the names CarrierX gives its fields. Pure.

`opened` is what is known when a call is up, `answered` when its far end has, `concluded` when it has ended, `cut_off`
what can still be said of a call that nobody ended. An `AttendanceRecord` says the same of a stay in a conference. What
is not known is None. Dates are ISO 8601 in UTC with milliseconds; whoever calls says how far the clock of the call
(monotonic seconds) lies behind the calendar (`epoch_at`: the POSIX time at which that clock showed 0).

`duration` counts from the answer; `duration_billing` is the same in whole minutes, a begun one in full. Prices and
rates are those of the rate decks, where trunk and caller have any.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple, replace

from softswitch.call.call import Call
from softswitch.call.far_end import far_end, way_out
from softswitch.call.outcome import NORMAL_CLEARING
from softswitch.call.prices import Meter, billed_s, meters, priced, prices
from softswitch.call.sids import Sids
from softswitch.sip import Request
from softswitch.sip.grammar import legible

OUTBOUND = "outbound"
CUT_OFF_CAUSE = 41
"""Q.850: temporary failure."""


class CallRecord(Struct, kw_only=True, omit_defaults=True):
    """One call (CarrierX: call_dr). Ours are `trunk_sid_*`, `disconnect_reason`, `q850_cause`, `call_id`, `quality`."""

    dr_sid: str
    call_id: str
    date_start: str
    date_talk: str | None = None
    date_stop: str | None = None
    direction: str = "inbound"
    number_src: str | None = None
    number_src_original: str | None = None
    number_src_transformed: str | None = None
    number_dst: str | None = None
    number_dst_original: str | None = None
    number_dst_transformed: str | None = None
    number_billing: str | None = None
    number_external: str | None = None
    ip_src: str | None = None
    ip_dst: str | None = None
    sipcallid_src: str | None = None
    sipcallid_dst: str | None = None
    codec_src: str | None = None
    codec_dst: str | None = None
    transcoded: bool | None = None
    partner_sid: str | None = None
    endpoint_sid_src: str | None = None
    endpoint_sid_dst: str | None = None
    trunk_group_sid_src: str | None = None
    trunk_group_sid_dst: str | None = None
    trunk_sid_src: str | None = None
    trunk_sid_dst: str | None = None
    disconnect_originator: str | None = None
    disconnect_reason: str | None = None
    sipcause: int | None = None
    q850_cause: int | None = None
    duration: float = 0.0
    duration_billing: float = 0.0
    identity: str | None = None
    diversion_src: str | None = None
    diversion_dst: str | None = None
    redirect_uri: str | None = None
    stir_identity: str | None = None
    stir_attest: str | None = None
    stir_orig_id: str | None = None
    stir_signing_entity: str | None = None
    stir_verstat: str | None = None
    cic: str | None = None
    cic_original: str | None = None
    cic_transformed: str | None = None
    price: float | None = None
    price_lcr_dst: float | None = None
    price_lcr_src: float | None = None
    rate: float | None = None
    rate_lcr_dst: float | None = None
    rate_lcr_src: float | None = None
    quality: dict[str, Any] | None = None
    user_data: dict[str, Any] | None = None


class AttendanceRecord(Struct, kw_only=True, omit_defaults=True):
    """One stay of one caller in one meeting (CarrierX: conference call)."""

    call_sid: str
    dr_sid: str
    date_start: str
    date_join: str
    date_disconnected: str | None = None
    date_stop: str | None = None
    direction: str = "inbound"
    meeting_sid: str | None = None
    meeting_room_sid: str | None = None
    endpoint_sid: str | None = None
    partner_sid: str | None = None
    number_src: str | None = None
    number_dst: str | None = None
    address_src: str | None = None
    address_dst: str | None = None
    role: str | None = None
    custom_name: str | None = None
    custom_call_type: str | None = None
    user_agent: str | None = None
    node: str | None = None
    bridge: str | None = None
    audio_key: str | None = None
    access_code: str | None = None
    disconnect_cause: int | None = None
    disconnect_originator: str | None = None
    disconnect_reason: str | None = None
    duration: float = 0.0
    duration_meeting: float = 0.0
    quality: dict[str, Any] | None = None


def date(posix_s: float) -> str:
    """A moment as every date of a record has it: `2026-11-23T13:24:13.123Z`."""
    ms = int(posix_s * 1000)
    return f"{_second(ms // 1000)}.{ms % 1000:03}Z"


@lru_cache(maxsize=64)
def _second(posix_s: int) -> str:
    """Many calls begin and end in the same second."""
    return datetime.fromtimestamp(posix_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def seconds_between(earlier: str, later: str) -> float:
    """From one date of a record to another, never less than 0."""
    return max(0.0, (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds())


# ---- a call


def opened(call: Call, epoch_at: float, sids: Sids) -> CallRecord:
    """All that is known of a call before its end."""
    session = call.caller.session
    record = CallRecord(
        dr_sid=call.sid,
        call_id=call.id,
        date_start=date(epoch_at + call.started_at),
        number_src=call.from_number,
        number_src_original=call.calling_number,
        number_dst=call.to_number,
        number_dst_original=call.dialled_number,
        number_external=call.from_number,
        ip_src=session.peer.host,
        sipcallid_src=legible(session.call_id),
        partner_sid=sids.partner,
    )
    if call.invite is not None:
        _add_headers(record, call.invite)
    _add_way(record, call, sids)
    for name, value in way_out(call, sids).items():
        setattr(record, name, value)
    return _turned(record) if call.is_placed else record


def concluded(
    record: CallRecord, call: Call, epoch_at: float, sids: Sids, quality: dict[str, Any] | None = None
) -> CallRecord:
    """The record of a call that has its outcome; its last step is its end."""
    outcome, talks_at = call.outcome, call.answered_at
    codec = "codec_dst" if call.is_placed else "codec_src"
    if outcome is None:
        raise RuntimeError(f"{call!r} has not ended")
    stopped_at = call.story[-1].at
    duration_s = 0.0 if talks_at is None else max(0.0, stopped_at - talks_at)
    return replace(
        record,
        date_talk=None if talks_at is None else date(epoch_at + talks_at),
        date_stop=date(epoch_at + stopped_at),
        disconnect_originator=outcome.by,
        disconnect_reason=outcome.reason or ("Normal" if outcome.q850 == NORMAL_CLEARING else None),
        sipcause=outcome.status,
        q850_cause=outcome.q850,
        duration=round(duration_s, 3),
        duration_billing=billed_s(duration_s),
        quality=quality,
        number_billing=call.number_billing or record.number_billing,
        redirect_uri=call.redirect_uri or None,
        **{codec: call.caller.codec, **far_end(call, sids), **_stir(call), **prices(call, duration_s)},
    )


def _stir(call: Call) -> dict[str, str]:
    """What was found out about the signature of a call that came over a trunk."""
    stir = call.stir
    if stir is None:
        return {}
    found = {
        "stir_verstat": str(stir.verstat),
        "stir_attest": stir.attest,
        "stir_orig_id": stir.origid,
        "stir_signing_entity": stir.signer,
    }
    return {name: legible(value) for name, value in found.items() if value}


def answered(call: Call, sids: Sids) -> tuple[dict[str, Any], list[Meter]]:
    """What is known of a call whose far end has answered, by attribute, and what it costs from now on."""
    known = far_end(call, sids)
    if call.number_billing:
        known["number_billing"] = call.number_billing
    return known, list(meters(call))


def cut_off(record: CallRecord, date_stop: str, reason: str, running: Iterable[Meter] = ()) -> CallRecord:
    """The record of a call that was up when this program ended without a word, at about `date_stop`. `running`: what
    it cost until then."""
    duration_s = 0.0 if record.date_talk is None else seconds_between(record.date_talk, date_stop)
    return replace(
        record,
        date_stop=max(record.date_talk or record.date_start, date_stop),
        disconnect_originator="DST",
        disconnect_reason=reason,
        sipcause=503 if record.date_talk is None else 200,
        q850_cause=CUT_OFF_CAUSE,
        duration=duration_s,
        duration_billing=billed_s(duration_s),
        **priced(running, duration_s),
    )


def _add_headers(record: CallRecord, request: Request) -> None:
    """What the caller's side says beside numbers; most callers say nothing."""
    record.identity = request.text("P-Asserted-Identity") or request.text("Remote-Party-ID")
    record.diversion_src = request.text("Diversion")
    record.stir_identity = request.text("Identity")


def _add_way(record: CallRecord, call: Call, sids: Sids) -> None:
    """Over which trunk it came and to which endpoint it went, as far as it got."""
    source, did = call.source, call.did
    if source is not None and source.endpoint is not None:
        record.endpoint_sid_src = source.endpoint.sid or None
    if source is not None and source.trunk_group is not None:
        record.endpoint_sid_src = sids.system_gateway
        record.trunk_group_sid_src = source.trunk_group.sid or None
        if source.trunk is not None:
            record.trunk_sid_src = source.trunk.sid or None
    if did is not None:
        record.number_src_transformed, record.number_dst_transformed = call.from_number, call.to_number
        record.number_billing = did.phonenumber
        record.endpoint_sid_dst = sids.endpoint(did.endpoint or "")


def _turned(record: CallRecord) -> CallRecord:
    """The record of a call that we have placed: what is known of the far end is known of its destination."""
    names = ("ip", "sipcallid", "endpoint_sid", "trunk_group_sid", "trunk_sid")
    pairs = [(f"{name}_src", f"{name}_dst") for name in names]
    turned = {b: getattr(record, a) for a, b in pairs} | {a: getattr(record, b) for a, b in pairs}
    return replace(record, direction=OUTBOUND, number_external=record.number_dst, **turned)


# ---- an attendance


def joined(
    call: Call,
    record: CallRecord,
    *,
    call_sid: str,
    meeting_sid: str,
    room: str,
    role: str,
    date_join: str,
    sids: Sids,
) -> AttendanceRecord:
    """A caller has come into a meeting."""
    endpoint = "" if call.did is None else call.did.endpoint or ""
    return AttendanceRecord(
        call_sid=call_sid,
        dr_sid=call.sid,
        date_start=record.date_start,
        date_join=date_join,
        direction=record.direction,
        meeting_sid=meeting_sid,
        meeting_room_sid=sids.meeting_room(endpoint, room),
        endpoint_sid=record.endpoint_sid_src if record.direction == OUTBOUND else record.endpoint_sid_dst,
        partner_sid=record.partner_sid,
        number_src=record.number_src,
        number_dst=record.number_dst,
        address_src=call.address_src,
        address_dst=call.address_dst,
        role=role,
        user_agent=call.invite.text("User-Agent") if call.invite is not None else None,
    )


def left(attendance: AttendanceRecord, record: CallRecord) -> AttendanceRecord:
    """The attendance of a call that has ended, as `record` says."""
    date_stop = record.date_stop or record.date_start
    date_left = attendance.date_disconnected or date_stop
    return replace(
        attendance,
        date_disconnected=date_left,
        date_stop=date_stop,
        disconnect_cause=record.q850_cause,
        disconnect_originator=(record.disconnect_originator or "").lower() or None,
        disconnect_reason=record.disconnect_reason,
        duration=record.duration,
        duration_meeting=seconds_between(attendance.date_join, date_left),
        quality=record.quality,
    )


def columns(kind: type[Struct]) -> tuple[str, ...]:
    """The columns of the store that a kind of record fills."""
    return (*kind.__struct_fields__, "date_insert")


def row(record: Struct, date_insert: str) -> tuple[Any, ...]:
    """A record as a row of the store, in the order of its `columns`."""
    return (*astuple(record), date_insert)
