"""Raters at the real command line."""

import json
from pathlib import Path

import pytest

from tests.acceptance.conftest import Run


@pytest.fixture
def desk(argtree: Run, graph_file: Path) -> Run:
    assert argtree("import", str(graph_file)).returncode == 0
    return argtree


def test_accounts_roles_pauses_and_invitations(desk: Run) -> None:
    assert "first one to open" in desk("raters").stdout
    assert desk("raters", "add", "ada", "--role", "administrator", stdin="eight or more\n").returncode == 0
    desk("raters", "add", "ben@example.org", "--no-password")
    desk("raters", "role", "ben@example.org", "reviewer")
    desk("raters", "pause", "ben@example.org", "--reason", "Too\x1b quick.")
    assert "Too quick." not in desk("raters").stdout and "\x1b" not in desk("raters").stdout
    ada, ben = json.loads(desk("raters", "list", "--json").stdout)
    assert (ada["role"], ada["has_password"], ada["answers"], ada["paused_at"]) == ("administrator", True, 0, None)
    assert (ben["role"], ben["has_password"], ben["paused_reason"]) == ("reviewer", False, "Too\x1b quick.")
    refused = desk("answer", "--rater", "ben@example.org", stdin="y\n")
    assert refused.returncode == 1 and "You are paused" in refused.stderr and "Traceback" not in refused.stderr
    desk("raters", "resume", "ben@example.org")
    assert desk("answer", "--rater", "ben@example.org", stdin="y\nq\n").stdout.endswith("1 answered. Thank you.\n")
    link = desk("raters", "invite", "--rater", "ada", "--address", "https://desk.example.org/").stdout
    assert link.startswith("https://desk.example.org/?invite=") and len(link) > 60


def test_vouching_and_answers_that_no_longer_count(desk: Run) -> None:
    desk("raters", "add", "ben", "--no-password")
    assert desk("raters", "vouch", "ben", "--no").stdout == "ben is vouched for no longer.\n"
    assert desk("answer", "--rater", "ben", stdin="y\nq\n").returncode == 0
    said = desk("raters", "pause", "ben", "--reason", "Guessed.", "--dismiss").stdout
    assert said == "ben is paused, and their answers so far no longer count.\n"
    (ben,) = json.loads(desk("raters", "list", "--json").stdout)
    assert (ben["vouched"], ben["is_believed"], ben["is_dismissed"], ben["gold_answered"]) == (False, False, True, 0)
    assert ben["sensitivity"] is None and "answers dismissed" in " ".join(desk("raters").stdout.split())
    assert "count" in desk("raters", "count-again", "ben").stdout and desk("raters", "vouch", "ben").returncode == 0
    (ben,) = json.loads(desk("raters", "list", "--json").stdout)
    assert (ben["vouched"], ben["is_dismissed"]) == (True, False)


@pytest.mark.parametrize(
    ("words", "stdin", "said"),
    [
        (["add", "ada"], "short\n", "A password must have 8 to 1000 characters, yours has 5."),
        (["add", " "], "eight or more\n", "must have 1 to 80 printable characters"),
        (["pause", "eve", "--reason", "x"], "", "There is no rater called 'eve'"),
        (["vouch", "eve"], "", "There is no rater called 'eve'"),
        (["count-again", "eve"], "", "There is no rater called 'eve'"),
        (["role", "eve", "king"], "", "Invalid value for 'ROLE'"),
        (["pause", "eve", "--reason", " "], "", "a pause needs a reason"),
    ],
)
def test_what_will_not_do_is_a_sentence(desk: Run, words: list[str], stdin: str, said: str) -> None:
    done = desk("raters", *words, stdin=stdin)
    assert done.returncode != 0 and said in " ".join(done.stderr.split()) and "Traceback" not in done.stderr


def test_the_desk_is_not_opened_to_others_before_it_has_an_administrator(desk: Run) -> None:
    done = desk("ui", "--address", "0.0.0.0")
    assert done.returncode == 1 and "`argtree raters add NAME --role administrator`" in done.stderr


def test_tokens_are_shown_once_listed_and_withdrawn(desk: Run) -> None:
    desk("raters", "add", "ada", "--no-password")
    assert "There are no tokens" in desk("raters", "tokens").stdout
    token = desk("raters", "token", "ada", "--note", "ro[b]ot\x1b").stdout.strip()
    (given,) = json.loads(desk("raters", "tokens", "--json").stdout)
    assert token.startswith("argtree_") and (given["id"], given["rater"], given["note"]) == (1, "ada", "ro[b]ot\x1b")
    shown = desk("raters", "tokens").stdout
    assert "ro[b]ot" in shown and "\x1b" not in shown and token not in shown
    assert desk("raters", "withdraw", "1").stdout == "Token 1 is worthless now.\n"
    again = desk("raters", "withdraw", "1")
    assert again.returncode == 1 and again.stderr == "Error: There is no token 1: `argtree raters tokens` lists them.\n"
