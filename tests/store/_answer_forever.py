"""Leases and answers without end, printing each token once the store has acknowledged it; killed by its test."""

import sys
from datetime import UTC, datetime

from store.database import open_store, session_scope
from store.queue import next_question, submit_answer
from store.raters import get_rater

engine = open_store(sys.argv[1])
while True:
    with session_scope(engine) as session:
        now = datetime.now(UTC)
        rater = get_rater(session, "Ada", now)
        leased = next_question(session, rater, now)
        if leased is None:
            break
        answer = submit_answer(session, leased.token, rater, "yes", None, now)
        print(answer.token, flush=True)
