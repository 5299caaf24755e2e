"""`/core/v2/calls/call_drs`: the record of every call attempt. `order=date_stop&after=<last dr_sid>` follows them."""

from typing import Any, ClassVar

from softswitch.api.core.attributes import PARTNER_EXAMPLE
from softswitch.api.core.owned import Recorded
from softswitch.api.resources import Values
from softswitch.api.schemas import Date, Object, Sid


class CallRecord(Object):
    """What became of one call attempt. SRC is the caller's side, DST the called one."""

    dr_sid: Sid
    partner_sid: str | None
    direction: str | None
    date_start: Date
    date_talk: Date | None
    """When it was answered."""
    date_stop: Date
    date_insert: Date
    duration: float | None
    """Seconds from answer to end."""
    duration_billing: float | None
    """The same in whole minutes, a begun one in full."""
    number_src: str | None
    number_src_original: str | None
    number_src_transformed: str | None
    number_dst: str | None
    number_dst_original: str | None
    number_dst_transformed: str | None
    number_billing: str | None
    number_external: str | None
    endpoint_sid_src: str | None
    endpoint_sid_dst: str | None
    trunk_group_sid_src: str | None
    trunk_group_sid_dst: str | None
    trunk_sid_src: str | None
    trunk_sid_dst: str | None
    ip_src: str | None
    ip_dst: str | None
    sipcallid_src: str | None
    sipcallid_dst: str | None
    sipcause: int | None
    """The final SIP status."""
    q850_cause: int | None
    disconnect_originator: str | None
    """SRC or DST."""
    disconnect_reason: str | None
    codec_src: str | None
    codec_dst: str | None
    transcoded: bool | None
    identity: str | None
    diversion_src: str | None
    diversion_dst: str | None
    redirect_uri: str | None
    cic: str | None
    cic_original: str | None
    cic_transformed: str | None
    price: float | None
    price_lcr_src: float | None
    price_lcr_dst: float | None
    rate: float | None
    rate_lcr_src: float | None
    rate_lcr_dst: float | None
    stir_attest: str | None
    stir_identity: str | None
    stir_orig_id: str | None
    stir_signing_entity: str | None
    stir_verstat: str | None
    call_id: str | None
    """The call in the log, in the events and in the ladder. (Ours.)"""
    quality: Any
    """Loss, jitter, round trip and MOS of each leg. (Ours.)"""
    user_data: Any


class CallDrs(Recorded):
    """Written by the switch, read by everybody who may."""

    kind = "call_drs"
    path = "/core/v2/calls/call_drs"
    area = "calls"
    tag = "call records"
    shown = CallRecord
    example: ClassVar[Values] = dict.fromkeys(CallRecord.model_fields) | {
        "dr_sid": "0a8f1c77-6f4e-4d38-9b8f-2f0f6d1f8e01",
        "partner_sid": PARTNER_EXAMPLE["partner_sid"],
        "direction": "inbound",
        "date_start": "2026-01-31T09:45:00.000Z",
        "date_talk": "2026-01-31T09:45:00.120Z",
        "date_stop": "2026-01-31T09:46:12.000Z",
        "date_insert": "2026-01-31T09:46:12.900Z",
        "duration": 71.88,
        "duration_billing": 120.0,
        "number_src": "13105550199",
        "number_dst": "12025550101",
        "sipcause": 200,
        "q850_cause": 16,
        "disconnect_originator": "SRC",
        "disconnect_reason": "Normal",
        "codec_src": "PCMU",
    }
