"""What happened: calls and conference attendances."""

from alembic import op
from sqlalchemy import Boolean, Column, Float, Integer, PrimaryKeyConstraint

from softswitch.store.columns import DOCUMENT, TEXT

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "call_drs",
        Column("dr_sid", TEXT, nullable=False),
        Column("partner_sid", TEXT, nullable=True),
        Column("cic", TEXT, nullable=True),
        Column("cic_original", TEXT, nullable=True),
        Column("cic_transformed", TEXT, nullable=True),
        Column("codec_dst", TEXT, nullable=True),
        Column("codec_src", TEXT, nullable=True),
        Column("date_insert", TEXT, nullable=False),
        Column("date_start", TEXT, nullable=False),
        Column("date_talk", TEXT, nullable=True),
        Column("date_stop", TEXT, nullable=False),
        Column("direction", TEXT, nullable=True),
        Column("disconnect_originator", TEXT, nullable=True),
        Column("disconnect_reason", TEXT, nullable=True),
        Column("diversion_dst", TEXT, nullable=True),
        Column("diversion_src", TEXT, nullable=True),
        Column("duration", Float(), nullable=True),
        Column("duration_billing", Float(), nullable=True),
        Column("endpoint_sid_dst", TEXT, nullable=True),
        Column("endpoint_sid_src", TEXT, nullable=True),
        Column("identity", TEXT, nullable=True),
        Column("ip_dst", TEXT, nullable=True),
        Column("ip_src", TEXT, nullable=True),
        Column("number_billing", TEXT, nullable=True),
        Column("number_dst", TEXT, nullable=True),
        Column("number_dst_original", TEXT, nullable=True),
        Column("number_dst_transformed", TEXT, nullable=True),
        Column("number_external", TEXT, nullable=True),
        Column("number_src", TEXT, nullable=True),
        Column("number_src_original", TEXT, nullable=True),
        Column("number_src_transformed", TEXT, nullable=True),
        Column("price", Float(), nullable=True),
        Column("price_lcr_dst", Float(), nullable=True),
        Column("price_lcr_src", Float(), nullable=True),
        Column("q850_cause", Integer(), nullable=True),
        Column("rate", Float(), nullable=True),
        Column("rate_lcr_dst", Float(), nullable=True),
        Column("rate_lcr_src", Float(), nullable=True),
        Column("redirect_uri", TEXT, nullable=True),
        Column("sipcallid_dst", TEXT, nullable=True),
        Column("sipcallid_src", TEXT, nullable=True),
        Column("sipcause", Integer(), nullable=True),
        Column("stir_attest", TEXT, nullable=True),
        Column("stir_identity", TEXT, nullable=True),
        Column("stir_orig_id", TEXT, nullable=True),
        Column("stir_signing_entity", TEXT, nullable=True),
        Column("stir_verstat", TEXT, nullable=True),
        Column("transcoded", Boolean(), nullable=True),
        Column("trunk_group_sid_dst", TEXT, nullable=True),
        Column("trunk_group_sid_src", TEXT, nullable=True),
        Column("trunk_sid_dst", TEXT, nullable=True),
        Column("trunk_sid_src", TEXT, nullable=True),
        Column("call_id", TEXT, nullable=True),
        Column("quality", DOCUMENT, nullable=True),
        Column("user_data", DOCUMENT, nullable=True),
        PrimaryKeyConstraint("dr_sid", name="pk_call_drs"),
    )
    op.create_index("ix_call_drs_date_insert_dr_sid", "call_drs", ["date_insert", "dr_sid"], unique=False)
    op.create_index("ix_call_drs_date_start_dr_sid", "call_drs", ["date_start", "dr_sid"], unique=False)
    op.create_index("ix_call_drs_date_stop_dr_sid", "call_drs", ["date_stop", "dr_sid"], unique=False)
    op.create_index(
        "ix_call_drs_direction_date_stop_dr_sid", "call_drs", ["direction", "date_stop", "dr_sid"], unique=False
    )
    op.create_index(
        "ix_call_drs_endpoint_sid_dst_date_stop_dr_sid",
        "call_drs",
        ["endpoint_sid_dst", "date_stop", "dr_sid"],
        unique=False,
    )
    op.create_index(
        "ix_call_drs_endpoint_sid_src_date_stop_dr_sid",
        "call_drs",
        ["endpoint_sid_src", "date_stop", "dr_sid"],
        unique=False,
    )
    op.create_index(
        "ix_call_drs_number_dst_date_stop_dr_sid", "call_drs", ["number_dst", "date_stop", "dr_sid"], unique=False
    )
    op.create_index(
        "ix_call_drs_number_src_date_stop_dr_sid", "call_drs", ["number_src", "date_stop", "dr_sid"], unique=False
    )
    op.create_index(
        "ix_call_drs_sipcallid_src_date_stop_dr_sid", "call_drs", ["sipcallid_src", "date_stop", "dr_sid"], unique=False
    )
    op.create_index(
        "ix_call_drs_sipcause_date_stop_dr_sid", "call_drs", ["sipcause", "date_stop", "dr_sid"], unique=False
    )
    op.create_index(
        "ix_call_drs_trunk_group_sid_dst_date_stop_dr_sid",
        "call_drs",
        ["trunk_group_sid_dst", "date_stop", "dr_sid"],
        unique=False,
    )
    op.create_index(
        "ix_call_drs_trunk_group_sid_src_date_stop_dr_sid",
        "call_drs",
        ["trunk_group_sid_src", "date_stop", "dr_sid"],
        unique=False,
    )
    op.create_table(
        "conference_calls",
        Column("call_sid", TEXT, nullable=False),
        Column("partner_sid", TEXT, nullable=True),
        Column("dr_sid", TEXT, nullable=True),
        Column("access_code", TEXT, nullable=True),
        Column("address_dst", TEXT, nullable=True),
        Column("address_src", TEXT, nullable=True),
        Column("audio_key", TEXT, nullable=True),
        Column("bridge", TEXT, nullable=True),
        Column("custom_call_type", TEXT, nullable=True),
        Column("custom_name", TEXT, nullable=True),
        Column("date_start", TEXT, nullable=False),
        Column("date_join", TEXT, nullable=True),
        Column("date_disconnected", TEXT, nullable=True),
        Column("date_stop", TEXT, nullable=False),
        Column("date_insert", TEXT, nullable=False),
        Column("direction", TEXT, nullable=True),
        Column("disconnect_cause", Integer(), nullable=True),
        Column("disconnect_originator", TEXT, nullable=True),
        Column("disconnect_reason", TEXT, nullable=True),
        Column("duration", Float(), nullable=True),
        Column("duration_meeting", Float(), nullable=True),
        Column("endpoint_sid", TEXT, nullable=True),
        Column("meeting_room_sid", TEXT, nullable=True),
        Column("meeting_sid", TEXT, nullable=True),
        Column("node", TEXT, nullable=True),
        Column("number_dst", TEXT, nullable=True),
        Column("number_src", TEXT, nullable=True),
        Column("role", TEXT, nullable=True),
        Column("user_agent", TEXT, nullable=True),
        Column("quality", DOCUMENT, nullable=True),
        PrimaryKeyConstraint("call_sid", name="pk_conference_calls"),
    )
    op.create_index(
        "ix_conference_calls_date_insert_call_sid", "conference_calls", ["date_insert", "call_sid"], unique=False
    )
    op.create_index(
        "ix_conference_calls_date_start_call_sid", "conference_calls", ["date_start", "call_sid"], unique=False
    )
    op.create_index(
        "ix_conference_calls_date_stop_call_sid", "conference_calls", ["date_stop", "call_sid"], unique=False
    )
    op.create_index(
        "ix_conference_calls_dr_sid_date_stop_call_sid",
        "conference_calls",
        ["dr_sid", "date_stop", "call_sid"],
        unique=False,
    )
    op.create_index(
        "ix_conference_calls_endpoint_sid_date_stop_call_sid",
        "conference_calls",
        ["endpoint_sid", "date_stop", "call_sid"],
        unique=False,
    )
    op.create_index(
        "ix_conference_calls_meeting_room_sid_date_stop_call_sid",
        "conference_calls",
        ["meeting_room_sid", "date_stop", "call_sid"],
        unique=False,
    )
    op.create_index(
        "ix_conference_calls_meeting_sid_date_stop_call_sid",
        "conference_calls",
        ["meeting_sid", "date_stop", "call_sid"],
        unique=False,
    )
    op.create_index(
        "ix_conference_calls_number_dst_date_stop_call_sid",
        "conference_calls",
        ["number_dst", "date_stop", "call_sid"],
        unique=False,
    )
    op.create_index(
        "ix_conference_calls_number_src_date_stop_call_sid",
        "conference_calls",
        ["number_src", "date_stop", "call_sid"],
        unique=False,
    )
