"""Do the backends agree, and what does each cost? The bundled model by transformers and, as a GGUF file, by llama.cpp.

Agreement: the tokens of all prompts that the benchmark gives; on a part of them the natural log-probabilities
of yes and no, and greedy replies, those of llama.cpp held to their form by a grammar. Cost: processor seconds of one
thread as ratios, each measured beside the other in rounds that take turns; what prompts begin with alike read once
against read each time; drafts against none.

    OMP_NUM_THREADS=1 python benchmarks/backends.py --out benchmarks/results/backends.json
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from models import prompts
from models.base import LanguageModel
from models.everyday.benchmark import read_benchmark
from models.gguf import Type, convert
from models.hf import HfModel
from models.llama import LlamaModel
from models.load import BUNDLED, load_model

WORDS = ["yes", "Yes", "no", "No"]
KNOWN = prompts.ProposedArgument("support", 0.7, (prompts.ProposedPremise("A brick is heavy.", True),))
ROUNDS = 3


def seconds(work: Callable[[], object]) -> float:
    """Processor seconds of this process."""
    began = time.process_time()
    work()
    return time.process_time() - began


def ratio(one: Callable[[], object], other: Callable[[], object]) -> dict[str, float]:
    """How many times the other's time one takes: the median, least and most of rounds that take turns."""
    one(), other()  # what is loaded or compiled at first isn't measured
    ratios = [seconds(one) / seconds(other) for _ in range(ROUNDS)]
    return {"median": statistics.median(ratios), "least": min(ratios), "most": max(ratios)}


def agreement(hf: HfModel, llama: LlamaModel, claims: Sequence[str], questions: Sequence[str]) -> dict[str, Any]:
    """Largest difference of log-probabilities, and shares of equal greedy replies."""
    judged = [ask(claim) for claim in claims for ask in (prompts.is_true, prompts.is_false)]
    difference = np.abs(hf.log_probs(judged, WORDS).log_probs - llama.log_probs(judged, WORDS).log_probs)
    stated = [prompts.state_claim(question) for question in questions]
    proposed = [prompts.propose_arguments(claim, [], 4) for claim in claims]
    return {
        "prompts_scored": len(judged),
        "largest_difference_nats": float(difference.max()),
        "claims_equal": equal(hf, llama, stated, prompts.CLAIM_SCHEMA, 128),
        "arguments_equal": equal(hf, llama, proposed, prompts.ARGUMENTS_SCHEMA, 512),
        "replies_of_each_kind": len(claims),
    }


def equal(hf: HfModel, llama: LlamaModel, asked: list[str], schema: dict[str, object], max_tokens: int) -> float:
    """Share of greedy replies that are the same text."""
    pairs = zip(*(model.complete(asked, schema, max_tokens=max_tokens) for model in (hf, llama)), strict=True)
    return float(np.mean([one.text == other.text for one, other in pairs]))


def tokens_differ(hf: HfModel, llama: LlamaModel, claims: Sequence[str], questions: Sequence[str]) -> tuple[int, int]:
    """How many of the benchmark's prompts the two cut into other tokens; how many there are."""
    asks = (prompts.is_true, prompts.is_false, lambda claim: prompts.propose_arguments(claim, [KNOWN], 4))
    all_prompts = [ask(claim) for claim in claims for ask in asks] + [prompts.state_claim(q) for q in questions]
    return sum(hf._prompt_ids(text) != llama._prompt_ids(text) for text in all_prompts), len(all_prompts)


def costs(hf: HfModel, llama: LlamaModel, claims: Sequence[str]) -> dict[str, dict[str, float]]:
    """Ratios of processor time."""
    judged = [prompts.is_true(claim) for claim in claims]
    proposed = [prompts.propose_arguments(claim, [], 4) for claim in claims]
    beginning = " ".join(claims[:40]) + " "  # some 400 tokens that all of them begin with
    long = [f"{beginning}{claim}" for claim in claims]

    def propose(model: HfModel | LlamaModel, schema: dict[str, object]) -> Callable[[], object]:
        return lambda: model.complete(proposed, schema, max_tokens=512)

    def afresh() -> None:
        for prompt in long:
            llama._llama.reset()
            llama.log_probs([prompt], WORDS)

    def ask_hf(asked: list[str], reads_once: bool) -> Callable[[], object]:
        def ask() -> None:
            hf._reader.keeps_past = reads_once
            hf.log_probs(asked, WORDS)
            hf._reader.keeps_past = True

        return ask

    return {
        "gguf / hf, log_probs": ratio(lambda: llama.log_probs(judged, WORDS), lambda: hf.log_probs(judged, WORDS)),
        "gguf / hf, arguments": ratio(propose(llama, prompts.ARGUMENTS_SCHEMA), propose(hf, {})),
        "gguf: with / without grammar": ratio(propose(llama, prompts.ARGUMENTS_SCHEMA), propose(llama, {})),
        "gguf: shared beginning read once / each time": ratio(lambda: llama.log_probs(long, WORDS), afresh),
        "hf: beginning of 2 tokens read once / each time": ratio(ask_hf(judged, True), ask_hf(judged, False)),
        "hf: shared beginning read once / each time": ratio(ask_hf(long, True), ask_hf(long, False)),
        "gguf / hf, log_probs, shared beginning": ratio(
            lambda: llama.log_probs(long, WORDS), lambda: hf.log_probs(long, WORDS)
        ),
    }


