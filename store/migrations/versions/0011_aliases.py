"""Wordings of claims that a model found to say the same, and which of them a premise came by."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "alias",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("claim_id", sa.Integer(), sa.ForeignKey("claim.id"), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("text_hash", sa.String(), nullable=False, unique=True),
        sa.Column("generation", sa.String(), nullable=False),
        sa.Column("implies_prob", sa.Float(), nullable=False),
        sa.Column("implied_prob", sa.Float(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("implies_prob BETWEEN 0 AND 1", name="implies_prob_is_a_probability"),
        sa.CheckConstraint("implied_prob BETWEEN 0 AND 1", name="implied_prob_is_a_probability"),
    )
    op.create_index("ix_alias_claim_id", "alias", ["claim_id"])
    with op.batch_alter_table("premise") as batch:  # SQLite adds no foreign key to a table that is there
        batch.add_column(sa.Column("alias_id", sa.Integer(), nullable=True))
        batch.create_foreign_key("premise_came_by", "alias", ["alias_id"], ["id"])
    is_used = sa.text("alias_id IS NOT NULL")
    op.create_index("ix_premise_alias_id", "premise", ["alias_id"], sqlite_where=is_used, postgresql_where=is_used)


def downgrade() -> None:
    op.drop_index("ix_premise_alias_id", "premise")
    with op.batch_alter_table("premise") as batch:
        batch.drop_column("alias_id")
    op.drop_table("alias")
