"""The tables, as SQLModel classes: nothing but columns and constraints.

`migrations/` makes them in a database; a test holds the two against each other. Claims and arguments carry a
`key`, the id that they have in an `ArgumentGraph`; the integer ids never leave the store.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, Dialect, Index, text
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC datetimes, on SQLite too, which keeps no time zone; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"A time must be aware, got the naive {value!r}.")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _is_prob(column: str) -> CheckConstraint:
    return CheckConstraint(f"{column} BETWEEN 0 AND 1", name=f"{column}_is_a_probability")


class Rater(SQLModel, table=True):
    """Somebody who answers questions."""

    __table_args__: Any = (
        CheckConstraint("role IN ('rater', 'reviewer', 'administrator')", name="role_is_known"),
        CheckConstraint("(paused_at IS NULL) = (paused_reason IS NULL)", name="a_pause_has_a_reason"),
    )

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    created_at: datetime = Field(sa_type=UtcDateTime)
    role: str = "rater"  # "rater" | "reviewer" | "administrator"
    password_hash: str | None = Field(default=None, repr=False)
    paused_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    paused_reason: str | None = None
    vouched: bool = True  # whoever runs the desk vouches for them: believed from the first, and not checked


class Trust(SQLModel, table=True):
    """What answers have shown of a rater's reliability: two Beta distributions. No row: nothing yet."""

    rater_id: int = Field(foreign_key="rater.id", primary_key=True)
    sensitivity_hits: float
    sensitivity_misses: float
    specificity_hits: float
    specificity_misses: float
    learnt_at: datetime = Field(sa_type=UtcDateTime)


class Fit(SQLModel, table=True):
    """That the reliabilities of all raters were worked out together, from the answers up to one."""

    id: int | None = Field(default=None, primary_key=True)
    through_id: int  # the newest answer's id, 0 for none
    fitted_at: datetime = Field(sa_type=UtcDateTime)


