"""Leases on work: one holder each, given back, renewed, and anybody's once they have run out."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from store.claims import add_argument, add_claim, close_claim, record_belief
from store.database import session_scope
from store.work import (
    Worker,
    end_work,
    others_work,
    renew_work,
    still_open,
    still_stale,
    take_work,
    workers_on,
)
from tests.store.factories import NOW

ADA, BEN = Worker("ada", "here", 1), Worker("ben", "here", 2)
SOON, LATER = NOW + timedelta(seconds=60), NOW + timedelta(seconds=120)


def test_what_one_holds_no_other_gets(session: Session) -> None:
    assert take_work(session, "expand", ["a", "b"], ADA, NOW, SOON) == {"a", "b"}
    assert take_work(session, "expand", ["b", "c"], BEN, NOW, SOON) == {"c"}
    assert others_work(session, "expand", ADA, NOW) == {"c"} and others_work(session, "expand", BEN, NOW) == {"a", "b"}
    assert take_work(session, "renew", ["a"], BEN, NOW, SOON) == {"a"}  # another kind of work


def test_what_was_ended_or_has_run_out_is_anybodys(session: Session) -> None:
    take_work(session, "expand", ["a", "b"], ADA, NOW, SOON)
    assert end_work(session, "expand", ["a"], ADA) == {"a"} and end_work(session, "expand", ["b"], BEN) == set()
    assert take_work(session, "expand", ["a", "b"], BEN, NOW, SOON) == {"a"}
    assert others_work(session, "expand", BEN, SOON) == set()
    assert take_work(session, "expand", ["b"], BEN, SOON, LATER) == {"b"}
    assert end_work(session, "expand", ["b"], ADA) == set()  # too late: what Ada found of it is not stored


def test_what_is_renewed_stays(session: Session) -> None:
    take_work(session, "expand", ["a"], ADA, NOW, SOON)
    renew_work(session, ADA, LATER)
    assert take_work(session, "expand", ["a"], BEN, SOON, LATER) == set()


def test_what_nobody_took_over_may_be_stored_late(session: Session) -> None:
    take_work(session, "expand", ["a"], ADA, NOW, SOON)
    assert end_work(session, "expand", ["a"], ADA) == {"a"}  # whatever the time is


def test_what_the_dead_hold_is_free_at_once(session: Session) -> None:
    take_work(session, "expand", ["a"], ADA, NOW, SOON)
    assert workers_on(session, "here") == {"ada": 1} and workers_on(session, "elsewhere") == {}
    assert others_work(session, "expand", BEN, NOW, ["ada"]) == set()
    assert take_work(session, "expand", ["a"], BEN, NOW, SOON, ["ada"]) == {"a"}


def test_of_many_who_want_the_same_at_once_each_thing_has_one_holder(engine: Engine) -> None:
    wanted = [f"claim {n}" for n in range(12)]

    def take(number: int) -> list[str]:
        got: list[str] = []
        for start in range(len(wanted)):
            with session_scope(engine) as session:
                some = wanted[start : start + 3]
                got += take_work(session, "expand", some[:: -1 if number % 2 else 1], worker(number), NOW, SOON)
        return got

    with ThreadPoolExecutor(8) as pool:
        taken = Counter(one for got in pool.map(take, range(8)) for one in got)
    assert taken == Counter(wanted)


def worker(number: int) -> Worker:
    return Worker(f"worker {number}", "here", number)


def test_a_claim_is_as_it_was_seen_until_it_gets_arguments_or_is_closed(session: Session) -> None:
    ground, sky = add_claim(session, "The ground is wet.", 0.5, NOW), add_claim(session, "It rains.", 0.5, NOW)
    assert still_open(session, {ground.key: 0, sky.key: 0}) == {ground.key, sky.key}
    add_argument(session, ground, "support", 0.9, [(sky, True)], "bundled", NOW)
    assert still_open(session, {ground.key: 0, sky.key: 0}) == {sky.key}
    assert still_open(session, {ground.key: 1}) == {ground.key}
    close_claim(session, sky, NOW)
    assert still_open(session, {ground.key: 1, sky.key: 0}) == {ground.key}


@pytest.mark.parametrize("held", [[], ["old"], ["new", "old"]])
def test_a_belief_is_stale_until_the_newest_is_of_the_generation(session: Session, held: list[str]) -> None:
    claim = add_claim(session, "It rains.", 0.5, NOW)
    for number, generation in enumerate(held):
        record_belief(session, claim, generation, "direct", 0.5, 2.0, NOW + timedelta(seconds=number))
    assert still_stale(session, [claim.key], "new", "direct") == {claim.key}
    record_belief(session, claim, "new", "direct", 0.5, 2.0, LATER)
    assert still_stale(session, [claim.key], "new", "direct") == set()
    assert still_stale(session, [claim.key], "new", "residual") == {claim.key}
