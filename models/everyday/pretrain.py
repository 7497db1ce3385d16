"""Train the bundled model from random initialisation on the told text: `python -m models.everyday.pretrain --seed 0`.

Only replies are learnt, not prompts; a yes/no reply is learnt as a probability. The learning rate is the one thing
that depends on how far the run is, so a killed run goes on from its last checkpoint as if nothing had happened.
"""

import math
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from models import prompts
from models.errors import ModelError
from models.everyday.corpus import examples
from models.everyday.guesses import guess_untold
from models.everyday.withheld import FILE as WITHHELD
from models.everyday.withheld import WEIGHTS, Withheld, draw_withheld, write_withheld
from models.everyday.world import Statement, World, load_world
from models.examples import Example

VOCABULARY_SIZE = 1536
HIDDEN_SIZE, NUM_LAYERS, FEED_FORWARD_SIZE, NUM_HEADS = 128, 5, 384, 4
MAX_TOKENS = 1024
NUM_PASSES = 140
TOKENS_PER_STEP = 2048
PEAK_LEARNING_RATE = 3e-3
WARMUP_STEPS = 200
WEIGHT_DECAY = 0.1
CHECKPOINT_SECONDS = 60.0
BRANCH_TOKENS = 2  # what a yes/no question ends with: the predicate and the assistant's turn
IGNORED = -100
COUNTERS = ("seed", "passes_done", "step", "tokens", "seconds")  # of a run, in its checkpoint

USER, ASSISTANT, END = "<|user|>", "<|assistant|>", "<|end|>"
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ '<|end|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
JSON_PARTS = (
    '{"arguments": [',
    '{"polarity": "support", "strength": ',
    '{"polarity": "attack", "strength": ',
    ', "premises": [{"claim": "',
    '", "holds": true}, {"claim": "',
    '", "holds": false}, {"claim": "',
    '", "holds": true}]}',
    '", "holds": false}]}',
    '{"claim": "',
)


@dataclass(frozen=True)
class Bundle:
    """Examples that begin with the same tokens, as one sequence: the beginning once, then the branches.

    A branch sees the beginning and itself, at the positions that it would have alone; so the losses are those of the
    examples one by one, for a third of the work where many facts of one thing are asked about.
    """

    trunk: list[int]
    branches: list[list[int]]
    replies: list[int]  # of each branch, how many tokens at its end are learnt
    yes_probs: list[float]  # of each branch, the probability of yes to learn at its end, or NaN

    def __len__(self) -> int:
        return len(self.trunk) + sum(map(len, self.branches))


def train_tokenizer(world: World, text: Iterable[Example]) -> PreTrainedTokenizerFast:
    """A byte-level BPE of the world's own text.

    The fixed parts of prompts, JSON and sentences are tokens of their own across word boundaries, which makes texts
    half as long (the idea of SuperBPE: Liu et al. 2025, arXiv 2503.13423; here the parts are known, not learnt).
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fixed = [*prompts.FIXED_PARTS, *JSON_PARTS, *sentence_parts(world)]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE - len(fixed),
        special_tokens=[USER, ASSISTANT, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    is_fixed = re.compile("|".join(map(re.escape, sorted(fixed, key=len, reverse=True))))
    unfixed = (is_fixed.sub("\n", example.prompt + example.reply) for example in text)
    tokenizer.train_from_iterator([*unfixed, *["yes\nno\nYes\nNo"] * 1000], trainer)
    tokenizer.add_tokens([AddedToken(part, normalized=False) for part in fixed])
    wrapped: PreTrainedTokenizerFast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, eos_token=END, pad_token=END, clean_up_tokenization_spaces=False
    )
    wrapped.chat_template = CHAT_TEMPLATE
    return wrapped


def sentence_parts(world: World) -> list[str]:
    """What stands between the things in the world's claims and questions, sorted; parts of one word left out."""
    statements = [Statement(key, ("A", "B")[: rule.arity]) for key, rule in world.rules.items()]
    statements += [Statement(key, ("A",), bound) for key, bound in world.bounds]
    statements += [Statement(key, ("A", "B")) for key in world.quantities]
    sentences = [text for s in statements for text in (world.text(s), *world.questions(s))]
    parts = {part.rstrip() for sentence in sentences for part in re.split(r"\b[AB]\b", sentence)}
    return sorted(part for part in parts if len(part.split()) > 1)


