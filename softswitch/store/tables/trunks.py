"""Trunk groups and their trunks: who may send calls, and where calls go out.

A trunk leads to an endpoint of ours (`endpoint_sid`, as CarrierX has it), or stands for a far end outside: then
`address`, `port`, `transport` and the credentials say how it is reached. Those are our additions, as are the limits
of a group.
"""

from sqlalchemy import Table

from softswitch.store.columns import date_created, document, metadata, real, reference, sid, text, whole

trunk_groups = Table(
    "trunk_groups",
    metadata,
    sid("trunk_group_sid"),
    reference("partner_sid", "partners.partner_sid", required=True),
    text("name", "N/A"),
    document("acls", list),
    document("external_handlers", list),
    text("hard_failure_codes", "408;"),
    whole("hard_failure_threshold", 3),
    whole("hard_failure_interval", 60),
    whole("hard_failure_cooldown", 120),
    text("hard_failure_last_resort", "first"),
    text("soft_failure_codes", "408;"),
    document("sip_options_locations", list),
    whole("sip_options_threshold", 3),
    text("routing_type", "failover"),
    document("routing_data", dict),
    document("transformations", list),
    whole("in_capacity", 0),
    whole("out_capacity", 0),
    real("cps_limit", 0.0),
    date_created(),
)

trunks = Table(
    "trunks",
    metadata,
    sid("trunk_sid"),
    reference("trunk_group_sid", "trunk_groups.trunk_group_sid", required=True, cascade=True),
    reference("endpoint_sid", "endpoints.endpoint_sid"),
    text("name", "N/A"),
    document("acls", list),
    text("allow_forward", "disabled"),
    text("allow_transfer", "disabled"),
    text("asn_mode", "disable"),
    text("call_type", "regular"),
    text("codec"),
    text("in_codec"),
    text("out_codec"),
    whole("in_capacity", 0),
    whole("out_capacity", 0),
    text("in_identity_format"),
    text("in_identity_mode", "passthrough"),
    text("out_identity_mode", "passthrough"),
    text("in_rfc_4694_mode", "cut_all"),
    text("out_rfc_4694_mode", "cut_all"),
    text("in_ip_profile_sid"),
    text("out_ip_profile_sid"),
    text("location_sid"),
    whole("priority", 0),
    whole("weight", 0),
    document("relay_sip_headers", list),
    document("transformations", list),
    text("address"),
    whole("port", 5060),
    text("transport", "auto"),
    text("media_encryption", "off"),
    real("cps_limit", 0.0),
    text("in_sip_username", ""),
    text("in_sip_password", ""),
    text("sip_username", ""),
    text("sip_password", ""),
    reference("rate_deck_sid", "rate_decks.rate_deck_sid"),
    date_created(),
)
