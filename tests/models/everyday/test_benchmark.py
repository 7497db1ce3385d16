"""The bundled benchmark: its parts don't overlap, and it is what its seed gives."""

from collections import Counter

import pytest

from models.everyday.benchmark import BENCHMARK, BenchmarkQuestion, benchmark_lines, draw_benchmark, read_benchmark
from models.everyday.withheld import draw_withheld, read_withheld
from models.everyday.world import Statement, load_world


@pytest.fixture(scope="module")
def questions() -> list[BenchmarkQuestion]:
    return read_benchmark()


def statement_of(question: BenchmarkQuestion) -> Statement:
    statement = load_world().parse_question(question.question)
    assert statement is not None
    return statement


def things_of(questions: list[BenchmarkQuestion], *parts: str) -> Counter[str]:
    return Counter(thing for q in questions if q.part in parts for thing in statement_of(q).things)


def test_bundled_files_are_what_seed_0_gives(questions: list[BenchmarkQuestion]) -> None:
    world = load_world()
    assert read_withheld() == draw_withheld(world, 0)
    assert BENCHMARK.read_text(encoding="utf-8") == benchmark_lines(draw_benchmark(world, read_withheld(), 0))


def test_questions_are_many_true_to_the_world_and_asked_once(questions: list[BenchmarkQuestion]) -> None:
    statements = [statement_of(q) for q in questions]
    assert len(questions) >= 3000
    assert len(set(statements)) == len(statements)
    assert all(load_world().truth(s) == q.truth for s, q in zip(statements, questions, strict=True))


def test_most_questions_need_withheld_facts(questions: list[BenchmarkQuestion]) -> None:
    assert sum(q.needs_withheld for q in questions) > 0.75 * len(questions)


def test_parts_share_things_but_for_those_apart(questions: list[BenchmarkQuestion]) -> None:
    apart, explored = things_of(questions, "apart"), things_of(questions, "explore")
    judged = things_of(questions, "validation", "test")
    assert judged.keys() <= explored.keys()
    assert not apart.keys() & (explored.keys() | judged.keys())


def test_popularity_of_things_has_a_long_tail(questions: list[BenchmarkQuestion]) -> None:
    counts = [n for _, n in things_of(questions, "explore").most_common()]
    assert sum(counts[: len(counts) // 10]) > 0.4 * sum(counts)


def test_without_popularity_no_thing_stands_out() -> None:
    world = load_world()
    alike = draw_benchmark(world, read_withheld(), 0, zipf=0.0)
    counts = [n for _, n in things_of(alike, "explore").most_common()]
    assert sum(counts[: len(counts) // 10]) < 0.3 * sum(counts)
