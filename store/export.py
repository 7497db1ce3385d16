"""The dataset: what raters answered, as files that `datasets.load_dataset` and fine-tuning trainers read as they are.

The same store gives byte-identical files: rows are in a fixed order and nothing tells when or where they were written.
Texts of claims come from models and users, so they stand in JSON and Parquet only, never in the card.
"""

import errno
import io
import json
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from sqlmodel import Session, col, or_, select

from argtree.evidence import is_settled, label_likelihood, label_prob
from argtree.graph import ArgumentGraph
from store.errors import ExportError
from store.graphs import load_graph
from store.paths import Step, paths_to_root
from store.tables import About, Answer, Claim, Quantity, Rater, Root

Row = dict[str, Any]
_NAMES = (
    "README.md",
    *(f"{name}.{kind}" for name in ("premises", "messages", "quantities") for kind in ("jsonl", "parquet")),
)
_MARK = "argtree-dataset/1"  # in the card; tells an earlier export from a folder of somebody else's

_ANSWER = pa.struct(
    [
        ("rater", pa.string()),
        ("kind", pa.string()),
        ("prob", pa.float64()),
        ("note", pa.string()),
        ("answered_at", pa.string()),
        ("generation", pa.string()),
        ("value_when_asked", pa.float64()),
        ("prob_before", pa.float64()),
    ]
)
_STEP = pa.struct(
    [
        ("argument", pa.string()),
        ("polarity", pa.string()),
        ("strength", pa.float64()),
        ("holds", pa.bool_()),
        ("conclusion", pa.string()),
    ]
)
_PATH = pa.struct([("root", pa.string()), ("question", pa.string()), ("steps", pa.list_(_STEP))])
_PREMISES = pa.schema(
    [
        ("claim", pa.string()),
        ("text", pa.string()),
        ("label", pa.string()),
        ("label_prob", pa.float64()),
        ("settled", pa.bool_()),
        ("n_answers", pa.int64()),
        ("answers", pa.list_(_ANSWER)),
        ("paths", pa.list_(_PATH)),
    ]
)
_NUMBER = pa.struct(
    [
        ("rater", pa.string()),
        ("kind", pa.string()),
        ("number", pa.float64()),
        ("sd", pa.float64()),
        ("note", pa.string()),
        ("answered_at", pa.string()),
        ("value_when_asked", pa.float64()),
    ]
)
_RESTING = pa.struct([("claim", pa.string()), ("text", pa.string())])
_QUANTITIES = pa.schema(
    [
        ("quantity", pa.string()),
        ("text", pa.string()),
        ("unit", pa.string()),
        ("distribution", pa.string()),
        ("n_answers", pa.int64()),
        ("answers", pa.list_(_NUMBER)),
        ("claims", pa.list_(_RESTING)),
    ]
)
_MESSAGES = pa.schema([("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])))])

# One loader of `datasets` serves all configurations of a folder, so both name Parquet, whose columns are typed.
_CONFIGS = f"""---
tags:
- {_MARK}
configs:
- config_name: premises
  data_files: premises.parquet
  default: true
- config_name: messages
  data_files: messages.parquet
"""
_QUANTITIES_CONFIG = """- config_name: quantities
  data_files: quantities.parquet
"""
_CARD = """---
# Answered premises

Premises that a language model argued from and that people then judged. The same rows are in `premises.jsonl` and
`premises.parquet`; `messages.jsonl` and `messages.parquet` hold the settled ones as conversations for supervised
fine-tuning.

    datasets.load_dataset(FOLDER, "premises")
    datasets.load_dataset(FOLDER, "messages")

Where raters gave numbers, `quantities.jsonl` and `quantities.parquet` hold those, as the configuration `quantities`.

## Columns of `premises`

| column | is |
|---|---|
| `claim` | the claim's id in the argument graph |
| `text` | the proposition |
| `label` | `yes` or `no`: what all answers together are taken to mean; empty where they balance |
| `label_prob` | probability that the claim is true, from the answers alone (even prior odds) |
| `settled` | whether `label_prob` is beyond 0.95 or below 0.05 |
| `n_answers` | answers that say something, so without `cannot_say` |
| `answers` | each with `rater`, `kind` (`yes`, `no`, `probability`, `cannot_say`), `prob` (stated), `note`, `answered_at` (UTC), `generation` (whose belief it was asked about), `value_when_asked` (value of information), `prob_before` (posterior when it was asked) |
| `paths` | for each root that the premise bears on: `root` (claim id), `question` and the shortest chain of arguments, `steps`, from the premise up: `argument`, `polarity`, `strength`, `holds` (whether the argument takes its premise as holding), `conclusion` (text) |

## Columns of `messages`

`messages`: a question by `user` and `yes` or `no` by `assistant`. `datasets` loads no empty file: while nothing is
settled, there is only `premises` to load.

## Columns of `quantities`

| column | is |
|---|---|
| `quantity` | the quantity's id in the argument graph |
| `text`, `unit` | what the number is, and its unit |
| `distribution` | what was known before any answer, in JSON as in argtree-graph/2 |
| `n_answers` | answers that give a number, so without `cannot_say` |
| `answers` | each with `rater`, `kind` (`number`, `cannot_say`), `number` (in the unit), `sd` (of its error, as the rater states it), `note`, `answered_at` (UTC), `value_when_asked` (value of information) |
| `claims` | the claims that rest on it: `claim` (id) and `text` |

## Notes

Raters' names are in it as they gave them: agree with them before publishing. Answers were not chosen at random: the
questions asked are those that would move the roots most.
"""  # noqa: E501 (rows of a table)


@dataclass(frozen=True)
class ExportSummary:
    """What was written."""

    folder: Path
    premises: int  # claims with at least one yes, no or probability
    answers: int  # about them, "can't say" included
    messages: int  # settled labels
    quantities: int  # with at least one number


def export_dataset(session: Session, folder: Path, question_prompt: Callable[[str], str]) -> ExportSummary:
    """Returns what was written to the folder: premises, messages and, if any were answered, quantities, and the card.

    Each is there as .jsonl and as .parquet.

    The new export is written completely beside the folder and then takes its place, so whatever fails, an earlier
    export stays. A kill between the two renames of that leaves it beside the folder, as `.NAME-before`; the next export
    puts it back before anything else. Other files in the folder of an earlier export stay there.

    Args:
        folder: new, empty, or an earlier export; not the current folder, which would be gone from under the shell.
        question_prompt: claim's text -> the user's turn that asks about it, the same as the model is asked with.

    Raises:
        ExportError: nothing is answered yet, the folder holds something else, or it cannot be written.
    """
    rows, numbers = premise_rows(session), quantity_rows(session)
    if not rows and not numbers:
        raise ExportError("There is nothing to export: no question is answered yet (`argtree ui` or `argtree answer`).")
    messages = [
        {"messages": [_turn("user", question_prompt(row["text"])), _turn("assistant", row["label"])]}
        for row in rows
        if row["settled"]
    ]
    files = {
        "README.md": (_CONFIGS + (_QUANTITIES_CONFIG if numbers else "") + _CARD).encode(),
        "premises.jsonl": _jsonl(rows),
        "premises.parquet": _parquet(rows, _PREMISES),
        "messages.jsonl": _jsonl(messages),
        "messages.parquet": _parquet(messages, _MESSAGES),
    }
    if numbers:
        files |= {"quantities.jsonl": _jsonl(numbers), "quantities.parquet": _parquet(numbers, _QUANTITIES)}
    with _export_errors(folder):
        _write(folder, files)
    return ExportSummary(folder, len(rows), sum(len(row["answers"]) for row in rows), len(messages), len(numbers))


def premise_rows(session: Session) -> list[Row]:
    """Returns a row for every claim with a yes, a no or a probability, ordered by key; the card names its fields."""
    graph = load_graph(session, with_answers=False)
    paths = _paths(session, graph)
    answers: dict[str, list[tuple[Answer, str]]] = defaultdict(list)
    texts: dict[str, str] = {}
    query = select(Answer, Claim, Rater).where(Answer.claim_id == Claim.id, Answer.rater_id == Rater.id)
    for answer, claim, rater in session.exec(query.order_by(col(Answer.id))):
        texts[claim.key] = claim.text
        answers[claim.key].append((answer, rater.name))
    rows = (_row(key, texts[key], answers[key], paths.get(key, [])) for key in sorted(texts))
    return [row for row in rows if row["n_answers"]]


def quantity_rows(session: Session) -> list[Row]:
    """Returns a row for every quantity with a number, ordered by key; the card names its fields."""
    answers: dict[str, list[Row]] = defaultdict(list)
    quantities: dict[str, Quantity] = {}
    query = select(Answer, Quantity, Rater).where(Answer.quantity_id == Quantity.id, Answer.rater_id == Rater.id)
    for answer, quantity, rater in session.exec(query.order_by(col(Answer.id))):
        quantities[quantity.key] = quantity
        answers[quantity.key].append(_number(answer, rater.name))
    rows = (_quantity_row(session, quantities[key], answers[key]) for key in sorted(quantities))
    return [row for row in rows if row["n_answers"]]


def _quantity_row(session: Session, quantity: Quantity, answers: list[Row]) -> Row:
    resting = (
        select(Claim.key, Claim.text)
        .join(About, col(About.claim_id) == col(Claim.id))
        .where(or_(About.quantity_id == quantity.id, About.other_id == quantity.id))
        .order_by(Claim.key)
    )
    return {
        "quantity": quantity.key,
        "text": quantity.text,
        "unit": quantity.unit,
        "distribution": quantity.distribution,
        "n_answers": sum(answer["number"] is not None for answer in answers),
        "answers": answers,
        "claims": [{"claim": key, "text": text} for key, text in session.exec(resting)],
    }


def _number(answer: Answer, rater: str) -> Row:
    return {
        "rater": rater,
        "kind": answer.kind,
        "number": answer.number,
        "sd": answer.sd,
        "note": answer.note,
        "answered_at": _iso(answer.answered_at),
        "value_when_asked": answer.value_when_asked,
    }


def _row(key: str, text: str, answers: Sequence[tuple[Answer, str]], paths: list[Row]) -> Row:
    stated = [answer.prob for answer, _ in answers if answer.prob is not None]
    prob = label_prob(*label_likelihood(stated))
    return {
        "claim": key,
        "text": text,
        "label": None if prob == 0.5 else "yes" if prob > 0.5 else "no",
        "label_prob": prob,
        "settled": bool(is_settled(prob)),
        "n_answers": len(stated),
        "answers": [_answer(answer, rater) for answer, rater in answers],
        "paths": paths,
    }


def _answer(answer: Answer, rater: str) -> Row:
    return {
        "rater": rater,
        "kind": answer.kind,
        "prob": answer.prob,
        "note": answer.note,
        "answered_at": _iso(answer.answered_at),
        "generation": answer.generation,
        "value_when_asked": answer.value_when_asked,
        "prob_before": answer.prob_before,
    }


def _paths(session: Session, graph: ArgumentGraph) -> dict[str, list[Row]]:
    """Returns, by claim, its path to each root that it bears on, in the order of the roots."""
    texts = {claim.id: claim.text for claim in graph.claims}
    asked = dict(session.exec(select(Claim.key, Root.question).where(Root.claim_id == Claim.id)).all())
    found: dict[str, list[Row]] = defaultdict(list)
    for root in graph.roots:
        for claim, steps in paths_to_root(graph, root.claim).items():
            chain = [_step(step, texts) for step in steps]
            found[claim].append({"root": root.claim, "question": asked[root.claim], "steps": chain})
    return found


def _step(step: Step, texts: dict[str, str]) -> Row:
    return {
        "argument": step.argument.id,
        "polarity": step.argument.polarity,
        "strength": step.argument.strength,
        "holds": step.holds,
        "conclusion": texts[step.argument.conclusion],
    }


def _turn(role: str, content: str) -> Row:
    return {"role": role, "content": content}


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")


def _jsonl(rows: Sequence[Row]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows).encode()


def _parquet(rows: Sequence[Row], schema: pa.Schema) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), buffer)
    return buffer.getvalue()


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """Writes all files beside the folder, then puts the whole in its place."""
    _refuse_foreign(folder)
    place = folder.resolve()  # of a link the folder that it names
    aside = place.with_name(f".{place.name}-before")
    _settle(aside, place)
    beside = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    try:
        beside.chmod(place.stat().st_mode if place.exists() else 0o755)  # mkdtemp's are private
        for name, content in files.items():
            with (beside / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # a full disk may show only here
        _swap(beside, place, aside)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    _settle(aside, place)


def _swap(beside: Path, place: Path, aside: Path) -> None:
    """Renames what is in the place to aside, if anything is, and beside to the place."""
    if not place.exists():
        os.rename(beside, place)
        return
    os.rename(place, aside)
    try:
        os.rename(beside, place)
    except OSError:
        os.rename(aside, place)
        raise


def _settle(aside: Path, place: Path) -> None:
    """Ends a swap, if need be a killed one: what is aside goes back, or all but our files if there is a new one."""
    if not aside.exists():
        return
    _refuse_foreign(aside)
    if not place.exists() or not any(place.iterdir()):
        os.rename(aside, place)
        return
    for path in aside.iterdir():
        if path.name not in _NAMES:  # somebody's notes, a .git
            os.rename(path, place / path.name)
    for name in reversed(_NAMES):  # the card last: it tells that the folder is ours
        (aside / name).unlink(missing_ok=True)
    aside.rmdir()


def _refuse_foreign(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise ExportError(f"{folder} is a file: name a folder to export to.")
    if not folder.resolve().parent.is_dir():
        raise ExportError(f"There is no folder {folder.resolve().parent} to export to: make it first.")
    if folder.resolve() == Path.cwd():
        raise ExportError(f"{folder} is the current folder: name a new or empty folder.")
    if folder.is_dir() and any(folder.iterdir()):
        card = folder / "README.md"
        if not card.is_file() or _MARK not in card.read_text(encoding="utf-8", errors="replace"):
            raise ExportError(f"{folder} holds something that is no earlier export: name a new or empty folder.")


@contextmanager
def _export_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ExportError(f"The disk is full: nothing was exported to {folder}, and what was there stays.") from exc
        raise ExportError(f"The export to {folder} cannot be written: {exc.strerror or exc}.") from exc
