"""The switch's own: callbacks that nobody took, and what the store knows of itself."""

from sqlalchemy import Column, Table

from softswitch.store.columns import TEXT, date_created, document, metadata, sid, text, whole

callbacks_dead = Table(
    "callbacks_dead",
    metadata,
    sid("callback_sid"),
    text("partner_sid"),
    text("event", required=True),
    text("url", required=True),
    document("body"),
    whole("attempts", 0),
    whole("last_status"),
    text("last_error"),
    text("date_last_attempt"),
    date_created(),
)

settings = Table("settings", metadata, Column("key", TEXT, primary_key=True), text("value", required=True))
"""What the store keeps of itself, such as the revision of the configuration."""
