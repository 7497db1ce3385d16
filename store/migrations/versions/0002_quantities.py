"""Quantities, claims about them, and numbers as answers. What was answered before stays as it was.

SQLite cannot loosen a column, so the three tables of the queue are made anew and their rows copied; `store.database`
switches foreign keys off meanwhile, as SQLite's documentation of ALTER TABLE asks (section 7).
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ONE_THING = "(claim_id IS NULL) <> (quantity_id IS NULL)"
_ANSWER_CHECKS = {
    "kind_is_known": "kind IN ('yes', 'no', 'probability', 'number', 'cannot_say')",
    "prob_fits_kind": (
        "(kind IN ('cannot_say', 'number') AND prob IS NULL) "
        "OR (kind NOT IN ('cannot_say', 'number') AND prob BETWEEN 0 AND 1)"
    ),
    "number_fits_kind": (
        "(kind = 'number' AND number IS NOT NULL AND sd > 0) OR (kind <> 'number' AND number IS NULL AND sd IS NULL)"
    ),
    "is_about_one_thing": _ONE_THING,
    "kind_fits_question": "kind = 'cannot_say' OR (kind = 'number') = (claim_id IS NULL)",
}


def upgrade() -> None:
    _make_tables()
    _loosen_the_queue()
    if op.get_bind().dialect.name == "sqlite":
        _make_answers_append_only()
        if broken := op.get_bind().exec_driver_sql("PRAGMA foreign_key_check").fetchall():
            raise RuntimeError(f"The migration would lose {len(broken)} references.")


def downgrade() -> None:
    raise RuntimeError("Answers are never dropped: start a new store instead.")


def _make_tables() -> None:
    op.create_table(
        "quantity",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("key", sa.String(), nullable=False, unique=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("text_hash", sa.String(), nullable=False, unique=True),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("distribution", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "about",
        sa.Column("claim_id", sa.Integer(), sa.ForeignKey("claim.id"), primary_key=True),
        sa.Column("quantity_id", sa.Integer(), sa.ForeignKey("quantity.id"), nullable=False),
        sa.Column("relation", sa.String(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("other_id", sa.Integer(), sa.ForeignKey("quantity.id"), nullable=True),
        sa.CheckConstraint("relation IN ('<', '>')", name="relation_is_known"),
        sa.CheckConstraint("(value IS NULL) <> (other_id IS NULL)", name="compared_with_one_thing"),
    )
    op.create_index("ix_about_quantity_id", "about", ["quantity_id"])
    op.create_table(
        "measurement",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("quantity_id", sa.Integer(), sa.ForeignKey("quantity.id"), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("sd", sa.Float(), nullable=False),
        sa.CheckConstraint("sd > 0", name="sd_is_positive"),
    )
    op.create_index("ix_measurement_quantity_id", "measurement", ["quantity_id"])


def _loosen_the_queue() -> None:
    with op.batch_alter_table("question") as batch:
        batch.add_column(_quantity_id("question"))
        batch.alter_column("claim_id", existing_type=sa.Integer(), nullable=True)
        batch.alter_column("prob", existing_type=sa.Float(), nullable=True)
        batch.create_check_constraint("asks_one_thing", _ONE_THING)
    op.create_index("ix_question_quantity_id", "question", ["quantity_id"], unique=True)
    with op.batch_alter_table("lease") as batch:
        batch.alter_column("prob", existing_type=sa.Float(), nullable=True)
    with op.batch_alter_table("answer") as batch:
        batch.add_column(_quantity_id("answer"))
        for name in ("number", "sd"):
            batch.add_column(sa.Column(name, sa.Float(), nullable=True))
        batch.alter_column("claim_id", existing_type=sa.Integer(), nullable=True)
        batch.alter_column("prob_before", existing_type=sa.Float(), nullable=True)
        for name in ("kind_is_known", "prob_fits_kind"):
            batch.drop_constraint(name, type_="check")
        for name, check in _ANSWER_CHECKS.items():
            batch.create_check_constraint(name, check)
    op.create_index("ix_answer_quantity_id", "answer", ["quantity_id"])


def _quantity_id(table: str) -> sa.Column[Any]:
    return sa.Column(
        "quantity_id", sa.Integer(), sa.ForeignKey("quantity.id", name=f"{table}_quantity_id_fkey"), nullable=True
    )


def _make_answers_append_only() -> None:
    for act in ("UPDATE", "DELETE"):  # the old table took its triggers along
        op.execute(
            f"CREATE TRIGGER answer_refuses_{act.lower()} BEFORE {act} ON answer "
            "BEGIN SELECT RAISE(ABORT, 'answers are append-only'); END"
        )
