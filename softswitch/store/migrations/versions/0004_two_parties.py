"""What a user's phones do with calls, and DIDs that lead to a user."""

from alembic import op
from sqlalchemy import Column, Integer

from softswitch.store.columns import DOCUMENT, TEXT

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    with op.batch_alter_table("users") as users:
        users.add_column(Column("name", TEXT, nullable=False, server_default=""))
        users.add_column(Column("phonenumber", TEXT, nullable=True))
        users.add_column(Column("trunk_group_sid", TEXT, nullable=True))
        users.add_column(Column("ring_s", Integer(), nullable=False, server_default="30"))
        users.add_column(Column("forward_busy", TEXT, nullable=False, server_default=""))
        users.add_column(Column("forward_no_answer", TEXT, nullable=False, server_default=""))
        users.add_column(Column("forward_unregistered", TEXT, nullable=False, server_default=""))
        users.add_column(Column("codecs", DOCUMENT, nullable=False, server_default="[]"))
        users.add_column(Column("media_encryption", TEXT, nullable=False, server_default="off"))
        users.create_foreign_key(
            "fk_users_trunk_group_sid", "trunk_groups", ["trunk_group_sid"], ["trunk_group_sid"], ondelete="RESTRICT"
        )
    op.create_index("ix_users_trunk_group_sid", "users", ["trunk_group_sid"], unique=False)
    with op.batch_alter_table("dids") as dids:
        dids.add_column(Column("user_sid", TEXT, nullable=True))
        dids.create_foreign_key("fk_dids_user_sid", "users", ["user_sid"], ["user_sid"], ondelete="RESTRICT")
    op.create_index("ix_dids_user_sid", "dids", ["user_sid"], unique=False)
