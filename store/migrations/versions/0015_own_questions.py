"""Roots that a model asked of itself."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("root", sa.Column("posed_by", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("root", "posed_by")
