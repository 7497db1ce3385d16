"""Raters' reliabilities, gold questions, answers that no longer count, and how long answers took.

Raters who were there before are vouched for, so that the labels stay what they were.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("rater", sa.Column("vouched", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("answer", sa.Column("seconds", sa.Float(), nullable=True))
    op.add_column("answer", sa.Column("is_gold", sa.Boolean(), nullable=False, server_default=sa.false()))
    gold, answered = sa.text("is_gold"), sa.text("status = 'answered'")
    op.create_index("ix_answer_gold", "answer", ["rater_id"], sqlite_where=gold, postgresql_where=gold)
    op.create_index("ix_question_answered", "question", ["id"], sqlite_where=answered, postgresql_where=answered)
    op.add_column("lease", sa.Column("shown_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("lease", sa.Column("is_gold", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "trust",
        sa.Column("rater_id", sa.Integer(), sa.ForeignKey("rater.id"), primary_key=True, autoincrement=False),
        *(
            sa.Column(f"{one}_{tried}", sa.Float(), nullable=False)
            for one in ("sensitivity", "specificity")
            for tried in ("hits", "misses")
        ),
        sa.Column("learnt_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "fit",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("through_id", sa.Integer(), nullable=False),
        sa.Column("fitted_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "dismissal",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("rater_id", sa.Integer(), sa.ForeignKey("rater.id"), nullable=False),
        sa.Column("through_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), sa.ForeignKey("rater.id"), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("dismissed_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_dismissal_rater_id", "dismissal", ["rater_id", "id"])
    if op.get_bind().dialect.name == "sqlite":
        refuse = "BEGIN SELECT RAISE(ABORT, 'dismissals are append-only'); END"
        for act in ("UPDATE", "DELETE"):
            op.execute(f"CREATE TRIGGER dismissal_refuses_{act.lower()} BEFORE {act} ON dismissal {refuse}")
    else:
        acts = "BEFORE UPDATE OR DELETE OR TRUNCATE ON dismissal FOR EACH STATEMENT"
        op.execute(f"CREATE TRIGGER dismissal_is_append_only {acts} EXECUTE FUNCTION refuse_change()")  # made by 0003


def downgrade() -> None:
    raise RuntimeError("Answers are never dropped: start a new store instead.")
