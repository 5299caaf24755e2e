"""Whether a dialout has begun: nobody is called twice after a crash."""

from alembic import op
from sqlalchemy import Boolean, Column, false

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    with op.batch_alter_table("mediator_dialouts") as dialouts:
        dialouts.add_column(Column("has_begun", Boolean(), nullable=False, server_default=false()))
