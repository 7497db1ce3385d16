"""Sources of answers, reasons for skipping, flags and what was decided about them, and questions held for that.

On SQLite the tables of questions and answers are made anew and their rows copied, since it cannot change a CHECK.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_POSTGRESQL = "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"  # made by 0003


def upgrade() -> None:
    op.drop_index("ix_question_best", "question")  # remade, it would lose its falling order on SQLite
    with op.batch_alter_table("question") as batch:
        batch.drop_constraint("status_is_known", type_="check")
        batch.create_check_constraint("status_is_known", "status IN ('open', 'answered', 'withdrawn', 'held')")
    is_open = sa.text("status = 'open'")
    op.create_index(
        "ix_question_best",
        "question",
        [sa.text("value DESC"), "id"],
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    with op.batch_alter_table("answer") as batch:
        batch.add_column(sa.Column("source", sa.String(), nullable=False, server_default=""))
        batch.add_column(sa.Column("reason", sa.String(), nullable=True))
        batch.create_check_constraint(
            "reason_is_known",
            "reason IS NULL OR (kind = 'cannot_say' AND reason IN ('unknown', 'unclear', 'too_long'))",
        )
        batch.create_check_constraint(
            "source_is_a_link",
            "source = '' OR (length(source) <= 2000 AND (substr(source, 1, 7) = 'http://' "
            "OR substr(source, 1, 8) = 'https://'))",
        )
    with op.batch_alter_table("draft") as batch:
        batch.add_column(sa.Column("source", sa.String(), nullable=False, server_default=""))
    _make_flags()
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for table in ("flag", "resolution", *(["answer"] if is_sqlite else [])):  # the old table took its triggers along
        refuse = f"BEGIN SELECT RAISE(ABORT, '{table}s are append-only'); END" if is_sqlite else _POSTGRESQL
        for act in ("UPDATE", "DELETE", *([] if is_sqlite else ["TRUNCATE"])):
            op.execute(f"CREATE TRIGGER {table}_refuses_{act.lower()} BEFORE {act} ON {table} {refuse}")
    if is_sqlite and (broken := op.get_bind().exec_driver_sql("PRAGMA foreign_key_check").fetchall()):
        raise RuntimeError(f"The migration would lose {len(broken)} references.")


def downgrade() -> None:
    raise RuntimeError("Answers and flags are never dropped: start a new store instead.")


def _make_flags() -> None:
    op.create_table(
        "flag",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("answer_id", sa.Integer(), sa.ForeignKey("answer.id"), nullable=False, unique=True),
        sa.Column("question_id", sa.Integer(), sa.ForeignKey("question.id"), nullable=False),
        sa.Column("rater_id", sa.Integer(), sa.ForeignKey("rater.id"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("flagged_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('ambiguous', 'harmful', 'needs_expert')", name="kind_is_known"),
    )
    op.create_index("ix_flag_question_id", "flag", ["question_id"])
    op.create_table(
        "resolution",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("question_id", sa.Integer(), sa.ForeignKey("question.id"), nullable=False),
        sa.Column("rater_id", sa.Integer(), sa.ForeignKey("rater.id"), nullable=True),
        sa.Column("last_flag_id", sa.Integer(), sa.ForeignKey("flag.id"), nullable=False),
        sa.Column("back_to_queue", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_resolution_question_id", "resolution", ["question_id"])