class Dismissal(SQLModel, table=True):
    """That a rater's answers up to one no longer count; the newest of a rater holds. Append-only."""

    __table_args__: Any = (Index("ix_dismissal_rater_id", "rater_id", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    rater_id: int = Field(foreign_key="rater.id")
    through_id: int  # the newest answer's id then, whoever gave it, 0 for none; -1: all count again
    by_id: int | None = Field(default=None, foreign_key="rater.id")  # None: the checks, or at the command line
    reason: str
    dismissed_at: datetime = Field(sa_type=UtcDateTime)


class Claim(SQLModel, table=True):
    """A proposition. One normalised text is one claim, whatever root it came from."""

    __table_args__: Any = (_is_prob("prior"),)

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)  # its id in an ArgumentGraph
    text: str
    text_hash: str = Field(unique=True)  # store.texts.text_hash(text)
    prior: float
    askable: bool | None = None  # None: askable while it has no arguments
    explored_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # the model had no more arguments to give
    created_at: datetime = Field(sa_type=UtcDateTime)


class Argument(SQLModel, table=True):
    """A reason for or against a claim; its premises are rows of `Premise`."""

    __table_args__: Any = (
        CheckConstraint("polarity IN ('support', 'attack')", name="polarity_is_known"),
        _is_prob("strength"),
    )

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    conclusion_id: int = Field(foreign_key="claim.id", index=True)
    polarity: str  # "support" | "attack"
    strength: float
    content_hash: str = Field(index=True)  # conclusion, polarity and the set of premises: finds repetitions
    generation: str | None = None  # the model that proposed it; None: imported
    created_at: datetime = Field(sa_type=UtcDateTime)


class Premise(SQLModel, table=True):
    """A claim that an argument takes as holding or as failing."""

    __table_args__: Any = (
        Index(
            "ix_premise_alias_id",
            "alias_id",
            sqlite_where=text("alias_id IS NOT NULL"),
            postgresql_where=text("alias_id IS NOT NULL"),
        ),
    )

    argument_id: int = Field(foreign_key="argument.id", primary_key=True)
    position: int = Field(primary_key=True)
    claim_id: int = Field(foreign_key="claim.id", index=True)
    holds: bool
    alias_id: int | None = Field(default=None, foreign_key="alias.id")  # the wording that it came by; None: the claim's


class Alias(SQLModel, table=True):
    """Another wording of a claim: a model proposed it, and found that it says what the claim says. Never deleted."""

    __table_args__: Any = (_is_prob("implies_prob"), _is_prob("implied_prob"))

    id: int | None = Field(default=None, primary_key=True)
    claim_id: int = Field(foreign_key="claim.id", index=True)
    text: str
    text_hash: str = Field(unique=True)  # store.texts.text_hash(text)
    generation: str  # the model that found it
    implies_prob: float  # P(the claim follows from the wording), as it held
    implied_prob: float  # P(the wording follows from the claim)
    made_at: datetime = Field(sa_type=UtcDateTime)
    undone_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # since then the wording is a claim itself


class Revision(SQLModel, table=True):
    """That something was changed in place, of which no new row tells: see `store.news`. Append-only."""

    id: int | None = Field(default=None, primary_key=True)
    claim_id: int | None = Field(default=None, foreign_key="claim.id")  # whose row; None: it may be anything


class Root(SQLModel, table=True):
    """A claim that somebody asked about, or a model of itself, with the question in their words."""

    __table_args__: Any = (CheckConstraint("weight >= 0", name="weight_is_not_negative"),)

    id: int | None = Field(default=None, primary_key=True)
    claim_id: int = Field(foreign_key="claim.id", unique=True)
    question: str
    weight: float = 1.0
    created_at: datetime = Field(sa_type=UtcDateTime)
    posed_by: str | None = None  # the generation that asked it of itself; None: people, or an imported graph


class Belief(SQLModel, table=True):
    """What a generation said that a claim's probability is; a later row of the same kind replaces an earlier one."""

    __table_args__: Any = (
        CheckConstraint("kind IN ('direct', 'residual')", name="kind_is_known"),
        _is_prob("mean"),
        CheckConstraint("pseudo_count >= 0", name="pseudo_count_is_not_negative"),
    )

    id: int | None = Field(default=None, primary_key=True)
    claim_id: int = Field(foreign_key="claim.id", index=True)
    generation: str
    kind: str  # "direct": is it true? "residual": is it true if none of its reasons holds?
    mean: float  # as the model said it, before any calibration
    pseudo_count: float
    draws: int | None = None  # replies drawn for each reading, where it rests on draws; None: on the model's own probs
    held_at: datetime = Field(sa_type=UtcDateTime)


class Evidence(SQLModel, table=True):
    """Likelihoods that came with an imported graph; raters' answers are not here but in `Answer`."""

    __table_args__: Any = (
        _is_prob("if_false"),
        _is_prob("if_true"),
    )

    claim_id: int = Field(foreign_key="claim.id", primary_key=True)
    if_false: float  # P(label | claim false)
    if_true: float  # P(label | claim true)


class Quantity(SQLModel, table=True):
    """A number that claims rest on. One normalised text is one quantity."""

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)  # its id in an ArgumentGraph
    text: str
    text_hash: str = Field(unique=True)  # store.texts.text_hash(text)
    unit: str
    distribution: str  # before any measurement, as in a graph's file, in JSON
    created_at: datetime = Field(sa_type=UtcDateTime)


class About(SQLModel, table=True):
    """What a claim says of a quantity: that it is less or more than a number, or than another quantity."""

    __table_args__: Any = (
        CheckConstraint("relation IN ('<', '>')", name="relation_is_known"),
        CheckConstraint("(value IS NULL) <> (other_id IS NULL)", name="compared_with_one_thing"),
    )

    claim_id: int = Field(foreign_key="claim.id", primary_key=True)
    quantity_id: int = Field(foreign_key="quantity.id", index=True)
    relation: str  # "<" | ">"
    value: float | None = None  # of a threshold, in the quantity's unit
    other_id: int | None = Field(default=None, foreign_key="quantity.id")


