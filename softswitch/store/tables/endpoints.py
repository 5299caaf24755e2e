"""Endpoints, where a call ends, and the addresses their calls come from and go to."""

from sqlalchemy import Table

from softswitch.store.columns import date_created, document, flag, metadata, real, reference, sid, text, whole

endpoints = Table(
    "endpoints",
    metadata,
    sid("endpoint_sid"),
    reference("partner_sid", "partners.partner_sid", required=True),
    text("type", required=True),
    text("name", "N/A"),
    whole("capacity", 0),
    real("cps_limit", 0.0),
    text("out_sip_username"),
    text("out_sip_password"),
    text("in_sip_username", ""),
    text("in_sip_password", ""),
    reference("trunk_group_sid", "trunk_groups.trunk_group_sid"),
    document("relay_sip_headers", lambda: ["X-*"]),
    document("codecs", list),
    text("media_encryption", "off"),
    document("bindings", list),
    text("voip_token"),
    document("attributes", dict),
    document("properties", dict),
    document("transformations", list),
    flag("is_system", False),
    date_created(),
)

addresses = Table(
    "addresses",
    metadata,
    sid("address_sid"),
    reference("endpoint_sid", "endpoints.endpoint_sid", required=True, cascade=True),
    whole("position", 0),
    text("direction", "any"),
    whole("dst_port"),
    text("ip", required=True),
    text("location_sid"),
    whole("port", 5060),
    whole("priority", 0),
    text("sip_username"),
    text("sip_password"),
    text("transport", "auto"),
)