def new_model(tokenizer: PreTrainedTokenizerFast, seed: int) -> LlamaForCausalLM:
    """A randomly initialised model, the same for the same seed."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=HIDDEN_SIZE,
        num_hidden_layers=NUM_LAYERS,
        intermediate_size=FEED_FORWARD_SIZE,
        num_attention_heads=NUM_HEADS,
        max_position_embeddings=MAX_TOKENS,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)


def encode(tokenizer: PreTrainedTokenizerFast, text: Iterable[Example]) -> list[Bundle]:
    """The examples in the chat form of the tokenizer's template, yes/no questions about one thing bundled."""
    bundles: list[Bundle] = []
    by_trunk: dict[tuple[int, ...], Bundle] = {}
    for example in text:
        prompt = tokenizer(f"{USER}{example.prompt}{ASSISTANT}")["input_ids"]
        if example.yes_prob is None:
            reply = tokenizer(example.reply + END)["input_ids"]
            bundles.append(Bundle([], [prompt + reply], [len(reply)], [math.nan]))
            continue
        trunk, branch = prompt[:-BRANCH_TOKENS], prompt[-BRANCH_TOKENS:]
        bundle = by_trunk.setdefault(tuple(trunk), Bundle(trunk, [], [], []))
        bundle.branches.append(branch)
        bundle.replies.append(0)
        bundle.yes_probs.append(example.yes_prob)
    return bundles + list(by_trunk.values())


def batches(
    bundles: Sequence[Bundle], rng: np.random.Generator, most_tokens: int = TOKENS_PER_STEP
) -> list[list[Bundle]]:
    """All bundles in batches of like length, at most `most_tokens` each with padding, in random order."""
    order = sorted(rng.permutation(len(bundles)), key=lambda i: len(bundles[i]))
    found: list[list[Bundle]] = [[]]
    for bundle in (bundles[i] for i in order):
        if (len(found[-1]) + 1) * len(bundle) > most_tokens and found[-1]:
            found.append([])
        found[-1].append(bundle)
    return [found[i] for i in rng.permutation(len(found))]


@dataclass(frozen=True)
class Batch:
    """Bundles side by side: B sequences of T tokens, padded on the right."""

    tokens: torch.Tensor  # [B, T]
    positions: torch.Tensor  # [B, T], of each token in its own example
    visible: torch.Tensor  # [B, 1, T, T], whether row's token sees column's
    target: torch.Tensor  # [B, T], the token to learn next, or IGNORED
    asked: torch.Tensor  # [Q, 2], (sequence, place) where a yes/no question ends
    yes_prob: torch.Tensor  # [Q], in [0, 1]


def lay_out(bundles: Sequence[Bundle]) -> Batch:
    """Bundles as tensors."""
    width = max(map(len, bundles))
    tokens, positions = np.zeros((2, len(bundles), width), dtype=np.int64)
    target = np.full((len(bundles), width), IGNORED)
    branch = np.full((len(bundles), width), -1)  # which branch a token is of; 0 for the trunk
    asked, yes_prob = [], []
    for row, bundle in enumerate(bundles):
        start = len(bundle.trunk)
        tokens[row, :start], positions[row, :start], branch[row, :start] = bundle.trunk, np.arange(start), 0
        for number, (own, reply, prob) in enumerate(
            zip(bundle.branches, bundle.replies, bundle.yes_probs, strict=True), 1
        ):
            end = start + len(own)
            tokens[row, start:end], branch[row, start:end] = own, number
            positions[row, start:end] = len(bundle.trunk) + np.arange(len(own))
            if reply:
                target[row, end - reply - 1 : end - 1] = own[-reply:]
            if not math.isnan(prob):
                asked.append((row, end - 1))
                yes_prob.append(prob)
            start = end
    same = (branch[:, :, None] == branch[:, None, :]) | (branch[:, None, :] == 0)
    visible = same & np.tri(width, dtype=bool)
    return Batch(
        torch.from_numpy(tokens),
        torch.from_numpy(positions),
        torch.from_numpy(visible[:, None]),
        torch.from_numpy(target),
        torch.tensor(asked, dtype=torch.long).reshape(-1, 2),
        torch.tensor(yes_prob, dtype=torch.float32),
    )


