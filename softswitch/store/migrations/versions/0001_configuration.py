"""The objects of the configuration: partners, endpoints, trunks, DIDs, conferences, users."""

from alembic import op
from sqlalchemy import Boolean, Column, Float, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, UniqueConstraint

from softswitch.store.columns import DOCUMENT, TEXT

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "partners",
        Column("partner_sid", TEXT, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("is_default", Boolean(), nullable=False),
        Column("attributes", DOCUMENT, nullable=False),
        Column("properties", DOCUMENT, nullable=False),
        Column("callbacks", DOCUMENT, nullable=False),
        Column("transformations", DOCUMENT, nullable=False),
        Column("date_created", TEXT, nullable=False),
        PrimaryKeyConstraint("partner_sid", name="pk_partners"),
    )
    op.create_table(
        "settings",
        Column("key", TEXT, nullable=False),
        Column("value", TEXT, nullable=False),
        PrimaryKeyConstraint("key", name="pk_settings"),
    )
    op.create_table(
        "endpoints",
        Column("endpoint_sid", TEXT, nullable=False),
        Column("partner_sid", TEXT, nullable=False),
        Column("type", TEXT, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("capacity", Integer(), nullable=False),
        Column("cps_limit", Float(), nullable=False),
        Column("out_sip_username", TEXT, nullable=True),
        Column("out_sip_password", TEXT, nullable=True),
        Column("voip_token", TEXT, nullable=True),
        Column("attributes", DOCUMENT, nullable=False),
        Column("properties", DOCUMENT, nullable=False),
        Column("transformations", DOCUMENT, nullable=False),
        Column("is_system", Boolean(), nullable=False),
        Column("date_created", TEXT, nullable=False),
        ForeignKeyConstraint(
            ["partner_sid"], ["partners.partner_sid"], name="fk_endpoints_partner_sid", ondelete="RESTRICT"
        ),
        PrimaryKeyConstraint("endpoint_sid", name="pk_endpoints"),
    )
    op.create_index("ix_endpoints_partner_sid", "endpoints", ["partner_sid"], unique=False)
    op.create_table(
        "trunk_groups",
        Column("trunk_group_sid", TEXT, nullable=False),
        Column("partner_sid", TEXT, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("acls", DOCUMENT, nullable=False),
        Column("external_handlers", DOCUMENT, nullable=False),
        Column("hard_failure_codes", TEXT, nullable=False),
        Column("hard_failure_threshold", Integer(), nullable=False),
        Column("hard_failure_interval", Integer(), nullable=False),
        Column("hard_failure_cooldown", Integer(), nullable=False),
        Column("hard_failure_last_resort", TEXT, nullable=False),
        Column("soft_failure_codes", TEXT, nullable=False),
        Column("sip_options_locations", DOCUMENT, nullable=False),
        Column("sip_options_threshold", Integer(), nullable=False),
        Column("routing_type", TEXT, nullable=False),
        Column("routing_data", DOCUMENT, nullable=False),
        Column("transformations", DOCUMENT, nullable=False),
        Column("in_capacity", Integer(), nullable=False),
        Column("out_capacity", Integer(), nullable=False),
        Column("cps_limit", Float(), nullable=False),
        Column("date_created", TEXT, nullable=False),
        ForeignKeyConstraint(
            ["partner_sid"], ["partners.partner_sid"], name="fk_trunk_groups_partner_sid", ondelete="RESTRICT"
        ),
        PrimaryKeyConstraint("trunk_group_sid", name="pk_trunk_groups"),
    )
    op.create_index("ix_trunk_groups_partner_sid", "trunk_groups", ["partner_sid"], unique=False)
    op.create_table(
        "users",
        Column("user_sid", TEXT, nullable=False),
        Column("partner_sid", TEXT, nullable=False),
        Column("username", TEXT, nullable=False),
        Column("password", TEXT, nullable=False),
        Column("attributes", DOCUMENT, nullable=False),
        Column("date_created", TEXT, nullable=False),
        ForeignKeyConstraint(
            ["partner_sid"], ["partners.partner_sid"], name="fk_users_partner_sid", ondelete="RESTRICT"
        ),
        PrimaryKeyConstraint("user_sid", name="pk_users"),
        UniqueConstraint("username", name="uq_users_username"),
    )
    op.create_index("ix_users_partner_sid", "users", ["partner_sid"], unique=False)
    op.create_table(
        "addresses",
        Column("address_sid", TEXT, nullable=False),
        Column("endpoint_sid", TEXT, nullable=False),
        Column("position", Integer(), nullable=False),
        Column("direction", TEXT, nullable=False),
        Column("dst_port", Integer(), nullable=True),
        Column("ip", TEXT, nullable=False),
        Column("location_sid", TEXT, nullable=True),
        Column("port", Integer(), nullable=False),
        Column("priority", Integer(), nullable=False),
        Column("sip_username", TEXT, nullable=True),
        Column("sip_password", TEXT, nullable=True),
        Column("transport", TEXT, nullable=False),
        ForeignKeyConstraint(
            ["endpoint_sid"], ["endpoints.endpoint_sid"], name="fk_addresses_endpoint_sid", ondelete="CASCADE"
        ),
        PrimaryKeyConstraint("address_sid", name="pk_addresses"),
    )
    op.create_index("ix_addresses_endpoint_sid", "addresses", ["endpoint_sid"], unique=False)
    op.create_table(
        "conference_accounts",
        Column("account_sid", TEXT, nullable=False),
        Column("endpoint_sid", TEXT, nullable=False),
        Column("partner_sid", TEXT, nullable=False),
        Column("call_flow_sid", TEXT, nullable=True),
        Column("name", TEXT, nullable=False),
        Column("properties", DOCUMENT, nullable=False),
        Column("date_created", TEXT, nullable=False),
        ForeignKeyConstraint(
            ["endpoint_sid"], ["endpoints.endpoint_sid"], name="fk_conference_accounts_endpoint_sid", ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["partner_sid"], ["partners.partner_sid"], name="fk_conference_accounts_partner_sid", ondelete="RESTRICT"
        ),
        PrimaryKeyConstraint("account_sid", name="pk_conference_accounts"),
        UniqueConstraint("endpoint_sid", name="uq_conference_accounts_endpoint_sid"),
    )
    op.create_index("ix_conference_accounts_endpoint_sid", "conference_accounts", ["endpoint_sid"], unique=False)
    op.create_index("ix_conference_accounts_partner_sid", "conference_accounts", ["partner_sid"], unique=False)
    op.create_table(
        "trunks",
        Column("trunk_sid", TEXT, nullable=False),
        Column("trunk_group_sid", TEXT, nullable=False),
        Column("endpoint_sid", TEXT, nullable=True),
        Column("name", TEXT, nullable=False),
        Column("acls", DOCUMENT, nullable=False),
        Column("allow_forward", TEXT, nullable=False),
        Column("allow_transfer", TEXT, nullable=False),
        Column("asn_mode", TEXT, nullable=False),
        Column("call_type", TEXT, nullable=False),
        Column("codec", TEXT, nullable=True),
        Column("in_codec", TEXT, nullable=True),
        Column("out_codec", TEXT, nullable=True),
        Column("in_capacity", Integer(), nullable=False),
        Column("out_capacity", Integer(), nullable=False),
        Column("in_identity_format", TEXT, nullable=True),
        Column("in_identity_mode", TEXT, nullable=False),
        Column("out_identity_mode", TEXT, nullable=False),
        Column("in_rfc_4694_mode", TEXT, nullable=False),
        Column("out_rfc_4694_mode", TEXT, nullable=False),
        Column("in_ip_profile_sid", TEXT, nullable=True),
        Column("out_ip_profile_sid", TEXT, nullable=True),
        Column("location_sid", TEXT, nullable=True),
        Column("priority", Integer(), nullable=False),
        Column("weight", Integer(), nullable=False),
        Column("relay_sip_headers", DOCUMENT, nullable=False),
        Column("transformations", DOCUMENT, nullable=False),
        Column("address", TEXT, nullable=True),
        Column("port", Integer(), nullable=False),
        Column("transport", TEXT, nullable=False),
        Column("cps_limit", Float(), nullable=False),
        Column("in_sip_username", TEXT, nullable=False),
        Column("in_sip_password", TEXT, nullable=False),
        Column("sip_username", TEXT, nullable=False),
        Column("sip_password", TEXT, nullable=False),
        Column("date_created", TEXT, nullable=False),
        ForeignKeyConstraint(
            ["endpoint_sid"], ["endpoints.endpoint_sid"], name="fk_trunks_endpoint_sid", ondelete="RESTRICT"
        ),
        ForeignKeyConstraint(
            ["trunk_group_sid"], ["trunk_groups.trunk_group_sid"], name="fk_trunks_trunk_group_sid", ondelete="CASCADE"
        ),
        PrimaryKeyConstraint("trunk_sid", name="pk_trunks"),
    )
    op.create_index("ix_trunks_endpoint_sid", "trunks", ["endpoint_sid"], unique=False)
    op.create_index("ix_trunks_trunk_group_sid", "trunks", ["trunk_group_sid"], unique=False)
    op.create_table(
        "did_groups",
        Column("did_group_sid", TEXT, nullable=False),
        Column("account_sid", TEXT, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("call_flow_sid", TEXT, nullable=True),
        Column("properties", DOCUMENT, nullable=False),
        Column("date_created", TEXT, nullable=False),
        ForeignKeyConstraint(
            ["account_sid"], ["conference_accounts.account_sid"], name="fk_did_groups_account_sid", ondelete="CASCADE"
        ),
        PrimaryKeyConstraint("did_group_sid", name="pk_did_groups"),
    )
    op.create_index("ix_did_groups_account_sid", "did_groups", ["account_sid"], unique=False)
    op.create_table(
        "meeting_rooms",
        Column("meeting_room_sid", TEXT, nullable=False),
        Column("account_sid", TEXT, nullable=False),
        Column("did_group_sid", TEXT, nullable=True),
        Column("name", TEXT, nullable=False),
        Column("properties", DOCUMENT, nullable=False),
        Column("date_created", TEXT, nullable=False),
        ForeignKeyConstraint(
            ["account_sid"],
            ["conference_accounts.account_sid"],
            name="fk_meeting_rooms_account_sid",
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["did_group_sid"], ["did_groups.did_group_sid"], name="fk_meeting_rooms_did_group_sid", ondelete="RESTRICT"
        ),
        PrimaryKeyConstraint("meeting_room_sid", name="pk_meeting_rooms"),
    )
    op.create_index("ix_meeting_rooms_account_sid", "meeting_rooms", ["account_sid"], unique=False)
    op.create_index("ix_meeting_rooms_did_group_sid", "meeting_rooms", ["did_group_sid"], unique=False)
    op.create_table(
        "access_codes",
        Column("access_code_sid", TEXT, nullable=False),
        Column("meeting_room_sid", TEXT, nullable=False),
        Column("account_sid", TEXT, nullable=False),
        Column("position", Integer(), nullable=False),
        Column("access_code", TEXT, nullable=False),
        Column("role", TEXT, nullable=False),
        ForeignKeyConstraint(
            ["account_sid"], ["conference_accounts.account_sid"], name="fk_access_codes_account_sid", ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["meeting_room_sid"],
            ["meeting_rooms.meeting_room_sid"],
            name="fk_access_codes_meeting_room_sid",
            ondelete="CASCADE",
        ),
        PrimaryKeyConstraint("access_code_sid", name="pk_access_codes"),
        UniqueConstraint("account_sid", "access_code", name="uq_access_codes_account_sid_access_code"),
    )
    op.create_index("ix_access_codes_account_sid", "access_codes", ["account_sid"], unique=False)
    op.create_index("ix_access_codes_meeting_room_sid", "access_codes", ["meeting_room_sid"], unique=False)
    op.create_table(
        "dids",
        Column("did_sid", TEXT, nullable=False),
        Column("partner_sid", TEXT, nullable=False),
        Column("trunk_group_sid", TEXT, nullable=True),
        Column("endpoint_sid", TEXT, nullable=True),
        Column("did_group_sid", TEXT, nullable=True),
        Column("meeting_room_sid", TEXT, nullable=True),
        Column("phonenumber", TEXT, nullable=False),
        Column("call_flow_sid", TEXT, nullable=True),
        Column("capabilities", Integer(), nullable=False),
        Column("active_capabilities", Integer(), nullable=False),
        Column("callback_url", TEXT, nullable=True),
        Column("campaign_sid", TEXT, nullable=True),
        Column("classification_sid", TEXT, nullable=True),
        Column("country_code", TEXT, nullable=True),
        Column("in_country_format", TEXT, nullable=True),
        Column("international_format", TEXT, nullable=True),
        Column("state", TEXT, nullable=True),
        Column("attributes", DOCUMENT, nullable=False),
        Column("properties", DOCUMENT, nullable=False),
        Column("transformations", DOCUMENT, nullable=False),
        Column("date_created", TEXT, nullable=False),
        ForeignKeyConstraint(
            ["did_group_sid"], ["did_groups.did_group_sid"], name="fk_dids_did_group_sid", ondelete="RESTRICT"
        ),
        ForeignKeyConstraint(
            ["endpoint_sid"], ["endpoints.endpoint_sid"], name="fk_dids_endpoint_sid", ondelete="RESTRICT"
        ),
        ForeignKeyConstraint(
            ["meeting_room_sid"],
            ["meeting_rooms.meeting_room_sid"],
            name="fk_dids_meeting_room_sid",
            ondelete="RESTRICT",
        ),
        ForeignKeyConstraint(
            ["partner_sid"], ["partners.partner_sid"], name="fk_dids_partner_sid", ondelete="RESTRICT"
        ),
        ForeignKeyConstraint(
            ["trunk_group_sid"], ["trunk_groups.trunk_group_sid"], name="fk_dids_trunk_group_sid", ondelete="RESTRICT"
        ),
        PrimaryKeyConstraint("did_sid", name="pk_dids"),
        UniqueConstraint("phonenumber", name="uq_dids_phonenumber"),
    )
    op.create_index("ix_dids_did_group_sid", "dids", ["did_group_sid"], unique=False)
    op.create_index("ix_dids_endpoint_sid", "dids", ["endpoint_sid"], unique=False)
    op.create_index("ix_dids_meeting_room_sid", "dids", ["meeting_room_sid"], unique=False)
    op.create_index("ix_dids_partner_sid", "dids", ["partner_sid"], unique=False)
    op.create_index("ix_dids_trunk_group_sid", "dids", ["trunk_group_sid"], unique=False)
