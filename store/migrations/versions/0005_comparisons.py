"""Comparisons of two arguments, and that one was taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_POSTGRESQL = "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"  # made by 0003


def upgrade() -> None:
    op.create_table(
        "comparison",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("rater_id", sa.Integer(), sa.ForeignKey("rater.id"), nullable=False),
        sa.Column("claim_id", sa.Integer(), sa.ForeignKey("claim.id"), nullable=False),
        sa.Column("first_id", sa.Integer(), sa.ForeignKey("argument.id"), nullable=False),
        sa.Column("second_id", sa.Integer(), sa.ForeignKey("argument.id"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("shown_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("token", sa.String(), nullable=False, unique=True),
        sa.CheckConstraint("kind IN ('first', 'second', 'equal', 'cannot_say')", name="kind_is_known"),
        sa.CheckConstraint("first_id <> second_id", name="compares_two"),
    )
    op.create_index("ix_comparison_rater_id", "comparison", ["rater_id", "id"])
    op.create_index("ix_comparison_claim_id", "comparison", ["claim_id"])
    op.create_table(
        "comparisonretraction",
        sa.Column("comparison_id", sa.Integer(), sa.ForeignKey("comparison.id"), primary_key=True),
        sa.Column("retracted_at", sa.DateTime(timezone=True), nullable=False),
    )
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    refuse = "BEGIN SELECT RAISE(ABORT, 'comparisons are append-only'); END" if is_sqlite else _POSTGRESQL
    for table in ("comparison", "comparisonretraction"):
        for act in ("UPDATE", "DELETE"):
            op.execute(f"CREATE TRIGGER {table}_refuses_{act.lower()} BEFORE {act} ON {table} {refuse}")


def downgrade() -> None:
    raise RuntimeError("Comparisons are never dropped: start a new store instead.")
