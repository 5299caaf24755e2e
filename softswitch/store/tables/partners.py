"""Partners, whose everything is; users, people with phones; tokens, the keys to the API."""

from sqlalchemy import Table, UniqueConstraint

from softswitch.store.columns import date_created, document, flag, metadata, reference, sid, text, whole

partners = Table(
    "partners",
    metadata,
    sid("partner_sid"),
    text("name", required=True),
    flag("is_default", False),
    document("attributes", dict),
    document("properties", dict),
    document("callbacks", dict),
    document("transformations", list),
    date_created(),
)

users = Table(
    "users",
    metadata,
    sid("user_sid"),
    reference("partner_sid", "partners.partner_sid", required=True),
    text("username", required=True),
    text("password", required=True),
    text("name", ""),
    text("phonenumber"),
    reference("trunk_group_sid", "trunk_groups.trunk_group_sid"),
    whole("ring_s", 30),
    text("forward_busy", ""),
    text("forward_no_answer", ""),
    text("forward_unregistered", ""),
    document("codecs", list),
    text("media_encryption", "off"),
    document("transformations", list),
    document("attributes", dict),
    date_created(),
    UniqueConstraint("username"),
)

tokens = Table(
    "tokens",
    metadata,
    sid("token_sid"),
    reference("partner_sid", "partners.partner_sid", required=True),
    text("name", "N/A"),
    text("token_hash", required=True),
    document("scopes", list),
    flag("revoked", False),
    text("date_expires"),
    text("date_last_used"),
    date_created(),
    UniqueConstraint("token_hash"),
)
