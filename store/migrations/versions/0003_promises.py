"""Several raters to a question, drafts, answers taken back, overrides, raters' roles; the queue's own index.

A lease becomes its rater's: of several that a rater has, the one that ends last is kept. On PostgreSQL the triggers
that keep tables append-only begin here.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_APPEND_ONLY = ("answer", "retraction", "override")


def upgrade() -> None:
    _extend_raters()
    _make_places()
    _make_history()
    if op.get_bind().dialect.name == "sqlite":
        _make_append_only_on_sqlite()
        if broken := op.get_bind().exec_driver_sql("PRAGMA foreign_key_check").fetchall():
            raise RuntimeError(f"The migration would lose {len(broken)} references.")
    else:
        _make_append_only_on_postgresql()


def downgrade() -> None:
    raise RuntimeError("Answers are never dropped: start a new store instead.")


def _extend_raters() -> None:
    with op.batch_alter_table("rater") as batch:
        batch.add_column(sa.Column("role", sa.String(), nullable=False, server_default="rater"))
        batch.add_column(sa.Column("password_hash", sa.String(), nullable=True))
        batch.add_column(sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("paused_reason", sa.String(), nullable=True))
        batch.create_check_constraint("role_is_known", "role IN ('rater', 'reviewer', 'administrator')")
        batch.create_check_constraint("a_pause_has_a_reason", "(paused_at IS NULL) = (paused_reason IS NULL)")


def _make_places() -> None:
    with op.batch_alter_table("question") as batch:
        batch.add_column(sa.Column("wanted", sa.Integer(), nullable=False, server_default="1"))
        batch.create_check_constraint("somebody_is_wanted", "wanted >= 1")
        batch.drop_index("ix_question_value")
        batch.drop_index("ix_question_status")
    is_open = sa.text("status = 'open'")
    op.create_index(
        "ix_question_best",
        "question",
        [sa.text("value DESC"), "id"],
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    _make_leases_anew()
    op.create_table(
        "draft",
        _points_to("rater", primary_key=True),
        _points_to("question", primary_key=True),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("prob", sa.Float(), nullable=True),
        sa.Column("number", sa.Float(), nullable=True),
        sa.Column("sd", sa.Float(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        _time("saved_at"),
    )


def _make_leases_anew() -> None:
    fields = "rater_id, question_id, token, expires_at, value, prob, generation"
    found = op.get_bind().execute(sa.text(f"SELECT {fields} FROM lease ORDER BY expires_at, question_id"))
    kept = {lease.rater_id: dict(lease._mapping) for lease in found}
    op.drop_table("lease")
    op.create_table(
        "lease",
        _points_to("rater", primary_key=True),
        _points_to("question"),
        sa.Column("token", sa.String(), nullable=False, unique=True),
        _time("expires_at"),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("prob", sa.Float(), nullable=True),
        sa.Column("generation", sa.String(), nullable=True),
    )
    op.create_index("ix_lease_question_id", "lease", ["question_id", "expires_at"])
    if kept:
        values = ", ".join(f":{field}" for field in fields.split(", "))
        op.get_bind().execute(sa.text(f"INSERT INTO lease ({fields}) VALUES ({values})"), list(kept.values()))


def _make_history() -> None:
    op.drop_index("ix_answer_question_id", "answer")
    op.create_index("ix_answer_question_id", "answer", ["question_id", "rater_id"])
    op.drop_index("ix_answer_rater_id", "answer")
    op.create_index("ix_answer_rater_id", "answer", ["rater_id", "id"])
    op.create_table(
        "retraction",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("answer_id", sa.Integer(), sa.ForeignKey("answer.id"), nullable=False, unique=True),
        _points_to("rater"),
        sa.Column("reason", sa.String(), nullable=False),
        _time("retracted_at"),
    )
    op.create_table(
        "override",
        sa.Column("id", sa.Integer(), primary_key=True),
        _points_to("claim"),
        _points_to("rater"),
        sa.Column("prob", sa.Float(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        _time("overridden_at"),
        sa.CheckConstraint("prob BETWEEN 0 AND 1", name="prob_is_a_probability"),
    )
    op.create_index("ix_override_claim_id", "override", ["claim_id"])


def _points_to(table: str, *, primary_key: bool = False) -> "sa.Column[int]":
    target = sa.ForeignKey(f"{table}.id")
    return sa.Column(f"{table}_id", sa.Integer(), target, nullable=False, primary_key=primary_key, autoincrement=False)


def _time(name: str) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _make_append_only_on_sqlite() -> None:
    for table in _APPEND_ONLY[1:]:  # answers have theirs
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{act.lower()} BEFORE {act} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table}s are append-only'); END"
            )


def _make_append_only_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION '%s are append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; "
        "END $$"
    )
    for table in _APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
