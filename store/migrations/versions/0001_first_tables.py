"""The first tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _make_graph_tables()
    _make_queue_tables()
    _make_answers_append_only()


def downgrade() -> None:
    raise RuntimeError("Answers are never dropped: start a new store instead.")


def _make_graph_tables() -> None:
    op.create_table(
        "claim",
        _id(),
        _text("key", unique=True),
        _text("text"),
        _text("text_hash", unique=True),
        _real("prior"),
        sa.Column("askable", sa.Boolean(), nullable=True),
        _time("explored_at", nullable=True),
        _time("created_at"),
        _is_prob("prior"),
    )
    op.create_table(
        "argument",
        _id(),
        _text("key", unique=True),
        _points_to("claim", "conclusion_id"),
        _text("polarity"),
        _real("strength"),
        _text("content_hash"),
        _text("generation", nullable=True),
        _time("created_at"),
        _is_one_of("polarity", "support", "attack"),
        _is_prob("strength"),
    )
    _index("argument", "conclusion_id", "content_hash")
    op.create_table(
        "premise",
        _points_to("argument", primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True, autoincrement=False),
        _points_to("claim"),
        sa.Column("holds", sa.Boolean(), nullable=False),
    )
    _index("premise", "claim_id")
    op.create_table(
        "root",
        _id(),
        _points_to("claim", unique=True),
        _text("question"),
        _real("weight"),
        _time("created_at"),
        sa.CheckConstraint("weight >= 0", name="weight_is_not_negative"),
    )
    op.create_table(
        "belief",
        _id(),
        _points_to("claim"),
        _text("generation"),
        _text("kind"),
        _real("mean"),
        _real("pseudo_count"),
        _time("held_at"),
        _is_one_of("kind", "direct", "residual"),
        _is_prob("mean"),
        sa.CheckConstraint("pseudo_count >= 0", name="pseudo_count_is_not_negative"),
    )
    _index("belief", "claim_id")
    op.create_table(
        "evidence",
        _points_to("claim", primary_key=True),
        _real("if_false"),
        _real("if_true"),
        _is_prob("if_false"),
        _is_prob("if_true"),
    )


def _make_queue_tables() -> None:
    op.create_table("rater", _id(), _text("name", unique=True), _time("created_at"))
    op.create_table(
        "question",
        _id(),
        _points_to("claim", unique=True),
        _real("value"),
        _real("prob"),
        _text("status"),
        _time("opened_at"),
        _time("ranked_at"),
        _is_one_of("status", "open", "answered", "withdrawn"),
        _is_prob("prob"),
    )
    _index("question", "value", "status")
    op.create_table(
        "lease",
        _points_to("question", primary_key=True),
        _points_to("rater"),
        _text("token", unique=True),
        _time("expires_at"),
        _real("value"),
        _real("prob"),
        _text("generation", nullable=True),
    )
    _index("lease", "rater_id")
    op.create_table(
        "answer",
        _id(),
        _points_to("question"),
        _points_to("claim"),
        _points_to("rater"),
        _text("kind"),
        _real("prob", nullable=True),
        _text("note"),
        _time("answered_at"),
        _text("generation", nullable=True),
        _real("prob_before"),
        _real("value_when_asked"),
        _text("token", unique=True),
        _is_one_of("kind", "yes", "no", "probability", "cannot_say"),
        sa.CheckConstraint(
            "(kind = 'cannot_say' AND prob IS NULL) OR (kind <> 'cannot_say' AND prob BETWEEN 0 AND 1)",
            name="prob_fits_kind",
        ),
    )
    _index("answer", "question_id", "claim_id", "rater_id")


def _make_answers_append_only() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER answer_refuses_{act.lower()} BEFORE {act} ON answer "
            "BEGIN SELECT RAISE(ABORT, 'answers are append-only'); END"
        )


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.Integer(), primary_key=True)


def _text(name: str, *, nullable: bool = False, unique: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), nullable=nullable, unique=unique)


def _real(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Float(), nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _points_to(table: str, name: str = "", *, unique: bool = False, primary_key: bool = False) -> sa.Column[Any]:
    name, target = name or f"{table}_id", sa.ForeignKey(f"{table}.id")
    return sa.Column(name, sa.Integer(), target, nullable=False, unique=unique, primary_key=primary_key)


def _is_prob(column: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} BETWEEN 0 AND 1", name=f"{column}_is_a_probability")


def _is_one_of(column: str, *values: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=f"{column}_is_known")


def _index(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(f"ix_{table}_{column}", table, [column])
