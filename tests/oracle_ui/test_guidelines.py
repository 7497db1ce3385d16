from pathlib import Path

import pytest
from typer.testing import CliRunner

from argtree.cli import app
from oracle_ui.guidelines import LARGEST, USUAL, GuidelinesError, read_guidelines


def test_the_usual_text_names_every_key_and_what_to_flag() -> None:
    text = read_guidelines(None)
    assert text == USUAL and all(f"`{key}`" in text for key in ("1", "2", "3", "S", "F", "B", "U", "P", "N", "L"))
    assert all(kind in text for kind in ("ambiguous", "harmful", "needs an expert"))


def test_a_teams_own_text_is_read(tmp_path: Path) -> None:
    (tmp_path / "own.md").write_bytes("\ufeff# Ours: Ω\n".encode())
    assert read_guidelines(tmp_path / "own.md") == "# Ours: Ω"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file"),
        (b" \n", "are empty"),
        (b"\xff", "no text in UTF-8"),
        (b"a\0b", "are no text"),
        (b"x" * (LARGEST + 1), "larger than 64 KiB"),
    ],
)
def test_what_cannot_be_shown_is_a_sentence_at_the_start(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "own.md"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(GuidelinesError, match=said):
        read_guidelines(path)
    run = CliRunner().invoke(app, ["ui", "--guidelines", str(path)])
    assert run.exit_code == 2 and "--guidelines" in run.output and "Traceback" not in run.output


def test_a_folder_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(GuidelinesError, match="cannot be read: Is a directory"):
        read_guidelines(tmp_path)
