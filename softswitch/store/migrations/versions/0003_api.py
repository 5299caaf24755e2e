"""What the API needs: tokens, callbacks that nobody took, storage."""

from alembic import op
from sqlalchemy import Boolean, Column, Float, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, UniqueConstraint

from softswitch.store.columns import DOCUMENT, TEXT

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "callbacks_dead",
        Column("callback_sid", TEXT, nullable=False),
        Column("partner_sid", TEXT, nullable=True),
        Column("event", TEXT, nullable=False),
        Column("url", TEXT, nullable=False),
        Column("body", DOCUMENT, nullable=True),
        Column("attempts", Integer(), nullable=False),
        Column("last_status", Integer(), nullable=True),
        Column("last_error", TEXT, nullable=True),
        Column("date_last_attempt", TEXT, nullable=True),
        Column("date_created", TEXT, nullable=False),
        PrimaryKeyConstraint("callback_sid", name="pk_callbacks_dead"),
    )
    op.create_table(
        "containers",
        Column("container_sid", TEXT, nullable=False),
        Column("partner_sid", TEXT, nullable=False),
        Column("parent_container_sid", TEXT, nullable=True),
        Column("name", TEXT, nullable=False),
        Column("unique", TEXT, nullable=True),
        Column("quota_bytes", Integer(), nullable=True),
        Column("quota_files", Integer(), nullable=True),
        Column("durability_class", TEXT, nullable=False),
        Column("allow_publish", Boolean(), nullable=False),
        Column("allowed_classifications", DOCUMENT, nullable=False),
        Column("blocked_classifications", DOCUMENT, nullable=False),
        Column("default_file_lifecycle_action", TEXT, nullable=False),
        Column("default_file_lifecycle_ttl", Integer(), nullable=False),
        Column("default_file_publish", TEXT, nullable=False),
        Column("default_file_threshold_include", Boolean(), nullable=False),
        Column("default_file_unique", Boolean(), nullable=False),
        Column("integer_key_1", Integer(), nullable=True),
        Column("integer_key_2", Integer(), nullable=True),
        Column("string_key_1", TEXT, nullable=True),
        Column("string_key_2", TEXT, nullable=True),
        Column("date_created", TEXT, nullable=False),
        ForeignKeyConstraint(
            ["parent_container_sid"],
            ["containers.container_sid"],
            name="fk_containers_parent_container_sid",
            ondelete="RESTRICT",
        ),
        ForeignKeyConstraint(
            ["partner_sid"], ["partners.partner_sid"], name="fk_containers_partner_sid", ondelete="RESTRICT"
        ),
        PrimaryKeyConstraint("container_sid", name="pk_containers"),
    )
    op.create_index("ix_containers_parent_container_sid", "containers", ["parent_container_sid"], unique=False)
    op.create_index("ix_containers_partner_sid", "containers", ["partner_sid"], unique=False)
    op.create_table(
        "tokens",
        Column("token_sid", TEXT, nullable=False),
        Column("partner_sid", TEXT, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("token_hash", TEXT, nullable=False),
        Column("scopes", DOCUMENT, nullable=False),
        Column("revoked", Boolean(), nullable=False),
        Column("date_expires", TEXT, nullable=True),
        Column("date_last_used", TEXT, nullable=True),
        Column("date_created", TEXT, nullable=False),
        ForeignKeyConstraint(
            ["partner_sid"], ["partners.partner_sid"], name="fk_tokens_partner_sid", ondelete="RESTRICT"
        ),
        PrimaryKeyConstraint("token_sid", name="pk_tokens"),
        UniqueConstraint("token_hash", name="uq_tokens_token_hash"),
    )
    op.create_index("ix_tokens_partner_sid", "tokens", ["partner_sid"], unique=False)
    op.create_table(
        "files",
        Column("file_sid", TEXT, nullable=False),
        Column("container_sid", TEXT, nullable=False),
        Column("parent_file_sid", TEXT, nullable=True),
        Column("name", TEXT, nullable=False),
        Column("file_access_name", TEXT, nullable=True),
        Column("file_bytes", Integer(), nullable=False),
        Column("mime_type", TEXT, nullable=True),
        Column("type", TEXT, nullable=True),
        Column("publish", TEXT, nullable=False),
        Column("publish_uri", TEXT, nullable=True),
        Column("content_format", TEXT, nullable=True),
        Column("content_duration", Float(), nullable=True),
        Column("content_transcoding_progress", Float(), nullable=True),
        Column("content_classification", TEXT, nullable=True),
        Column("desired_format", TEXT, nullable=True),
        Column("desired_bitrate", Integer(), nullable=True),
        Column("lifecycle_action", TEXT, nullable=False),
        Column("lifecycle_ttl", Integer(), nullable=False),
        Column("integer_key_1", Integer(), nullable=True),
        Column("integer_key_2", Integer(), nullable=True),
        Column("string_key_1", TEXT, nullable=True),
        Column("string_key_2", TEXT, nullable=True),
        Column("string_key_3", TEXT, nullable=True),
        Column("string_key_4", TEXT, nullable=True),
        Column("path", TEXT, nullable=True),
        Column("date_modified", TEXT, nullable=True),
        Column("date_last_accessed", TEXT, nullable=True),
        Column("date_created", TEXT, nullable=False),
        ForeignKeyConstraint(
            ["container_sid"], ["containers.container_sid"], name="fk_files_container_sid", ondelete="RESTRICT"
        ),
        ForeignKeyConstraint(
            ["parent_file_sid"], ["files.file_sid"], name="fk_files_parent_file_sid", ondelete="RESTRICT"
        ),
        PrimaryKeyConstraint("file_sid", name="pk_files"),
    )
    op.create_index("ix_files_container_sid", "files", ["container_sid"], unique=False)
    op.create_index("ix_files_parent_file_sid", "files", ["parent_file_sid"], unique=False)
