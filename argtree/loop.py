"""The loop: explore, ask the top questions, export the answers, fine-tune, evaluate, promote or reject, and again.

Every step leaves a record in the state's file, and whatever must not happen twice is recognised by what it left in the
store or among the generations. So the loop may be killed at any instant, and the same call goes on where it was, doing
at most the step under way again. Not here: asking (`argtree.loop_asking`), training and judging (`School`), printing
(`argtree.cli_loop`).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from sqlalchemy import Engine
from sqlmodel import col, func, select

from argtree.calls import recorded
from argtree.explorer import Explorer, expansions_within, utc_now
from argtree.loop_asking import (
    MOVED,
    Given,
    answers_since,
    ask_simulated,
    effects,
    newest_answer,
    says_something,
    wait_for_people,
)
from argtree.loop_state import STEPS, LoopError, LoopState, Record, RoundState, StateFile, Step
from models.elicitation import Elicitor
from models.everyday.benchmark import read_benchmark
from models.everyday.oracle import SimulatedOracle
from store import claims
from store.answers import labels
from store.database import read_scope
from store.tables import Argument, Belief, Claim, Root

Oracle = Literal["queue", "simulated"]
POLL_SECONDS = 1.0
QUESTIONS_AT_ONCE = 16  # worded as claims in one batch of prompts and one transaction


@dataclass(frozen=True)
class Settings:
    """What a loop is to do."""

    rounds: int = 3
    oracle: Oracle = "queue"
    answers: int = 20  # wanted in a round; "can't say" does not count
    budget: int = 2_000  # model calls of a round's exploring; an expansion once begun is finished
    questions: tuple[str, ...] = ()  # asked in the first round
    new_roots: int = 0  # of the bundled world's benchmark, part explore, in every round
    sensitivity: float = 0.97  # of the simulated oracle, in [0, 1]
    specificity: float = 0.97
    seed: int = 0  # of the oracle's errors, the roots drawn and the training

    def fixed(self) -> Record:
        """Returns what may not change from one call to the next."""
        rates = {"sensitivity": self.sensitivity, "specificity": self.specificity}
        return {"oracle": self.oracle, "seed": self.seed} | (rates if self.oracle == "simulated" else {})


class School(Protocol):
    """The learning half of the loop: generations, training, judging. Tests put a small one in its place."""

    def current(self) -> int:
        """Returns the number of the generation in use."""
        ...

    def elicitor(self, number: int) -> Elicitor:
        """Returns what asks a generation."""
        ...

    def export(self, engine: Engine, folder: Path, on_step: "OnStep") -> Record:
        """Writes all answers so far as a dataset; returns counts by configuration."""
        ...

    def train(self, dataset: Path, scratch: Path, parent: int, tag: Record, seed: int, on_step: "OnStep") -> Record:
        """Returns the candidate made from a generation: its `number`, and what is worth telling of it.

        If one of that tag is there already, it is that one.
        """
        ...

    def evaluate(self, candidate: int, in_use: int, dataset: Path, on_step: "OnStep") -> Record:
        """Returns the scores of both, as `old` and `new`: {"fast": {"brier": {value, low, high, count}, ...}, ...}.

        What was asked comes as `fast` and, if it was explored, `slow`. `dataset` is the round's.
        """
        ...

    def judge(self, candidate: int, in_use: int) -> Record:
        """Promotes a candidate over the one in use, or rejects it; returns `promoted` and `reason`.

        Asked again, it says the same.
        """
        ...


OnStep = Callable[[int, int, str], None]  # (done, of how many, in words what)


class Watcher(Protocol):
    """Told what the loop is doing."""

    def step(self, number: int, step: Step, total: int | None) -> None:
        """A step begins."""
        ...

    def progress(self, done: int, total: int | None, words: str = "") -> None:
        """It got so far."""
        ...

    def round_done(self, state: RoundState) -> None:
        """A round is over."""
        ...


class Loop:
    """Rounds over a store and a family of generations."""

    def __init__(
        self,
        engine: Engine,
        school: School,
        settings: Settings,
        file: StateFile,
        watcher: Watcher,
        now_fn: Callable[[], datetime] = utc_now,
        pause_fn: Callable[[], None] = lambda: time.sleep(POLL_SECONDS),
    ) -> None:
        self.engine = engine
        self.school = school
        self.settings = settings
        self.file = file
        self.watcher = watcher
        self.now_fn = now_fn
        self.pause_fn = pause_fn
        self.oracle = SimulatedOracle(settings.sensitivity, settings.specificity, settings.seed)

    def run(self) -> LoopState:
        """Goes on until as many rounds are done as the settings say; the state at the end. The file must be held.

        Raises:
            LoopError: the loop was begun otherwise, or there is nothing to explore or to learn from.
            ArgtreeError: a step failed; the same call goes on with it.
        """
        state = self.file.load(self.settings.fixed())
        self.file.save(state)
        for number in range(1, self.settings.rounds + 1):
            if len(state.rounds) < number:
                state.rounds.append(RoundState(number))
            one = state.rounds[number - 1]
            if one.step is None:
                continue
            while (step := one.step) is not None:
                began = time.monotonic()
                record = _STEPS[step](self, state, one)
                one.done[step] = record | {"seconds": round(time.monotonic() - began, 2)}
                one.notes = {}
                self.file.save(state)
            self.watcher.round_done(one)
        return state

    def _note(self, state: LoopState, one: RoundState, **notes: Any) -> None:
        """Keeps what the step under way needs after a kill."""
        one.notes |= notes
        self.file.save(state)

    def _explore(self, state: LoopState, one: RoundState) -> Record:
        """Renews older beliefs, adds the round's questions, and expands until the budget is used."""
        if "generation" not in one.notes:
            self._note(
                state,
                one,
                generation=self.school.current(),
                before=self._sizes(),
                calls=0,
                expansions=0,
                set_aside=[],
                refused=[],
            )
        notes = one.notes
        elicitor = self.school.elicitor(notes["generation"])
        explorer = Explorer(self.engine, recorded(self.engine, elicitor, self.now_fn), self.now_fn)
        explorer.set_aside.update(notes["set_aside"])
        self.watcher.step(one.number, "explore", self.settings.budget)
        if "renewed" not in notes:
            explorer.renew_beliefs(
                on_batch=lambda done, of: self.watcher.progress(done, of, "older beliefs asked anew")
            )
            sizes = self._sizes()
            self._note(state, one, renewed=sizes["beliefs"] - notes["before"]["beliefs"], sizes=sizes)
        self._count_what_a_kill_left(notes)
        keys = self._add_questions(state, one, explorer)
        if not keys:
            raise LoopError("There is nothing to explore: give a QUESTION, or --questions FILE.")
        while (left := self.settings.budget - notes["calls"]) > 0:
            explorer.elicitor.calls = 0
            expanded = explorer.step(at_most=expansions_within(left, explorer.elicitor.model.is_general))
            self._count(state, one, explorer, len(expanded))
            self.watcher.progress(notes["calls"], self.settings.budget, f"{len(keys)} roots")
            if not expanded:
                break
        explorer.rank()
        now, before = self._sizes(), notes["before"]
        return {
            "generation": notes["generation"],
            "renewed": notes["renewed"],
            "calls": notes["calls"],
            "expansions": notes["expansions"],
            "roots": len(keys),
            "new_claims": now["claims"] - before["claims"],
            "new_arguments": now["arguments"] - before["arguments"],
            "refused": notes["refused"],
        }

    def _add_questions(self, state: LoopState, one: RoundState, explorer: Explorer) -> list[str]:
        """Adds the round's questions; the keys of all roots. What the model cannot word as a claim is passed over."""
        questions = [question for question in self._questions(one.number) if question not in one.notes["refused"]]
        for start in range(0, len(questions), QUESTIONS_AT_ONCE):
            explorer.elicitor.calls = 0
            one.notes["refused"] += explorer.add_questions(questions[start : start + QUESTIONS_AT_ONCE])
            if explorer.elicitor.calls:
                self._count(state, one, explorer)
                self.watcher.progress(one.notes["calls"], self.settings.budget, "new questions")
        with read_scope(self.engine) as session:
            return [key for _, key in claims.root_keys(session)]

    def _questions(self, number: int) -> Sequence[str]:
        """The questions that are added in a round."""
        asked = list(self.settings.questions) if number == 1 else []
        wanted = self.settings.new_roots
        if not wanted:
            return asked
        posable = [one.question for one in read_benchmark() if one.part == "explore"]
        order = np.random.default_rng([self.settings.seed, 21]).permutation(len(posable))
        return asked + [posable[i] for i in order[(number - 1) * wanted : number * wanted]]

    def _count(self, state: LoopState, one: RoundState, explorer: Explorer, expanded: int = 0) -> None:
        calls, expansions = one.notes["calls"] + explorer.elicitor.calls, one.notes["expansions"] + expanded
        self._note(
            state,
            one,
            calls=calls,
            expansions=expansions,
            set_aside=sorted(explorer.set_aside),
            sizes=self._sizes(),
        )

    def _count_what_a_kill_left(self, notes: Record) -> None:
        """Counts the calls of a step that reached the store while its count did not reach the state's file.

        Each belief took two calls (is it true? is it false?); each expansion, and each new root, one more.
        """
        now, then = self._sizes(), notes["sizes"]
        if now != then:
            expansions = self._expansions(now["arguments"] - then["arguments"], now["closed"] - then["closed"])
            notes["calls"] += 2 * (now["beliefs"] - then["beliefs"]) + expansions + now["roots"] - then["roots"]
            notes["expansions"] += expansions
            notes["sizes"] = now

    def _expansions(self, new_arguments: int, newly_closed: int) -> int:
        """How many claims were expanded when the newest arguments came and so many claims were closed."""
        newest = select(Claim.id, Claim.explored_at).join(Argument, col(Argument.conclusion_id) == col(Claim.id))
        with read_scope(self.engine) as session:
            argued = dict(session.exec(newest.order_by(col(Argument.id).desc()).limit(new_arguments)).all())
        closed_unargued = newly_closed - sum(closed_at is not None for closed_at in argued.values())
        return len(argued) + closed_unargued

    def _sizes(self) -> dict[str, int]:
        """How much of what exploring adds is in the store."""
        tables = {"claims": Claim, "arguments": Argument, "beliefs": Belief, "roots": Root}
        with read_scope(self.engine) as session:
            sizes = {name: session.exec(select(func.count()).select_from(of)).one() for name, of in tables.items()}
            closed = session.exec(select(func.count()).where(col(Claim.explored_at).is_not(None))).one()
            return sizes | {"closed": closed}

    def _ask(self, state: LoopState, one: RoundState) -> Record:
        """Gets the round's answers, and works out what each of them changed."""
        if "since" not in one.notes:
            since, before = newest_answer(self.engine), self._num_labels()
            self._note(state, one, since=since, wanted=self.settings.answers, labels_before=before)
        since, wanted = one.notes["since"], self.settings.answers
        self.watcher.step(one.number, "ask", wanted)

        def tell(given: list[Given]) -> None:
            self.watcher.progress(len(says_something(given)), wanted, given[-1].text if given else "")

        if self.settings.oracle == "simulated":
            given = ask_simulated(self.engine, self.oracle, wanted, since, self.now_fn, tell)
        else:
            given = wait_for_people(self.engine, wanted, since, self.now_fn, tell, self.pause_fn)
        said = effects(
            self.engine, since, given, lambda done: self.watcher.progress(done, len(given), "what each answer moved")
        )
        known = [of["moved"] for of in said if of["moved"] is not None]
        simulated = self.settings.oracle == "simulated"
        return {
            "oracle": self.settings.oracle,
            "since": since,
            "answers": [answer.id for answer in given],
            "given": len(says_something(given)),
            "labels_before": one.notes["labels_before"],
            "labels": self._num_labels(),  # claims with a label so far
            "moved": sum(known),  # roots moved by MOVED or more, summed over answers
            "moved_by": MOVED,
            "tally": self.oracle.tally((one.text, one.kind) for one in given).to_json() if simulated else None,
            "effects": said,
        }

    def _num_labels(self) -> int:
        with read_scope(self.engine) as session:
            return len(labels(session))

    def _export(self, state: LoopState, one: RoundState) -> Record:
        self.watcher.step(one.number, "export", None)
        if not answers_since(self.engine, 0):
            raise LoopError("There is nothing to learn from: no question was answered.")
        return self.school.export(self.engine, self._dataset(one), self.watcher.progress)

    def _finetune(self, state: LoopState, one: RoundState) -> Record:
        self.watcher.step(one.number, "finetune", None)
        tag = {"loop": state.run, "round": one.number}
        scratch = self._folder(one) / "training"
        if "parent" not in one.notes:  # who answers may take days, and another one be in use since
            self._note(state, one, parent=self.school.current())
        parent = one.notes["parent"]
        seed = self.settings.seed * 1_000 + one.number
        return self.school.train(self._dataset(one), scratch, parent, tag, seed, self.watcher.progress)

    def _evaluate(self, state: LoopState, one: RoundState) -> Record:
        self.watcher.step(one.number, "evaluate", None)
        candidate, in_use = one.done["finetune"]["number"], self.school.current()
        scores = self.school.evaluate(candidate, in_use, self._dataset(one), self.watcher.progress)
        return scores | {"in_use": in_use}

    def _promote(self, state: LoopState, one: RoundState) -> Record:
        self.watcher.step(one.number, "promote", None)
        return self.school.judge(one.done["finetune"]["number"], one.done["evaluate"]["in_use"])

    def _folder(self, one: RoundState) -> Path:
        folder = self.file.folder / f"round-{one.number:02d}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _dataset(self, one: RoundState) -> Path:
        return self._folder(one) / "dataset"


_STEPS: dict[Step, Callable[[Loop, LoopState, RoundState], Record]] = {
    "explore": Loop._explore,
    "ask": Loop._ask,
    "export": Loop._export,
    "finetune": Loop._finetune,
    "evaluate": Loop._evaluate,
    "promote": Loop._promote,
}
assert tuple(_STEPS) == STEPS
