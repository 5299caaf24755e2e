"""DIDs: our numbers, and where they lead.

A call to a DID goes to its `user_sid` or `endpoint_sid` (our additions) or, as with CarrierX, to the endpoint of the
first trunk of its trunk group. `call_flow_sid`, `did_group_sid`, `meeting_room_sid` and `properties` are those of the
conference.
"""

from sqlalchemy import Table, UniqueConstraint

from softswitch.store.columns import date_created, document, metadata, reference, sid, text, whole

dids = Table(
    "dids",
    metadata,
    sid("did_sid"),
    reference("partner_sid", "partners.partner_sid", required=True),
    reference("trunk_group_sid", "trunk_groups.trunk_group_sid"),
    reference("endpoint_sid", "endpoints.endpoint_sid"),
    reference("user_sid", "users.user_sid"),
    reference("did_group_sid", "did_groups.did_group_sid"),
    reference("meeting_room_sid", "meeting_rooms.meeting_room_sid"),
    text("phonenumber", required=True),
    text("call_flow_sid"),
    whole("capabilities", 4),
    whole("active_capabilities", 4),
    text("callback_url"),
    text("campaign_sid"),
    text("classification_sid"),
    text("country_code"),
    text("in_country_format"),
    text("international_format"),
    text("state"),
    document("attributes", dict),
    document("properties", dict),
    document("transformations", list),
    date_created(),
    UniqueConstraint("phonenumber"),
)