class Measurement(SQLModel, table=True):
    """A number that came with an imported graph; raters' numbers are not here but in `Answer`."""

    __table_args__: Any = (CheckConstraint("sd > 0", name="sd_is_positive"),)

    id: int | None = Field(default=None, primary_key=True)
    quantity_id: int = Field(foreign_key="quantity.id", index=True)
    value: float
    sd: float  # standard deviation of the error


class Question(SQLModel, table=True):
    """An askable claim or a quantity in the raters' queue. Its value and probability are those of the last ranking."""

    __table_args__: Any = (
        CheckConstraint("status IN ('open', 'answered', 'withdrawn', 'held')", name="status_is_known"),
        CheckConstraint("(claim_id IS NULL) <> (quantity_id IS NULL)", name="asks_one_thing"),
        CheckConstraint("wanted >= 1", name="somebody_is_wanted"),
        _is_prob("prob"),
        # The queue, as it is read: from its best question on. SQLite wants the condition spelt out in the query too.
        Index(
            "ix_question_best",
            text("value DESC"),
            "id",
            sqlite_where=text("status = 'open'"),
            postgresql_where=text("status = 'open'"),
        ),
        # Gold questions are drawn from these.
        Index(
            "ix_question_answered",
            "id",
            sqlite_where=text("status = 'answered'"),
            postgresql_where=text("status = 'answered'"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    claim_id: int | None = Field(default=None, foreign_key="claim.id", unique=True)
    quantity_id: int | None = Field(default=None, foreign_key="quantity.id", unique=True, index=True)
    value: float
    prob: float | None = None  # posterior of the claim
    status: str = "open"  # "open" | "answered" | "withdrawn" | "held" (by flags: see store.holding)
    wanted: int = 1  # raters whose answers close it; rises where they disagree (store.policy), never falls
    opened_at: datetime = Field(sa_type=UtcDateTime)
    ranked_at: datetime = Field(sa_type=UtcDateTime)  # when a ranking last changed it


class Lease(SQLModel, table=True):
    """A rater's time-limited hold on a place in a question, with what the question was worth when it was shown.

    A rater has one at most. One that ran out stays until its rater takes another: a late answer may still count.
    """

    __table_args__: Any = (Index("ix_lease_question_id", "question_id", "expires_at"),)

    rater_id: int = Field(foreign_key="rater.id", primary_key=True)
    question_id: int = Field(foreign_key="question.id")
    token: str = Field(unique=True)
    shown_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # None: not known
    expires_at: datetime = Field(sa_type=UtcDateTime)
    value: float  # of an answer by this rater
    prob: float | None = None  # None: it is about a quantity
    generation: str | None = None
    is_gold: bool = False  # of a settled claim: it is the rater who is tried, and no place is taken


class Draft(SQLModel, table=True):
    """What a rater typed about a question and has not handed in, or handed in too late."""

    rater_id: int = Field(foreign_key="rater.id", primary_key=True)
    question_id: int = Field(foreign_key="question.id", primary_key=True)
    kind: str | None = None  # as of an answer; None: not chosen yet
    prob: float | None = None
    number: float | None = None
    sd: float | None = None
    note: str = ""
    source: str = ""  # as it was typed
    saved_at: datetime = Field(sa_type=UtcDateTime)


class Answer(SQLModel, table=True):
    """What a rater said. Append-only: triggers refuse to change or delete a row.

    It counts unless it was taken back or dismissed, or was to a gold question: whoever reads answers asks for those
    that `store.answers.is_standing`.
    """

    __table_args__: Any = (
        CheckConstraint("kind IN ('yes', 'no', 'probability', 'number', 'cannot_say')", name="kind_is_known"),
        CheckConstraint(
            "(kind IN ('cannot_say', 'number') AND prob IS NULL) "
            "OR (kind NOT IN ('cannot_say', 'number') AND prob BETWEEN 0 AND 1)",
            name="prob_fits_kind",
        ),
        CheckConstraint(
            "(kind = 'number' AND number IS NOT NULL AND sd > 0) "
            "OR (kind <> 'number' AND number IS NULL AND sd IS NULL)",
            name="number_fits_kind",
        ),
        CheckConstraint("(claim_id IS NULL) <> (quantity_id IS NULL)", name="is_about_one_thing"),
        CheckConstraint("kind = 'cannot_say' OR (kind = 'number') = (claim_id IS NULL)", name="kind_fits_question"),
        CheckConstraint(
            "reason IS NULL OR (kind = 'cannot_say' AND reason IN ('unknown', 'unclear', 'too_long'))",
            name="reason_is_known",
        ),
        CheckConstraint(
            "source = '' OR (length(source) <= 2000 AND (substr(source, 1, 7) = 'http://' "
            "OR substr(source, 1, 8) = 'https://'))",
            name="source_is_a_link",
        ),
        Index("ix_answer_question_id", "question_id", "rater_id"),
        Index("ix_answer_rater_id", "rater_id", "id"),
        Index("ix_answer_gold", "rater_id", sqlite_where=text("is_gold"), postgresql_where=text("is_gold")),
    )

    id: int | None = Field(default=None, primary_key=True)
    question_id: int = Field(foreign_key="question.id")
    claim_id: int | None = Field(default=None, foreign_key="claim.id", index=True)
    quantity_id: int | None = Field(default=None, foreign_key="quantity.id", index=True)
    rater_id: int = Field(foreign_key="rater.id")
    kind: str  # "yes" | "no" | "probability" | "number" | "cannot_say"
    prob: float | None = None  # P(claim true) that it states: yes 1, no 0, else None
    number: float | None = None  # that it states, in the quantity's unit
    sd: float | None = None  # of the number's error
    note: str = ""
    answered_at: datetime = Field(sa_type=UtcDateTime)
    generation: str | None = None  # whose belief was the newest when it was asked
    prob_before: float | None = None  # posterior of the claim when it was asked
    value_when_asked: float
    token: str = Field(unique=True)  # the lease's: one lease, one answer
    source: str = ""  # a link to where the rater found it
    reason: str | None = None  # why a rater skipped it: "unknown" | "unclear" | "too_long"; None: not said
    seconds: float | None = None  # from when the question was shown; None: not known
    is_gold: bool = False  # it tells of the rater, not of the claim


class Flag(SQLModel, table=True):
    """That a rater finds something wrong with a question. Append-only.

    It goes along with an answer "cannot_say", and stands unless that was taken back.
    """

    __table_args__: Any = (CheckConstraint("kind IN ('ambiguous', 'harmful', 'needs_expert')", name="kind_is_known"),)

    id: int | None = Field(default=None, primary_key=True)
    answer_id: int = Field(foreign_key="answer.id", unique=True)
    question_id: int = Field(foreign_key="question.id", index=True)
    rater_id: int = Field(foreign_key="rater.id")
    kind: str  # "ambiguous" | "harmful" | "needs_expert"
    note: str = ""
    flagged_at: datetime = Field(sa_type=UtcDateTime)


class Resolution(SQLModel, table=True):
    """What a reviewer decided about a question's flags; the newest one counts. Append-only, as flags are.

    A row of its own, since a question may be flagged again, and decided about again.
    """

    id: int | None = Field(default=None, primary_key=True)
    question_id: int = Field(foreign_key="question.id", index=True)
    rater_id: int | None = Field(default=None, foreign_key="rater.id")  # by whom; None: at the command line
    last_flag_id: int = Field(foreign_key="flag.id")  # the question's newest then; later ones are undecided
    back_to_queue: bool
    note: str = ""
    resolved_at: datetime = Field(sa_type=UtcDateTime)


class Retraction(SQLModel, table=True):
    """That an answer was taken back. Append-only."""

    id: int | None = Field(default=None, primary_key=True)
    answer_id: int = Field(foreign_key="answer.id", unique=True)
    rater_id: int = Field(foreign_key="rater.id")  # by whom
    reason: str = ""
    retracted_at: datetime = Field(sa_type=UtcDateTime)


class Override(SQLModel, table=True):
    """What an administrator set a claim's label to, whatever raters said; the newest one counts. Append-only."""

    __table_args__: Any = (_is_prob("prob"),)

    id: int | None = Field(default=None, primary_key=True)
    claim_id: int = Field(foreign_key="claim.id", index=True)
    rater_id: int = Field(foreign_key="rater.id")  # by whom
    prob: float | None  # of the claim; None: the answers count again
    note: str = ""
    overridden_at: datetime = Field(sa_type=UtcDateTime)


class Comparison(SQLModel, table=True):
    """Which of two arguments for or against a claim a rater finds better. Append-only: triggers refuse changes.

    It counts unless there is a `ComparisonRetraction` of it.
    """

    __table_args__: Any = (
        CheckConstraint("kind IN ('first', 'second', 'equal', 'cannot_say')", name="kind_is_known"),
        CheckConstraint("first_id <> second_id", name="compares_two"),
        Index("ix_comparison_rater_id", "rater_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    rater_id: int = Field(foreign_key="rater.id")
    claim_id: int = Field(foreign_key="claim.id", index=True)  # what both argue about
    first_id: int = Field(foreign_key="argument.id")  # as they were shown
    second_id: int = Field(foreign_key="argument.id")
    kind: str  # "first" | "second" (is better) | "equal" | "cannot_say"
    note: str = ""
    shown_at: datetime = Field(sa_type=UtcDateTime)
    answered_at: datetime = Field(sa_type=UtcDateTime)
    token: str = Field(unique=True)  # of the showing: one showing, one comparison


class ComparisonRetraction(SQLModel, table=True):
    """That a rater took a comparison back. Append-only too."""

    comparison_id: int = Field(foreign_key="comparison.id", primary_key=True)
    retracted_at: datetime = Field(sa_type=UtcDateTime)


class Sitting(SQLModel, table=True):
    """That somebody is signed in on a browser, until it expires or they sign out; then the row goes."""

    token_hash: str = Field(primary_key=True)  # store.secret.hashed of what the browser keeps
    rater_id: int = Field(foreign_key="rater.id", index=True)
    seen_at: datetime = Field(sa_type=UtcDateTime)  # to about an hour
    expires_at: datetime = Field(sa_type=UtcDateTime)


class Invitation(SQLModel, table=True):
    """A link that lets somebody make an account, or a rater who is there set a new password. Good once."""

    __table_args__: Any = (
        CheckConstraint("role IN ('rater', 'reviewer', 'administrator')", name="role_is_known"),
        CheckConstraint("(used_at IS NULL) = (used_by_id IS NULL)", name="is_used_by_somebody"),
    )

    id: int | None = Field(default=None, primary_key=True)
    token_hash: str = Field(unique=True)
    role: str  # of the new account
    rater_id: int | None = Field(default=None, foreign_key="rater.id")  # for whom, who keep their role; None: anybody
    made_by_id: int | None = Field(default=None, foreign_key="rater.id")  # None: at the command line
    made_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used_by_id: int | None = Field(default=None, foreign_key="rater.id")
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Attempt(SQLModel, table=True):
    """How often in a row signing in under a name failed, whether anybody is called that or not."""

    name: str = Field(primary_key=True)
    count: int
    last_at: datetime = Field(sa_type=UtcDateTime)
