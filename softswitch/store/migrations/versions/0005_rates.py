"""Rate decks, rules of calls out, and what has been spent."""

from alembic import op
from sqlalchemy import Column, Float, ForeignKeyConstraint, Integer, PrimaryKeyConstraint

from softswitch.store.columns import DOCUMENT, TEXT

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "rate_decks",
        Column("rate_deck_sid", TEXT, nullable=False),
        Column("partner_sid", TEXT, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("currency", TEXT, nullable=False),
        Column("rates", DOCUMENT, nullable=False),
        Column("date_created", TEXT, nullable=False),
        ForeignKeyConstraint(
            ["partner_sid"], ["partners.partner_sid"], name="fk_rate_decks_partner_sid", ondelete="RESTRICT"
        ),
        PrimaryKeyConstraint("rate_deck_sid", name="pk_rate_decks"),
    )
    op.create_index("ix_rate_decks_partner_sid", "rate_decks", ["partner_sid"], unique=False)
    op.create_table(
        "calling_rules",
        Column("calling_rules_sid", TEXT, nullable=False),
        Column("partner_sid", TEXT, nullable=False),
        Column("rate_deck_sid", TEXT, nullable=True),
        Column("name", TEXT, nullable=False),
        Column("users", DOCUMENT, nullable=False),
        Column("endpoints", DOCUMENT, nullable=False),
        Column("allowed_prefixes", DOCUMENT, nullable=False),
        Column("refused_prefixes", DOCUMENT, nullable=False),
        Column("capacity", Integer(), nullable=False),
        Column("cps_limit", Float(), nullable=False),
        Column("calls_per_day", Integer(), nullable=False),
        Column("spend_per_day", Float(), nullable=False),
        Column("caller_ids", DOCUMENT, nullable=False),
        Column("date_created", TEXT, nullable=False),
        ForeignKeyConstraint(
            ["partner_sid"], ["partners.partner_sid"], name="fk_calling_rules_partner_sid", ondelete="RESTRICT"
        ),
        ForeignKeyConstraint(
            ["rate_deck_sid"], ["rate_decks.rate_deck_sid"], name="fk_calling_rules_rate_deck_sid", ondelete="RESTRICT"
        ),
        PrimaryKeyConstraint("calling_rules_sid", name="pk_calling_rules"),
    )
    op.create_index("ix_calling_rules_partner_sid", "calling_rules", ["partner_sid"], unique=False)
    op.create_index("ix_calling_rules_rate_deck_sid", "calling_rules", ["rate_deck_sid"], unique=False)
    op.create_table(
        "spendings",
        Column("spending_sid", TEXT, nullable=False),
        Column("subject", TEXT, nullable=False),
        Column("day", TEXT, nullable=False),
        Column("calls", Integer(), nullable=False),
        Column("price", Float(), nullable=False),
        PrimaryKeyConstraint("spending_sid", name="pk_spendings"),
    )
    with op.batch_alter_table("trunks") as trunks:
        trunks.add_column(Column("rate_deck_sid", TEXT, nullable=True))
        trunks.create_foreign_key(
            "fk_trunks_rate_deck_sid", "rate_decks", ["rate_deck_sid"], ["rate_deck_sid"], ondelete="RESTRICT"
        )
    op.create_index("ix_trunks_rate_deck_sid", "trunks", ["rate_deck_sid"], unique=False)