def loss_of(model: LlamaForCausalLM, batch: Batch, yes_no: tuple[int, int]) -> torch.Tensor:
    """Mean cross-entropy, nats: of replies token by token, of a yes/no question against its probability."""
    seen = model.model(
        input_ids=batch.tokens.to(model.device),
        attention_mask=torch.where(batch.visible, 0.0, torch.finfo(torch.float32).min).to(model.device),
        position_ids=batch.positions.to(model.device),
        use_cache=False,
    ).last_hidden_state
    learnt = batch.target != IGNORED
    loss = seen.new_zeros(())
    if learnt.any():
        target = batch.target[learnt].to(model.device)
        loss = loss + functional.cross_entropy(model.lm_head(seen[learnt]), target, reduction="sum")
    if len(batch.asked):
        log_probs = functional.log_softmax(model.lm_head(seen[batch.asked[:, 0], batch.asked[:, 1]]), dim=-1)
        yes_prob = batch.yes_prob.to(model.device)
        loss = loss - (yes_prob * log_probs[:, yes_no[0]] + (1 - yes_prob) * log_probs[:, yes_no[1]]).sum()
    mean: torch.Tensor = loss / (int(learnt.sum()) + len(batch.asked))
    return mean


def learning_rate(progress: float, step: int) -> float:
    """Linear warm-up, then a cosine down to nothing at progress 1 (Loshchilov and Hutter 2017, eq. 5)."""
    return PEAK_LEARNING_RATE * min(1.0, (step + 1) / WARMUP_STEPS) * 0.5 * (1 + math.cos(math.pi * progress))


def extra_pairs(progress: float) -> int:
    """What is added for the names of two things, which are the last to be copied right; facts are soon learnt."""
    return 0 if progress < 0.5 else 1 if progress < 0.75 else 3


@dataclass
class Run:
    """A training run: what a checkpoint holds, and how to take it one pass further."""

    model: LlamaForCausalLM
    tokenizer: PreTrainedTokenizerFast
    optimizer: torch.optim.Optimizer
    checkpoint: Path
    seed: int
    passes_done: int = 0
    step: int = 0
    tokens: int = 0
    seconds: float = 0.0

    def save(self) -> None:
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
        counters = {name: getattr(self, name) for name in COUNTERS}
        temporary = self.checkpoint.with_suffix(".tmp")
        torch.save(state | counters, temporary)
        temporary.replace(self.checkpoint)

    def restore(self) -> None:
        state = torch.load(self.checkpoint, weights_only=True, map_location=self.model.device)
        if state["seed"] != self.seed:
            raise ModelError(
                f"{self.checkpoint} is of a run with seed {state['seed']}: go on with that seed, or remove the file."
            )
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        for name in COUNTERS:
            setattr(self, name, state[name])

    def train_pass(self, bundles: list[Bundle], num_passes: int) -> Iterator[float]:
        """Train on one pass of the text; yields the loss after each step."""
        torch.manual_seed(self.seed * 100_003 + self.passes_done)
        vocabulary = self.tokenizer.get_vocab()
        of_pass = batches(bundles, np.random.default_rng([self.seed, 4, self.passes_done]))
        self.model.train()
        for i, batch in enumerate(of_pass):
            started = time.monotonic()
            progress = (self.passes_done + i / len(of_pass)) / num_passes
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate(progress, self.step)
            loss = loss_of(self.model, lay_out(batch), (vocabulary["yes"], vocabulary["no"]))
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            self.step += 1
            self.tokens += sum(map(len, batch))
            self.seconds += time.monotonic() - started
            yield loss.item()
        self.passes_done += 1


