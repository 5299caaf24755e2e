"""Whether the audio of a trunk is encrypted."""

from alembic import op
from sqlalchemy import Column

from softswitch.store.columns import TEXT

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    with op.batch_alter_table("trunks") as trunks:
        trunks.add_column(Column("media_encryption", TEXT, nullable=False, server_default="off"))
