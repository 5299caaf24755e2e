"""Files and quotas above 2 GiB. SQLite's whole numbers have had 64 bits all along."""

from alembic import op
from sqlalchemy import BigInteger

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("containers", "quota_bytes", type_=BigInteger())
        op.alter_column("files", "file_bytes", type_=BigInteger())
