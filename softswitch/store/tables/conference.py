"""Conferences: the account of an endpoint, its DID groups, its meeting rooms and the codes that lead into them."""

from sqlalchemy import Table, UniqueConstraint

from softswitch.store.columns import date_created, document, metadata, reference, sid, text, whole

conference_accounts = Table(
    "conference_accounts",
    metadata,
    sid("account_sid"),
    reference("endpoint_sid", "endpoints.endpoint_sid", required=True, cascade=True),
    reference("partner_sid", "partners.partner_sid", required=True),
    text("call_flow_sid"),
    text("name", "N/A"),
    document("properties", dict),
    date_created(),
    UniqueConstraint("endpoint_sid"),
)

did_groups = Table(
    "did_groups",
    metadata,
    sid("did_group_sid"),
    reference("account_sid", "conference_accounts.account_sid", required=True, cascade=True),
    text("name", "N/A"),
    text("call_flow_sid"),
    document("properties", dict),
    date_created(),
)

meeting_rooms = Table(
    "meeting_rooms",
    metadata,
    sid("meeting_room_sid"),
    reference("account_sid", "conference_accounts.account_sid", required=True, cascade=True),
    reference("did_group_sid", "did_groups.did_group_sid"),
    text("name", "N/A"),
    document("properties", dict),
    date_created(),
)

access_codes = Table(
    "access_codes",
    metadata,
    sid("access_code_sid"),
    reference("meeting_room_sid", "meeting_rooms.meeting_room_sid", required=True, cascade=True),
    reference("account_sid", "conference_accounts.account_sid", required=True, cascade=True),
    whole("position", 0),
    text("access_code", required=True),
    text("role", required=True),
    UniqueConstraint("account_sid", "access_code"),
)
