"""Queues too long to be made one by one, and raters to stand at them."""

from sqlalchemy import Engine, text

AT = "'2026-03-01 12:00:00'"
MODEL = "bundled"
_SAID = "question_id, claim_id, rater_id, kind, note, answered_at, value_when_asked, token"


def fill_crowded(
    engine: Engine,
    questions: int,
    raters: int,
    *,
    wanted: str = "1",
    answered: int = 0,
    prob: str = "0.5",
    vouched: str = "true",
) -> None:
    """Fills an empty store with questions about claims 1, 2, ... and raters called Rater 1, 2, ...

    The questions' values fall from 1 as 1 / id, so none is another's equal.

    Args:
        wanted: SQL that gives how many raters the question `i` asks for.
        answered: how many more questions there are, each with a yes by some rater.
        prob: SQL that gives the posterior of the question's claim.
        vouched: SQL that says whether whoever runs the desk vouches for the rater `i`.
    """
    total = questions + answered
    of_rater = f"1 + i % {raters}"
    status = f"CASE WHEN i <= {questions} THEN 'open' ELSE 'answered' END"
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {total}) "
    with engine.begin() as connection:
        for statement in (
            f"INSERT INTO rater (id, name, created_at, role, vouched) {numbers} "
            f"SELECT i, 'Rater ' || i, {AT}, 'rater', {vouched} FROM n "
            f"WHERE i <= {raters}",
            f"INSERT INTO claim (id, key, text, text_hash, prior, created_at) {numbers} "
            f"SELECT i, 'c' || i, 'Claim ' || i || '.', 'h' || i, 0.5, {AT} FROM n",
            "INSERT INTO belief (claim_id, generation, kind, mean, pseudo_count, held_at) "
            f"{numbers} SELECT i, '{MODEL}', 'direct', 0.5, 3, {AT} FROM n",
            "INSERT INTO question (id, claim_id, value, prob, status, wanted, opened_at, ranked_at) "
            f"{numbers} SELECT i, i, 1.0 / i, {prob}, {status}, {wanted}, {AT}, {AT} FROM n",
            f"INSERT INTO answer ({_SAID}, prob, prob_before) {numbers} "
            f"SELECT i, i, {of_rater}, 'yes', '', {AT}, 0, 'old-' || i, 1, 0.97 FROM n WHERE i > {questions}",
        ):
            connection.execute(text(statement))
        if engine.dialect.name != "sqlite":  # ids that were given are no news to its counters
            connection.execute(text(f"SELECT setval('rater_id_seq', {raters})"))
            for table in ("claim", "question"):
                connection.execute(text(f"SELECT setval('{table}_id_seq', {total})"))
    analyse(engine)


def pass_on(engine: Engine, rater: int, questions: int) -> None:
    """Lets a rater say "can't say" to so many questions, from the best on."""
    chosen = f"SELECT id, claim_id, {rater}, 'cannot_say', '', {AT}, value, 'passed-{rater}-' || id FROM question"
    with engine.begin() as connection:
        connection.execute(text(f"INSERT INTO answer ({_SAID}) {chosen} WHERE id <= {questions}"))
    analyse(engine)


def analyse(engine: Engine) -> None:
    """Lets the database count and put away what it has, as its own upkeep would in a while."""
    if engine.dialect.name == "sqlite":
        connection = engine.raw_connection()
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
