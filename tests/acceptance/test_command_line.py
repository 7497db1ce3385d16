"""What a user does, on the real command line: the main job end to end, and bad input."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import datasets
import pytest

from tests.acceptance.conftest import Run, Start

QUESTION = "Would a candle survive a drop from a roof?"


def test_from_a_question_to_a_dataset(argtree: Run, tmp_path: Path) -> None:
    explored = argtree("explore", QUESTION, "--budget", "150")
    assert explored.returncode == 0, explored.stderr
    assert "A candle would survive a drop from a roof." in explored.stdout
    answered = argtree("answer", "--rater", "ada", stdin="y\nn\nnonsense\n30%\ns\nq\n")
    assert answered.returncode == 0, answered.stderr
    assert "3 answered" in answered.stdout
    exported = argtree("export", "dataset", "--held-out", "0")
    assert exported.returncode == 0, exported.stderr
    folder = str(tmp_path / "dataset")
    cache = str(tmp_path / "cache")
    premises = datasets.load_dataset(folder, "premises", split="train", cache_dir=cache)
    beliefs = datasets.load_dataset(folder, "beliefs", split="train", cache_dir=cache)
    assert len(premises) == 3
    assert len(beliefs) == 6 and {row["completion"][0]["content"] for row in beliefs} == {"yes", "no"}


def test_imported_graph_is_asked_answered_and_given_back(argtree: Run, graph_file: Path) -> None:
    assert argtree("import", str(graph_file)).returncode == 0
    before = json.loads(argtree("show", "launch", "--json").stdout)
    assert before["claims"] == json.loads(graph_file.read_text())["claims"]
    answered = argtree("answer", "--rater", "ada", stdin="y\n")
    assert "The tests pass on the new chip." in answered.stdout
    after = json.loads(argtree("show", "launch", "--json").stdout)
    assert after["evidence"] == [{"claim": "tests", "likelihood": pytest.approx([0.03, 0.97])}]


def test_a_number_is_asked_for_in_its_unit_answered_and_given_back(argtree: Run, tmp_path: Path) -> None:
    document = (Path(__file__).parents[2] / "docs" / "format.md").read_text(encoding="utf-8")
    example = json.loads(document.split("```json")[2].split("```")[0])
    file = tmp_path / "jelly.json"
    file.write_text(json.dumps(example | {"claims": [claim | {"askable": False} for claim in example["claims"]]}))
    imported = argtree("import", str(file))
    assert imported.returncode == 0 and "The density of jelly" in imported.stdout, imported.stderr
    answered = argtree("answer", "--rater", "ada", stdin="0.97 0.01\nq\n")
    assert "in g/cm³" in answered.stdout and "1 answered" in answered.stdout, answered.stderr
    after = json.loads(argtree("show", "floats", "--json").stdout)
    assert after["measurements"][1:] == [{"quantity": "jelly", "value": 0.97, "sd": 0.01}]
    assert "and 1 answered quantities are in" in argtree("export", "dataset").stdout


def test_rank_prints_what_is_worth_asking(argtree: Run, graph_file: Path) -> None:
    shown = json.loads(argtree("rank", str(graph_file), "--json").stdout)
    assert shown["exact"] is True
    assert [claim["claim"] for claim in shown["claims"]] == ["tests", "strike"]
    everything = json.loads(argtree("rank", str(graph_file), "--json", "--all", "--top", "3").stdout)
    assert [claim["claim"] for claim in everything["claims"]] == ["launch", "tests", "parts"]


def test_rank_says_how_and_reads_the_store_too(argtree: Run, graph_file: Path) -> None:
    from_file = argtree("rank", str(graph_file)).stdout
    assert re.search(r"exact, .*in (less than )?0\.\d\d s", from_file) and "±" not in from_file
    argtree("import", str(graph_file))
    from_store = json.loads(argtree("rank", "--json").stdout)
    assert from_store["claims"] == json.loads(argtree("rank", str(graph_file), "--json").stdout)["claims"]
    assert from_store["layers"] and from_store["seconds"] > 0 and from_store["roots"][0]["prob_error"] == 0


def test_rank_explains_in_words_and_for_a_program(argtree: Run, graph_file: Path) -> None:
    said = " ".join(argtree("rank", str(graph_file), "--explain", "The port is on strike.").stdout.split())
    assert "It attacks “The parts arrive in April” (strength 0.70); that supports “We can launch in May”" in said
    found = json.loads(argtree("rank", str(graph_file), "--explain", "strike", "--json").stdout)["explanation"]
    assert [step["argument"] for step in found["roots"][0]["paths"][0]["steps"]] == ["late", "ready"]
    assert found["roots"][0]["if_true"] < found["roots"][0]["prob"] < found["roots"][0]["if_false"]


def test_rank_asks_what_if_and_stores_nothing(argtree: Run, graph_file: Path) -> None:
    argtree("import", str(graph_file))
    before = argtree("show", "launch", "--json").stdout
    given = ("--given", "strike=yes", "--given", "The tests pass on the new chip.=0.9")
    (root,) = json.loads(argtree("rank", *given, "--json").stdout)["roots"]
    assert root["prob"] == pytest.approx(1 - 0.9 * (1 - 0.9 * 0.9 * 0.8 * 0.3))
    assert f"P = {root['prob_before']:.4f} → {root['prob']:.4f}" in argtree("rank", *given).stdout
    assert argtree("show", "launch", "--json").stdout == before


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_rank_draws_value_against_probability(argtree: Run, graph_file: Path, ending: str, tmp_path: Path) -> None:
    assert argtree("rank", str(graph_file), "--plot", f"value.{ending}").returncode == 0
    assert (tmp_path / f"value.{ending}").stat().st_size > 10_000
    assert not list(tmp_path.glob(".value*"))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--explain", "strikes"], "nearest is 'strike'"),
        (["--given", "strike"], "CLAIM=yes"),
        (["--given", "strike=2"], "from 0 to 1"),
        (["--given", "struck=yes"], "strike"),
        (["--given", "launch=no", "--given", "launch=0.2"], "two probabilities"),
        (["--plot", "value.pdf"], ".png or .svg"),
        (["--plot", "nowhere/value.png"], "nowhere"),
    ],
)
def test_rank_refuses_what_it_cannot_read(argtree: Run, graph_file: Path, options: list[str], word: str) -> None:
    refused = argtree("rank", str(graph_file), *options)
    assert_refused(refused, word)
    assert refused.returncode == 1 and refused.stderr.count("\n") == 1


def test_rank_given_a_contradiction_says_so(argtree: Run, graph_file: Path) -> None:
    graph_file.write_text(graph_file.read_text().replace('"prior": 0.1}],', '"prior": 0.0}],'))
    assert_refused(argtree("rank", str(graph_file), "--given", "strike=yes"), "'strike' is true", "probability 0")
    assert_refused(argtree("rank", str(graph_file), "--given", "strike=0.5"), "'strike' is certainly false")


def test_tree_is_drawn_as_svg(argtree: Run, graph_file: Path, tmp_path: Path) -> None:
    argtree("import", str(graph_file))
    assert argtree("show", "launch", "--svg", "tree.svg").returncode == 0
    assert "The port is on strike" in (tmp_path / "tree.svg").read_text(encoding="utf-8").replace("\n", " ")


def test_daemon_stops_cleanly_on_sigterm(argtree: Run, graph_file: Path, tmp_path: Path) -> None:
    argtree("import", str(graph_file))
    environment = os.environ | {"ARGTREE_STORE": f"sqlite:///{tmp_path / 'argtree.db'}"}
    command = [sys.executable, "-m", "argtree.cli", "daemon"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "The daemon is running" in line:
                break
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
        assert "Traceback" not in process.stderr.read()


def assert_refused(result: subprocess.CompletedProcess[str], *words: str) -> None:
    """One sentence on standard error, no traceback, a failing exit code."""
    assert result.returncode not in (0, None)
    assert "Traceback" not in result.stderr
    assert result.stderr.count("Error: ") == 1, result.stderr
    for word in words:
        assert word in result.stderr, result.stderr


def test_explore_stopped_by_ctrl_c_goes_on_where_it_was(argtree: Run, start: Start, tmp_path: Path) -> None:
    started = start("explore", QUESTION, "--budget", "2000")
    while started.process.poll() is None and count_arguments(tmp_path / "argtree.db") < 5:
        time.sleep(0.05)
    started.process.send_signal(signal.SIGINT)
    said = started.ended().stderr
    stored = count_arguments(tmp_path / "argtree.db")
    assert stored >= 5 and "Traceback" not in said
    assert argtree("explore", QUESTION, "--budget", "100").returncode == 0
    assert count_arguments(tmp_path / "argtree.db") > stored


def count_arguments(store: Path) -> int:
    if not store.exists():
        return 0
    try:
        with sqlite3.connect(store) as connection:
            return int(connection.execute("SELECT count(*) FROM argument").fetchone()[0])
    except sqlite3.OperationalError:  # without tables yet
        return 0


def test_markup_in_a_claim_is_only_text(argtree: Run, graph_file: Path) -> None:
    graph_file.write_text(graph_file.read_text().replace("The port is on strike.", "[/x] [red]strike[/red]"))
    assert "[/x] [red]strike[/red]" in argtree("rank", str(graph_file)).stdout
    assert "[/x] [red]strike[/red]" in argtree("import", str(graph_file)).stdout


def test_graph_that_contradicts_itself_is_not_imported(argtree: Run, graph_file: Path) -> None:
    good = graph_file.read_text()
    certain = good.replace('"prior": 0.1}],', '"prior": 0.0}],')
    evidence = '"evidence": [{"claim": "strike", "likelihood": [0, 1]}]'
    graph_file.write_text(certain.replace('"evidence": []', evidence))
    assert_refused(argtree("import", str(graph_file)))
    graph_file.write_text(good)
    assert argtree("import", str(graph_file)).returncode == 0


def test_one_bad_question_of_several_leaves_nothing_behind(argtree: Run, tmp_path: Path) -> None:
    assert_refused(argtree("explore", QUESTION, "Is Paris nice?"), "Paris")
    assert not (tmp_path / "argtree.db").exists()


def test_picture_is_not_written_over_what_is_no_file(argtree: Run, graph_file: Path, tmp_path: Path) -> None:
    argtree("import", str(graph_file))
    for target in (str(tmp_path), "", "/dev/null"):
        assert_refused(argtree("show", "launch", "--svg", target))
    assert not Path("/dev/null").is_file()


def test_question_outside_the_bundled_world_names_the_way_out(argtree: Run) -> None:
    assert_refused(argtree("explore", "Will it rain in Lisbon tomorrow?"), "--model")


@pytest.mark.parametrize("question", ["", "   ", "why " * 25_000])
def test_question_that_is_none_is_refused(argtree: Run, question: str, tmp_path: Path) -> None:
    assert_refused(argtree("explore", question))


def test_store_that_is_missing_is_not_made_by_reading(argtree: Run, tmp_path: Path) -> None:
    assert_refused(argtree("show", "1", ARGTREE_STORE=str(tmp_path / "none.db")), "none.db")
    assert not (tmp_path / "none.db").exists()


def test_file_that_is_no_database_is_left_as_it_is(argtree: Run, graph_file: Path, tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear all, " * 1000)
    assert_refused(argtree("import", str(graph_file), "--store", str(letter)), "letter.txt")
    assert letter.read_text() == "Dear all, " * 1000


def test_store_of_a_newer_schema_is_refused(argtree: Run, graph_file: Path, tmp_path: Path) -> None:
    argtree("import", str(graph_file))
    with sqlite3.connect(tmp_path / "argtree.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert_refused(argtree("show", "1"))


def test_model_folder_without_weights_is_refused(argtree: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert_refused(argtree("explore", QUESTION, "--model", f"hf:{tmp_path / 'empty'}"), "weights")
    assert_refused(argtree("explore", QUESTION, "--model", "gpt"), "bundled")


def test_graph_file_that_is_broken_is_refused(argtree: Run, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"format": "argtree-graph/1", "claims": [{"id": "a", "text": "a", "prior": 1.5}]}')
    assert_refused(argtree("rank", str(broken)))
    assert_refused(argtree("rank", str(tmp_path / "nowhere.json")), "nowhere.json")
    assert_refused(argtree("import", str(tmp_path)))


def test_full_disk_during_export_leaves_nothing_half_written(argtree: Run, graph_file: Path) -> None:
    argtree("import", str(graph_file))
    argtree("answer", stdin="y\n")
    if os.geteuid() != 0:
        pytest.skip("a small file system can only be mounted by root")
    folder = graph_file.parent / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("no small file system can be mounted here")
    try:
        assert_refused(argtree("export", str(folder / "dataset")), "full")
        assert not [path for path in folder.rglob("*") if path.is_file()]
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_workers_explore_within_one_budget_and_stop_cleanly(argtree: Run, tmp_path: Path) -> None:
    asked = ("explore", QUESTION, "Would a brick survive a drop from a roof?", "--workers", "3")
    explored = argtree(*asked, "--budget", "60")
    assert explored.returncode == 0 and explored.stdout.count("A ") > 4, explored.stderr
    refused = argtree("explore", QUESTION, "--workers", "0")
    assert refused.returncode == 2 and "Invalid value for '--workers'" in refused.stderr
    stored = count_arguments(tmp_path / "argtree.db")
    environment = os.environ | {"ARGTREE_STORE": f"sqlite:///{tmp_path / 'argtree.db'}"}
    command = [sys.executable, "-m", "argtree.cli", *asked, "--budget", "2000"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and count_arguments(tmp_path / "argtree.db") <= stored:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and "Stopped." in said and "Traceback" not in said
    with sqlite3.connect(tmp_path / "argtree.db") as connection:
        assert connection.execute("SELECT count(*) FROM work_lease").fetchone() == (0,)
