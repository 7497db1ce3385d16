"""Nothing of a held-out root trains: families, batches, near-duplicates."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from argtree.graph import Argument, ArgumentGraph, Claim, Premise, Root
from store.database import session_scope
from store.duplicates import near_duplicates
from store.export_tables import CONFIGURATIONS
from store.graphs import save_graph
from store.paths import paths_to_root
from store.splits import SPLITS, TEST, TRAIN, VALIDATION, batches, read_families, split_of
from store.texts import text_hash
from tests.store.datasets import answer, export, rows
from tests.store.factories import NOW, jelly_graph
from tests.stores import new_store

WORDS = "iron jelly candle pebble feather anvil honey ladder bottle violin kettle ribbon".split()


def random_graph(seed: int) -> ArgumentGraph:
    """A few roots over shared and unshared premises, some claims under no root, some alone."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(6, 20))
    names = [f"{WORDS[n % 12].capitalize()} beats {WORDS[n // 12]} {WORDS[(n * 5 + 1) % 12]}." for n in range(size)]
    claims = tuple(Claim(f"c{n}", name, float(rng.uniform(0.1, 0.9))) for n, name in enumerate(names))
    arguments = []
    for number in range(int(rng.integers(2, 2 * size))):
        conclusion = int(rng.integers(size - 1))
        premises = rng.choice(np.arange(conclusion + 1, size), min(2, size - 1 - conclusion), replace=False)
        taken = tuple(Premise(f"c{p}", bool(rng.random() < 0.7)) for p in premises)
        polarity = "support" if rng.random() < 0.6 else "attack"
        arguments.append(Argument(f"a{number}", f"c{conclusion}", polarity, float(rng.uniform(0.3, 1)), taken))
    roots = rng.choice(size // 2, int(rng.integers(1, size // 2)), replace=False)
    return ArgumentGraph(claims, tuple(arguments), tuple(Root(f"c{root}") for root in roots))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), held_out=st.sampled_from([0.3, 0.6, 0.9]))
def test_nothing_of_a_stricter_root_stands_in_a_row(
    tmp_path_factory: pytest.TempPathFactory, seed: int, held_out: float
) -> None:
    folder, graph = tmp_path_factory.mktemp("store"), random_graph(seed)
    engine = new_store(folder / "store.db")
    with session_scope(engine) as session:
        save_graph(session, graph, NOW)
        said = np.random.default_rng(seed).random(len(graph.claims))
        answer(session, {c.id: float(u < 0.3) for c, u in zip(graph.claims, said, strict=True) if u < 0.6} or {"c0": 1})
        export(session, folder / "out", held_out, positions=0)
    engine.dispose()
    texts = {claim.id: claim.text for claim in graph.claims}
    trees = [
        (split_of(text_hash(texts[root.claim]), held_out), [texts[claim] for claim in paths_to_root(graph, root.claim)])
        for root in graph.roots
    ]
    for name in CONFIGURATIONS:
        for number, split in enumerate(SPLITS):
            written = str(rows(folder / "out", name, split))
            for of_root, tree in trees:
                assert of_root <= number or not any(text in written for text in tree), (name, split)


def test_inferred_and_said_never_mix(tmp_path: Path, session: Session) -> None:
    graph = random_graph(5)
    save_graph(session, graph, NOW)
    answer(session, {claim.id: 1.0 for claim in graph.claims[1::2]})
    export(session, tmp_path / "out")
    basis = {(row["configuration"], row["basis"]) for row in rows(tmp_path / "out", "provenance", None)}
    assert {one for one in basis if one[0] in ("beliefs", "inferred")} == {
        ("beliefs", "said"),
        ("inferred", "inferred"),
    }
    said = {row["claim"] for row in rows(tmp_path / "out", "premises", None)}
    about = {row["claim"]: row["configuration"] for row in rows(tmp_path / "out", "provenance", None)}
    assert all((name == "beliefs") <= (claim in said) for claim, name in about.items())


def test_a_split_follows_from_the_text_alone() -> None:
    splits = [split_of(text_hash(f"Claim {number}."), 0.2) for number in range(4000)]
    assert split_of(text_hash(" claim  7"), 0.2) == splits[7]
    shares = [splits.count(split) / len(splits) for split in (TRAIN, VALIDATION, TEST)]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.02)
    assert {split_of(text_hash(f"Claim {number}."), 0.0) for number in range(100)} == {TRAIN}


def test_claims_about_one_quantity_go_together(session: Session) -> None:
    save_graph(session, jelly_graph(), NOW)
    for held_out in np.linspace(0, 1, 11):
        families = read_families(session, float(held_out))
        about = families.split[[2, 3, 4]]  # light, heavy and dense are about jelly's density
        assert len(set(about.tolist())) == 1
        assert about[0] >= max(families.split[:2])
    assert len(set(families.component.tolist())) == 1


