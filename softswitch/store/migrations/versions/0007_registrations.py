"""Where users' phones are."""

from alembic import op
from sqlalchemy import Boolean, Column, Integer, PrimaryKeyConstraint

from softswitch.store.columns import DOCUMENT, TEXT

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "registrations",
        Column("registration_sid", TEXT, nullable=False),
        Column("username", TEXT, nullable=False),
        Column("contact", TEXT, nullable=False),
        Column("shown", TEXT, nullable=False),
        Column("q", Integer(), nullable=False),
        Column("instance", TEXT, nullable=False),
        Column("reg_id", Integer(), nullable=False),
        Column("transport", TEXT, nullable=False),
        Column("host", TEXT, nullable=False),
        Column("port", Integer(), nullable=False),
        Column("local_port", Integer(), nullable=False),
        Column("uses_source", Boolean(), nullable=False),
        Column("path", DOCUMENT, nullable=False),
        Column("call_id", TEXT, nullable=False),
        Column("cseq", Integer(), nullable=False),
        Column("user_agent", TEXT, nullable=False),
        Column("has_answered", Boolean(), nullable=False),
        Column("date_refreshed", TEXT, nullable=False),
        Column("date_expires", TEXT, nullable=False),
        PrimaryKeyConstraint("registration_sid", name="pk_registrations"),
    )