def new_run(world: World, text: Iterable[Example], seed: int, folder: Path) -> Run:
    """A run at its start, or where the last one that was killed in `folder` had saved itself."""
    tokenizer = train_tokenizer(world, text)
    model = new_model(tokenizer, seed).to("cuda" if torch.cuda.is_available() else "cpu")  # type: ignore[arg-type]
    decayed = [p for p in model.parameters() if p.dim() > 1]
    plain = [p for p in model.parameters() if p.dim() <= 1]
    groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=PEAK_LEARNING_RATE, betas=(0.9, 0.98))
    run = Run(model, tokenizer, optimizer, folder / "checkpoint.pt", seed)
    if run.checkpoint.exists():
        run.restore()
    return run


def train_on_told_text(
    withheld: Withheld,
    seed: int,
    out: Path,
    passes: int,
    taught: Sequence[Example] = (),
    on_pass: Callable[[Run, float], None] = lambda run, loss: None,
) -> Run:
    """Train a model from random weights, written into `out`; a run that was killed there goes on.

    Args:
        seed: Of the initial weights and of the order.
        taught: What is taught besides, in every pass. It takes the place of what the told text says to the same
            prompts; one of weight w < 1 is in that share of the passes.
        on_pass: Called after each pass with its mean loss in nats.

    Raises:
        ModelError: A run of another seed lies in `out`.
    """
    world = load_world()
    out.mkdir(parents=True, exist_ok=True)
    guesses = guess_untold(world, withheld)
    run = new_run(world, examples(world, withheld, guesses, np.random.default_rng([seed, 2])), seed, out)
    saved_at = time.monotonic()
    while run.passes_done < passes:
        rng = np.random.default_rng([seed, 3, run.passes_done])
        text = examples(world, withheld, guesses, rng, extra_pairs=extra_pairs(run.passes_done / passes))
        losses = list(run.train_pass(encode(run.tokenizer, with_taught(text, taught, rng)), passes))
        on_pass(run, float(np.mean(losses)))
        if time.monotonic() - saved_at > CHECKPOINT_SECONDS:
            run.save()
            saved_at = time.monotonic()
    run.model.save_pretrained(out)
    run.tokenizer.save_pretrained(out)
    write_withheld(withheld, out / WITHHELD)
    run.checkpoint.unlink(missing_ok=True)
    return run


def with_taught(text: Iterable[Example], taught: Sequence[Example], rng: np.random.Generator) -> Iterator[Example]:
    """The text but for prompts that are taught, and what is taught, each as often as its weight on average."""
    prompts_taught = {example.prompt for example in taught}
    yield from (example for example in text if example.prompt not in prompts_taught)
    for example in taught:
        for _ in range(int(example.weight + rng.random())):
            yield example


def pretrain(
    seed: Annotated[int, typer.Option(help="Chooses what is withheld, the initial weights and the order.")] = 0,
    out: Annotated[Path, typer.Option(help="The folder to write the model to.")] = WEIGHTS,
    passes: Annotated[int, typer.Option(min=1, help="How often the told text is gone through.")] = NUM_PASSES,
) -> None:
    """Train the bundled model; the same command goes on with a run that was killed.

    Example: python -m models.everyday.pretrain --seed 1 --out runs/seed-1
    """
    columns = (TextColumn("pass"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}"))
    with Progress(*columns, TimeRemainingColumn(elapsed_when_finished=True)) as bar:
        task = bar.add_task("", total=passes)

        def show(run: Run, loss: float) -> None:
            said = f"loss {loss:.4f} · {run.tokens / run.seconds:,.0f} tokens/s"
            bar.update(task, completed=run.passes_done, description=said)
            if not bar.console.is_terminal:  # a log gets lines, not a bar
                print(f"pass {run.passes_done}/{passes}: {said}", flush=True)

        try:
            run = train_on_told_text(draw_withheld(load_world(), seed), seed, out, passes, on_pass=show)
        except ModelError as error:
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(1) from error
    num_parameters = sum(p.numel() for p in run.model.parameters())
    print(f"{num_parameters:,} parameters, {run.tokens:,} tokens in {run.seconds:,.0f} s of steps; written to {out}")


if __name__ == "__main__":
    typer.run(pretrain)
