"""What users dial may be rewritten; and who is called by UDP because nobody has said otherwise is told from who is so
because somebody has. Until now both were "udp", and what was too large for it went by TCP where that was possible."""

from alembic import op
from sqlalchemy import Column, text

from softswitch.store.columns import DOCUMENT

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    with op.batch_alter_table("users") as users:
        users.add_column(Column("transformations", DOCUMENT, nullable=False, server_default="[]"))
    for table in ("trunks", "addresses"):
        op.execute(text(f"UPDATE {table} SET transport = 'auto' WHERE transport = 'udp'"))  # noqa: S608 - two of ours