def test_a_claim_takes_sixteen_bytes(session: Session) -> None:
    save_graph(session, jelly_graph(), NOW)
    arrays = vars(read_families(session, 0.2)).values()
    assert sum(array.nbytes for array in arrays) == 16 * len(jelly_graph().claims)


def test_batches_cut_nothing_and_hold_each_claim_once(session: Session) -> None:
    claims = tuple(Claim(f"c{n}", f"Claim {n}.", 0.5) for n in range(40))
    arguments = tuple(Argument(f"a{n}", f"c{n}", "support", 0.5, (Premise(f"c{n + 20}"),)) for n in range(10))
    save_graph(session, ArgumentGraph(claims, arguments, (Root("c0"),)), NOW)
    answer(session, {f"c{n}": 1.0 for n in range(30, 40)})
    families = read_families(session, 0.0)
    found = list(batches(families, size=6))
    assert [(len(rows), linked) for rows, linked in found] == [
        (6, True),
        (6, True),
        (6, True),
        (2, True),
        (6, False),
        (4, False),
    ]
    assert sorted(row for rows, linked in found for row in rows.tolist()) == [*range(10), *range(20, 40)]
    for part, linked in found:
        assert not linked or {row + 20 for row in part.tolist() if row < 10} <= set(part.tolist())


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("The nails are hard.", "Nails are very hard", True),
        ("Nails are hard.", "Nails are not hard.", False),
        ("Nails are hard.", "Needles are hard.", False),
        ("A glass bead would beat a bicycle.", "A bicycle would beat a glass bead.", False),
        ("Jelly weighs 3 kg.", "Jelly weighs 4 kg.", False),
        ("It isn't safe to keep petrol by a hot stove.", "It is safe to keep petrol by a hot stove.", False),
        (
            "Most people who own a boat keep it in the harbour all through winter.",
            "Most people who own a boat keep it in the harbour all through the whole winter.",
            True,
        ),
    ],
)  # fmt: skip
def test_what_is_nearly_the_same(session: Session, one: str, other: str, alike: bool) -> None:
    splits = {text: split_of(text_hash(text), 0.5) for text in (one, other)}
    save_graph(session, ArgumentGraph((Claim("a", one, 0.5), Claim("b", other, 0.5))), NOW)
    families = read_families(session, 0.5)
    assert families.split.tolist() == [splits[one], splits[other]]
    families.split[:] = [TRAIN, TEST]
    found = near_duplicates(session, families)
    assert [(pair.row, pair.like) for pair in found] == ([(0, 1)] if alike else [])


def test_near_duplicates_are_those_of_enumeration(session: Session) -> None:
    rng = np.random.default_rng(0)
    texts = {" ".join(rng.choice(["oak", "tin", "wet", "red"], int(rng.integers(4, 12)))) for _ in range(120)}
    save_graph(session, ArgumentGraph(tuple(Claim(f"c{n}", t, 0.5) for n, t in enumerate(sorted(texts)))), NOW)
    families = read_families(session, 0.5)
    pairs = [set(zip(["", *t.split()], [*t.split(), ""], strict=True)) for t in sorted(texts)]
    like = [[len(a & b) / len(a | b) for b in pairs] for a in pairs]
    expected = {
        row
        for row, split in enumerate(families.split)
        if any(like[row][other] >= 0.8 and families.split[other] > split for other in range(len(pairs)))
    }
    found = near_duplicates(session, families)
    assert {pair.row for pair in found} == expected and expected
    assert all(pair.likeness == pytest.approx(like[pair.row][pair.like]) for pair in found)


def test_a_near_duplicate_is_refused_and_listed(session: Session, tmp_path: Path) -> None:
    pairs = [(f"The {word} is on the shelf.", f"{word} is really on the shelf") for word in WORDS]
    claims = [
        Claim(f"{n}{side}", text, 0.5) for n, pair in enumerate(pairs) for side, text in zip("ab", pair, strict=True)
    ]
    save_graph(session, ArgumentGraph(tuple(claims)), NOW)
    answer(session, {claim.id: 1.0 for claim in claims})
    summary = export(session, tmp_path / "out", held_out=0.5)
    refused = rows(tmp_path / "out", "refused", None)
    assert refused and summary.refused == 2 * len(refused)
    assert all(SPLITS.index(row["split"]) < SPLITS.index(row["like_split"]) for row in refused)
    assert all(row["likeness"] == 1.0 and row["claim"][:-1] == row["like"][:-1] for row in refused)
    written = str([rows(tmp_path / "out", "beliefs", split) for split in SPLITS])
    assert not any(row["text"] + "'" in written for row in refused)
