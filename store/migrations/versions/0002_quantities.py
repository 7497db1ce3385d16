"""Quantities, claims about them, and numbers as answers. What was answered before stays as it was.

SQLite cannot loosen a column, so the three tables of the queue are made anew and their rows copied; `store.database`
switches foreign keys off meanwhile, as SQLite's documentation of ALTER TABLE asks (section 7).
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_KINDS = "kind IN ('yes', 'no', 'probability', 'number', 'cannot_say')"
_PROB_FITS = (
    "(kind IN ('cannot_say', 'number') AND prob IS NULL) "
    "OR (kind NOT IN ('cannot_say', 'number') AND prob BETWEEN 0 AND 1)"
)
_NUMBER_FITS = (
    "(kind = 'number' AND number IS NOT NULL AND sd > 0) OR (kind <> 'number' AND number IS NULL AND sd IS NULL)"
)
_ONE_THING = "(claim_id IS NULL) <> (quantity_id IS NULL)"
_KIND_FITS = "kind = 'cannot_say' OR (kind = 'number') = (claim_id IS NULL)"


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
    statuses = "status IN ('open', 'answered', 'withdrawn')"
    checks = {
        "status_is_known": statuses,
        "asks_one_thing": _ONE_THING,
        "prob_is_a_probability": "prob BETWEEN 0 AND 1",
    }
    _alter("question", checks, {"asks_one_thing"}, ["claim_id", "prob"], [_quantity_id("question")])
    op.create_index("ix_question_quantity_id", "question", ["quantity_id"], unique=True)
    _alter("lease", {}, set(), ["prob"], [])
    checks = {
        "kind_is_known": _KINDS,
        "prob_fits_kind": _PROB_FITS,
        "number_fits_kind": _NUMBER_FITS,
        "is_about_one_thing": _ONE_THING,
        "kind_fits_question": _KIND_FITS,
    }
    numbers = [sa.Column(name, sa.Float(), nullable=True) for name in ("number", "sd")]
    new = {"number_fits_kind", "is_about_one_thing", "kind_fits_question"}
    _alter("answer", checks, new, ["claim_id", "prob_before"], [_quantity_id("answer"), *numbers])
    op.create_index("ix_answer_quantity_id", "answer", ["quantity_id"])


def _alter(
    table: str, checks: dict[str, str], new_checks: set[str], loosened: list[str], columns: list[sa.Column[Any]]
) -> None:
    """Adds columns, lets others be null and sets checks: `checks` are all that the table has afterwards."""
    constraints = [sa.CheckConstraint(sql, name=name) for name, sql in checks.items()]
    with op.batch_alter_table(table, table_args=constraints) as batch:  # SQLite: reflects no checks, so gets them all
        for column in columns:
            batch.add_column(column)
        for name in loosened:
            batch.alter_column(name, nullable=True)
    if op.get_bind().dialect.name != "sqlite":
        for name, sql in checks.items():
            if name not in new_checks:
                op.drop_constraint(name, table, type_="check")
            op.create_check_constraint(name, table, sql)


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
