"""What calls out may cost and reach: rate decks, the rules of who may call where, and what has been spent."""

from sqlalchemy import Column, Table

from softswitch.store.columns import TEXT, date_created, document, metadata, real, reference, sid, text, whole

rate_decks = Table(
    "rate_decks",
    metadata,
    sid("rate_deck_sid"),
    reference("partner_sid", "partners.partner_sid", required=True),
    text("name", "N/A"),
    text("currency", "USD"),
    document("rates", dict),
    date_created(),
)

calling_rules = Table(
    "calling_rules",
    metadata,
    sid("calling_rules_sid"),
    reference("partner_sid", "partners.partner_sid", required=True),
    reference("rate_deck_sid", "rate_decks.rate_deck_sid"),
    text("name", "N/A"),
    document("users", list),
    document("endpoints", list),
    document("allowed_prefixes", list),
    document("refused_prefixes", list),
    whole("capacity", 0),
    real("cps_limit", 0.0),
    whole("calls_per_day", 0),
    real("spend_per_day", 0.0),
    document("caller_ids", list),
    date_created(),
)

spendings = Table(
    "spendings",
    metadata,
    Column("spending_sid", TEXT, primary_key=True),
    text("subject", required=True),
    text("day", required=True),
    whole("calls", 0),
    real("price", 0.0),
)
"""Of each user and endpoint, by day (UTC); both make the sid."""
