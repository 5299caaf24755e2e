"""What happened: a row for each call, and one for each attendance of a conference.

Written in batches, each `dr_sid` once; read by filter and order, which is why nearly every filter has an index that
is already in the usual order, by `date_stop`. Nothing here points into other tables: a record outlives what it names.
"""

from sqlalchemy import Index, Table

from softswitch.store.columns import document, flag, metadata, real, sid, text, whole

call_drs = Table(
    "call_drs",
    metadata,
    sid("dr_sid"),
    text("partner_sid"),
    text("cic"),
    text("cic_original"),
    text("cic_transformed"),
    text("codec_dst"),
    text("codec_src"),
    text("date_insert", required=True),
    text("date_start", required=True),
    text("date_talk"),
    text("date_stop", required=True),
    text("direction"),
    text("disconnect_originator"),
    text("disconnect_reason"),
    text("diversion_dst"),
    text("diversion_src"),
    real("duration"),
    real("duration_billing"),
    text("endpoint_sid_dst"),
    text("endpoint_sid_src"),
    text("identity"),
    text("ip_dst"),
    text("ip_src"),
    text("number_billing"),
    text("number_dst"),
    text("number_dst_original"),
    text("number_dst_transformed"),
    text("number_external"),
    text("number_src"),
    text("number_src_original"),
    text("number_src_transformed"),
    real("price"),
    real("price_lcr_dst"),
    real("price_lcr_src"),
    whole("q850_cause"),
    real("rate"),
    real("rate_lcr_dst"),
    real("rate_lcr_src"),
    text("redirect_uri"),
    text("sipcallid_dst"),
    text("sipcallid_src"),
    whole("sipcause"),
    text("stir_attest"),
    text("stir_identity"),
    text("stir_orig_id"),
    text("stir_signing_entity"),
    text("stir_verstat"),
    flag("transcoded"),
    text("trunk_group_sid_dst"),
    text("trunk_group_sid_src"),
    text("trunk_sid_dst"),
    text("trunk_sid_src"),
    text("call_id"),
    document("quality"),
    document("user_data"),
)

conference_calls = Table(
    "conference_calls",
    metadata,
    sid("call_sid"),
    text("partner_sid"),
    text("dr_sid"),
    text("access_code"),
    text("address_dst"),
    text("address_src"),
    text("audio_key"),
    text("bridge"),
    text("custom_call_type"),
    text("custom_name"),
    text("date_start", required=True),
    text("date_join"),
    text("date_disconnected"),
    text("date_stop", required=True),
    text("date_insert", required=True),
    text("direction"),
    whole("disconnect_cause"),
    text("disconnect_originator"),
    text("disconnect_reason"),
    real("duration"),
    real("duration_meeting"),
    text("endpoint_sid"),
    text("meeting_room_sid"),
    text("meeting_sid"),
    text("node"),
    text("number_dst"),
    text("number_src"),
    text("role"),
    text("user_agent"),
    document("quality"),
)

CALL_DR_FILTERS = (
    "number_src",
    "number_dst",
    "endpoint_sid_src",
    "endpoint_sid_dst",
    "trunk_group_sid_src",
    "trunk_group_sid_dst",
    "sipcause",
    "direction",
    "sipcallid_src",
)
CONFERENCE_CALL_FILTERS = ("meeting_sid", "meeting_room_sid", "endpoint_sid", "number_src", "number_dst", "dr_sid")

for _table, _filters in ((call_drs, CALL_DR_FILTERS), (conference_calls, CONFERENCE_CALL_FILTERS)):
    _sid = next(iter(_table.primary_key.columns))
    Index(None, _table.c.date_stop, _sid)
    Index(None, _table.c.date_start, _sid)
    Index(None, _table.c.date_insert, _sid)
    for _filter in _filters:
        Index(None, _table.c[_filter], _table.c.date_stop, _sid)
