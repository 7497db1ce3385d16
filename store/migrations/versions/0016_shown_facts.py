"""What was put before a model when it was asked: settled claims, and passages of documents."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "quote",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("quote_hash", sa.String(), nullable=False, unique=True),
    )
    op.create_table(
        "shown",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("claim_id", sa.Integer(), sa.ForeignKey("claim.id"), nullable=False),
        sa.Column("belief_id", sa.Integer(), sa.ForeignKey("belief.id"), nullable=True),
        sa.Column("settled_id", sa.Integer(), sa.ForeignKey("claim.id"), nullable=True),
        sa.Column("is_true", sa.Boolean(), nullable=True),
        sa.Column("quote_id", sa.Integer(), sa.ForeignKey("quote.id"), nullable=True),
        sa.Column("generation", sa.String(), nullable=False),
        sa.Column("shown_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(settled_id IS NULL) <> (quote_id IS NULL)", name="shows_one_thing"),
        sa.CheckConstraint("(settled_id IS NULL) = (is_true IS NULL)", name="what_is_settled_is_so_or_not"),
    )
    op.create_index("ix_shown_claim_id", "shown", ["claim_id", "id"])
    op.create_index("ix_shown_belief_id", "shown", ["belief_id"])
    op.create_index("ix_shown_settled_id", "shown", ["settled_id"])


def downgrade() -> None:
    op.drop_table("shown")
    op.drop_table("quote")
