"""Beliefs from draws; direct beliefs in argued claims beside their arguments, and how far they count."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("belief", sa.Column("draws", sa.Integer(), nullable=True))
    op.create_table(
        "direct_evidence",
        sa.Column("claim_id", sa.Integer(), sa.ForeignKey("claim.id"), primary_key=True),
        sa.Column("belief", sa.Float(), nullable=False),
        sa.Column("marginal", sa.Float(), nullable=False),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("belief BETWEEN 0 AND 1", name="belief_is_a_probability"),
        sa.CheckConstraint("marginal BETWEEN 0 AND 1", name="marginal_is_a_probability"),
    )
    op.create_table(
        "direct_weight",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("num_claims", sa.Integer(), nullable=False),
        sa.Column("fitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("weight BETWEEN 0 AND 1", name="weight_is_a_probability"),
    )


def downgrade() -> None:
    op.drop_table("direct_weight")
    op.drop_table("direct_evidence")
    op.drop_column("belief", "draws")
