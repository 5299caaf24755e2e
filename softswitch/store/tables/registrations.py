"""Where users' phones are, so that a restart does not forget them: written behind, read once at start."""

from sqlalchemy import Table

from softswitch.store.columns import document, flag, metadata, sid, text, whole

registrations = Table(
    "registrations",
    metadata,
    sid("registration_sid"),
    text("username", required=True),
    text("contact", required=True),
    text("shown", required=True),
    whole("q", 1000),
    text("instance", ""),
    whole("reg_id", 0),
    text("transport", required=True),
    text("host", required=True),
    whole("port", 0),
    whole("local_port", 0),
    flag("uses_source", False),
    document("path", list),
    text("call_id", required=True),
    whole("cseq", 0),
    text("user_agent", ""),
    flag("has_answered", False),
    text("date_refreshed", required=True),
    text("date_expires", required=True),
)
"""The contact's URI, its whole value as the phone wrote it, and the address it registered from."""
