"""Questions that people pose on a page, until a daemon has made roots of them or refused them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "posed_question",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("posed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("root_id", sa.Integer(), sa.ForeignKey("root.id"), nullable=True),
        sa.Column("refusal", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(taken_at IS NULL AND root_id IS NULL AND refusal IS NULL) "
            "OR (taken_at IS NOT NULL AND (root_id IS NULL) <> (refusal IS NULL))",
            name="is_waiting_or_settled",
        ),
    )
    op.create_index("ix_posed_question_root_id", "posed_question", ["root_id"])


def downgrade() -> None:
    op.drop_table("posed_question")
