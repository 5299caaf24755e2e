"""What a mediator keeps: its bindings, the dialouts that wait or run, and the records of its calls.

Bindings and dialouts live in memory while the switch runs; these rows follow them, and are read at the next start.
"""

from sqlalchemy import Index, Table

from softswitch.store.columns import date_created, document, flag, metadata, real, reference, sid, text, whole

mediator_bindings = Table(
    "mediator_bindings",
    metadata,
    sid("binding_sid"),
    reference("endpoint_sid", "endpoints.endpoint_sid", required=True, cascade=True),
    text("name", "N/A"),
    text("redirect_did", required=True),
    text("destination_did", required=True),
    text("origination_did"),
    text("last_caller"),
    text("dtmf", ""),
    whole("maximum_ttl", 3600),
    whole("wait_origination_did_ttl"),
    document("attributes", dict),
    flag("is_fixed", False),
    text("date_expires"),
    date_created(),
)

mediator_dialouts = Table(
    "mediator_dialouts",
    metadata,
    sid("dialout_sid"),
    reference("endpoint_sid", "endpoints.endpoint_sid", required=True, cascade=True),
    text("stage_one_destination_did", required=True),
    text("stage_two_destination_did", required=True),
    text("redirect_did", required=True),
    whole("delay", 0),
    document("attributes", dict),
    flag("has_begun", False),
    date_created(),
)

mediator_calls = Table(
    "mediator_calls",
    metadata,
    sid("dr_sid"),
    text("partner_sid"),
    text("endpoint_sid"),
    text("endpoint_type"),
    text("event_type"),
    text("type"),
    whole("version", 1),
    text("direction"),
    text("reference_sid"),
    text("number_src"),
    text("number_dst"),
    text("number_redirect"),
    text("dtmf"),
    document("attributes"),
    text("date_start", required=True),
    text("date_talk"),
    text("date_stop", required=True),
    text("date_insert", required=True),
    real("duration"),
    text("stage"),
    whole("sipcause"),
    whole("q850_cause"),
    text("disconnect_originator"),
    text("disconnect_reason"),
)

Index(None, mediator_bindings.c.endpoint_sid, mediator_bindings.c.date_created, mediator_bindings.c.binding_sid)
for _column in ("date_stop", "date_start", "date_insert"):
    Index(None, mediator_calls.c[_column], mediator_calls.c.dr_sid)
for _column in ("endpoint_sid", "reference_sid", "number_src", "number_dst", "number_redirect"):
    Index(None, mediator_calls.c[_column], mediator_calls.c.date_stop, mediator_calls.c.dr_sid)
