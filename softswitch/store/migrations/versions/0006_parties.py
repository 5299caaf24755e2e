"""Third parties and mediators: what their endpoints have, bindings, dialouts, records."""

from alembic import op
from sqlalchemy import Boolean, Column, Float, ForeignKeyConstraint, Integer, PrimaryKeyConstraint

from softswitch.store.columns import DOCUMENT, TEXT

revision = "0006"
down_revision = "0005"

RECORDS_BY = ("endpoint_sid", "reference_sid", "number_src", "number_dst", "number_redirect")


def upgrade() -> None:
    _add_to_endpoints()
    op.create_table(
        "mediator_bindings",
        Column("binding_sid", TEXT, nullable=False),
        Column("endpoint_sid", TEXT, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("redirect_did", TEXT, nullable=False),
        Column("destination_did", TEXT, nullable=False),
        Column("origination_did", TEXT, nullable=True),
        Column("last_caller", TEXT, nullable=True),
        Column("dtmf", TEXT, nullable=False),
        Column("maximum_ttl", Integer(), nullable=False),
        Column("wait_origination_did_ttl", Integer(), nullable=True),
        Column("attributes", DOCUMENT, nullable=False),
        Column("is_fixed", Boolean(), nullable=False),
        Column("date_expires", TEXT, nullable=True),
        Column("date_created", TEXT, nullable=False),
        ForeignKeyConstraint(
            ["endpoint_sid"],
            ["endpoints.endpoint_sid"],
            name="fk_mediator_bindings_endpoint_sid",
            ondelete="CASCADE",
        ),
        PrimaryKeyConstraint("binding_sid", name="pk_mediator_bindings"),
    )
    op.create_index("ix_mediator_bindings_endpoint_sid", "mediator_bindings", ["endpoint_sid"], unique=False)
    op.create_index(
        "ix_mediator_bindings_endpoint_sid_date_created_binding_sid",
        "mediator_bindings",
        ["endpoint_sid", "date_created", "binding_sid"],
        unique=False,
    )
    op.create_table(
        "mediator_dialouts",
        Column("dialout_sid", TEXT, nullable=False),
        Column("endpoint_sid", TEXT, nullable=False),
        Column("stage_one_destination_did", TEXT, nullable=False),
        Column("stage_two_destination_did", TEXT, nullable=False),
        Column("redirect_did", TEXT, nullable=False),
        Column("delay", Integer(), nullable=False),
        Column("attributes", DOCUMENT, nullable=False),
        Column("date_created", TEXT, nullable=False),
        ForeignKeyConstraint(
            ["endpoint_sid"],
            ["endpoints.endpoint_sid"],
            name="fk_mediator_dialouts_endpoint_sid",
            ondelete="CASCADE",
        ),
        PrimaryKeyConstraint("dialout_sid", name="pk_mediator_dialouts"),
    )
    op.create_index("ix_mediator_dialouts_endpoint_sid", "mediator_dialouts", ["endpoint_sid"], unique=False)
    _make_records()


def _add_to_endpoints() -> None:
    """Column by column: a table made anew, as SQLite's batches do it, would take along what points to it."""
    for column in (
        Column("in_sip_username", TEXT, nullable=False, server_default=""),
        Column("in_sip_password", TEXT, nullable=False, server_default=""),
        Column("relay_sip_headers", DOCUMENT, nullable=False, server_default='["X-*"]'),
        Column("codecs", DOCUMENT, nullable=False, server_default="[]"),
        Column("media_encryption", TEXT, nullable=False, server_default="off"),
        Column("bindings", DOCUMENT, nullable=False, server_default="[]"),
    ):
        op.add_column("endpoints", column)
    text = TEXT.compile(dialect=op.get_bind().dialect)
    collation = ' COLLATE "C"' if op.get_bind().dialect.name == "postgresql" and "COLLATE" not in text else ""
    op.execute(
        f"ALTER TABLE endpoints ADD COLUMN trunk_group_sid {text}{collation} CONSTRAINT fk_endpoints_trunk_group_sid "
        "REFERENCES trunk_groups (trunk_group_sid) ON DELETE RESTRICT"
    )
    op.create_index("ix_endpoints_trunk_group_sid", "endpoints", ["trunk_group_sid"], unique=False)


def _make_records() -> None:
    names = (
        *("partner_sid", "endpoint_sid", "endpoint_type", "event_type", "type", "direction", "reference_sid"),
        *("number_src", "number_dst", "number_redirect", "dtmf", "date_talk", "stage"),
        *("disconnect_originator", "disconnect_reason"),
    )
    op.create_table(
        "mediator_calls",
        Column("dr_sid", TEXT, nullable=False),
        *(Column(name, TEXT, nullable=True) for name in names),
        *(Column(name, TEXT, nullable=False) for name in ("date_start", "date_stop", "date_insert")),
        Column("version", Integer(), nullable=False),
        Column("attributes", DOCUMENT, nullable=True),
        Column("duration", Float(), nullable=True),
        Column("sipcause", Integer(), nullable=True),
        Column("q850_cause", Integer(), nullable=True),
        PrimaryKeyConstraint("dr_sid", name="pk_mediator_calls"),
    )
    for name in ("date_stop", "date_start", "date_insert"):
        op.create_index(f"ix_mediator_calls_{name}_dr_sid", "mediator_calls", [name, "dr_sid"], unique=False)
    for name in RECORDS_BY:
        columns = [name, "date_stop", "dr_sid"]
        op.create_index(f"ix_mediator_calls_{'_'.join(columns)}", "mediator_calls", columns, unique=False)