def drafting(spec: str, claims: Sequence[str], schema: dict[str, object]) -> dict[str, dict[str, float]]:
    """What drafts do to greedy replies, each prompt asked alone: the share that stay the same, and processor time.

    *Itself* is the same model once more as its own draft, since no smaller one is at hand: it guesses as well as can be
    and costs as much as can be.
    """
    asked = [prompts.propose_arguments(claim, [], 4) for claim in claims]

    def say(model: LanguageModel) -> list[str]:
        return [model.complete([prompt], schema, max_tokens=512)[0].text for prompt in asked]

    plain = load_model(spec)
    expected, figures = say(plain), {}
    for name, draft in (("lookup", "lookup"), ("itself", spec)):
        drafted = load_model(spec, draft=draft)
        equal_share = float(np.mean([one == other for one, other in zip(say(drafted), expected, strict=True)]))
        figures[name] = {"equal": equal_share} | ratio(lambda model=drafted: say(model), lambda: say(plain))
    figures["none, asked together"] = {"equal": 1.0} | ratio(
        lambda: plain.complete(asked, schema, max_tokens=512), lambda: say(plain)
    )
    return figures


def main(
    questions: Annotated[int, typer.Option(help="How many of the benchmark's questions are scored and answered.")] = 40,
    out: Annotated[Path | None, typer.Option(help="Where to write the figures as JSON.")] = None,
) -> None:
    """Compare the backends on the bundled model."""
    hf = load_model(BUNDLED)
    assert isinstance(hf, HfModel)
    asked = read_benchmark()
    claims, words = [one.claim for one in asked], [one.question for one in asked]
    figures: dict[str, Any] = {}
    types: tuple[Type, ...] = ("f16", "f32")
    with tempfile.TemporaryDirectory() as folder:
        for type in types:
            convert(hf, Path(folder) / f"{type}.gguf", type=type)
            llama = LlamaModel(Path(folder) / f"{type}.gguf", f"gguf:{type}")
            figures[type] = agreement(hf, llama, claims[:questions], words[:questions])
            if type == "f16":
                differ, many = tokens_differ(hf, llama, claims, words)
                figures |= {"prompts": many, "prompts_of_other_tokens": differ}
                figures["processor_time_ratios"] = costs(hf, llama, claims[:questions])
                file, some = f"gguf:{folder}/{type}.gguf", claims[: questions // 2]
                figures["drafts"] = {
                    "hf": drafting(BUNDLED, some, {}), "gguf": drafting(file, some, prompts.ARGUMENTS_SCHEMA)
                }  # fmt: skip
    show(figures)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(figures, indent=1) + "\n")


def show(figures: dict[str, Any]) -> None:
    """Print the figures as tables."""
    console = Console(width=120)
    agree = Table(
        "weights", "largest difference, nats", "claims equal", "arguments equal", title="llama.cpp against transformers"
    )
    for type in ("f16", "f32"):
        one = figures[type]
        cells = (one["claims_equal"], one["arguments_equal"])
        agree.add_row(type, f"{one['largest_difference_nats']:.4f}", *(f"{share:.1%}" for share in cells))
    console.print(agree)
    console.print(f"{figures['prompts_of_other_tokens']} of {figures['prompts']} prompts are cut into other tokens.")
    cost = Table("processor time", "median", "least to most", title=f"Ratios, {ROUNDS} rounds")
    for name, one in figures["processor_time_ratios"].items():
        cost.add_row(name, f"{one['median']:.2f}", f"{one['least']:.2f} to {one['most']:.2f}")
    console.print(cost)
    drafts = Table("backend", "draft", "replies equal", "median", "least to most", title="Beside no draft, asked alone")
    for backend, rows in figures["drafts"].items():
        for name, one in rows.items():
            spread = f"{one['least']:.2f} to {one['most']:.2f}"
            drafts.add_row(backend, name, f"{one['equal']:.1%}", f"{one['median']:.2f}", spread)
    console.print(drafts)


if __name__ == "__main__":
    typer.run(main)
