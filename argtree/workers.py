"""Several explorers in one process, each in a thread of its own, on one store and with one model.

What each expands is settled by leases in the store (`argtree.sharing`), as it is among processes; so all that is shared
here is what saves doing a thing twice: what was set aside, what was learnt from the answers, a budget.

Not here: the model's batches (`models.batching`), exploring for ever (`argtree.daemon`).
"""

import logging
import time
from collections.abc import Callable, Collection, Sequence
from threading import Condition, Event, Lock, Thread

from argtree.documents import Documents
from argtree.explorer import Explorer, calls_of, expansions_within
from argtree.storing import Expansion
from models.batching import batching
from models.beliefs import Belief
from models.elicitation import Elicitor
from models.embedding import Embedding

POLL_SECONDS = 0.5  # between two looks at what other processes hold
_QUIET_SECONDS = 0.05  # between two looks at whether any thread is at work
_LOOK_SECONDS = 0.2  # between two looks at whether to stop

log = logging.getLogger("argtree.daemon")


class Assistant(Explorer):
    """An explorer beside another, the leader: it only expands, with the leader's model and what that has learnt."""

    def __init__(
        self, leader: Explorer, embedding: Embedding | None = None, documents: Documents | None = None
    ) -> None:
        """Args:
        leader: what adds questions, learns from answers, renews beliefs and ranks.
        embedding: see `Explorer`.
        documents: see `Explorer`.
        """
        super().__init__(
            leader.engine,
            _own(leader.elicitor),
            leader.now_fn,
            leader.choose_fn,
            leader.token_price,
            embedding,
            documents,
        )
        self._leader = leader
        self._followed = leader.elicitor
        self.set_aside = leader.set_aside
        self.share.turn = leader.share.turn

    @property
    def is_up_to_date(self) -> bool:
        """Whether what it does is done with the leader's model."""
        return self._followed is self._leader.elicitor

    def catch_up(self) -> None:
        """Go on with the leader's model, if that is another one by now and it has learnt of it."""
        if not self.is_up_to_date and self._leader.has_learnt:
            self._followed = self._leader.elicitor
            self.elicitor = _own(self._followed)

    def step(self, root_keys: Collection[str] | None = None, at_most: int = 1) -> list[Expansion]:
        """As `Explorer.step`, with the leader's model."""
        self.catch_up()
        return super().step(root_keys, at_most)

    def learn_from_answers(self) -> None:
        """Take over what the leader has learnt of the model that both ask."""
        if self.is_up_to_date and self._leader.has_learnt:
            self.calibration = self._leader.calibration

    def _prior(self, kind: str, belief: Belief) -> float:
        self.learn_from_answers()  # the leader may have learnt while the model was asked
        return super()._prior(kind, belief)


def shared(elicitor: Elicitor, workers: int, stop: Event) -> Elicitor:
    """Returns what asks the same model such that so many workers may; for one, what is given.

    Args:
        elicitor: asks a model as it was loaded.
        workers: at least 1.
        stop: ends what they wait for once it is set.
    """
    return elicitor if workers == 1 else Elicitor(batching(elicitor.model, stop), seed=elicitor.seed)


def _own(elicitor: Elicitor) -> Elicitor:
    """What asks the same model in the same way, and counts for itself."""
    return Elicitor(elicitor.model, seed=elicitor.seed)


class Bell:
    """Wakes threads that wait for something to do: no more of them than there is something for, since looking costs."""

    def __init__(self) -> None:
        self._condition = Condition()
        self.rung = 0  # times
        self._waiting = 0  # threads
        self._calls = 0  # of these, that are to wake and haven't yet

    def ring(self, number: int) -> None:
        """Wakes so many of those who wait."""
        if number < 1:
            return
        with self._condition:
            self.rung += 1
            self._calls = min(self._waiting, self._calls + number)
            self._condition.notify(number)

    def wait(self, heard: int, seconds: float, stop: Event) -> bool:
        """Waits until it is this thread's turn to look; False: `stop` is set or the seconds are over.

        Args:
            heard: what `rung` was when it last looked; it need not wait if that is more by now.
        """
        deadline = time.monotonic() + seconds
        with self._condition:
            if self.rung > heard:
                return True
            self._waiting += 1
            try:
                while not self._calls:
                    left = deadline - time.monotonic()
                    if stop.is_set() or left <= 0:
                        return False
                    self._condition.wait(min(left, _LOOK_SECONDS))
                self._calls -= 1
                return True
            finally:
                self._waiting -= 1
                self._calls = min(self._calls, self._waiting)


def ring_for(bell: Bell, expanded: Sequence[Expansion]) -> None:
    """Wakes as many as the expansions brought claims; at least one where there was an expansion."""
    if expanded:
        bell.ring(max(1, sum(one.premises for one in expanded)))


class Expedition:
    """Explorers that work for some roots until a budget of model calls is used or nothing open can move a root.

    An expansion once begun is finished, so the last ones may go beyond the budget. What is begun counts at once with
    the calls that it will probably take: several explorers go no further beyond it than one.
    """

    def __init__(
        self, explorers: Sequence[Explorer], root_keys: Collection[str], budget: int, stop: Event | None = None
    ) -> None:
        """Args:
        explorers: the leader first; each with its own elicitor, whose calls so far count.
        root_keys: keys of the roots' claims.
        budget: model calls of all together.
        stop: ends it after the steps that are under way. Give it to what the model waits for too.
        """
        self._explorers = explorers
        self._keys = root_keys
        self._budget = budget
        self._stop = stop or Event()
        self._bell = Bell()
        self._lock = Lock()
        self._at_work: dict[int, tuple[int, int]] = {}  # by explorer: its calls before the step, most expansions of it
        self._num_begun = 0  # steps
        self._failures: list[Exception] = []

    @property
    def calls(self) -> int:
        """Of the model, by all explorers."""
        return sum(one.elicitor.calls for one in self._explorers)

    def run(self, on_step: Callable[[Explorer], None]) -> None:
        """Explore to the end; an explorer that fails leaves its work to the others.

        Args:
            on_step: told after every step whose it was, in that explorer's thread.

        Raises:
            Exception: all failed; what the first of them raised.
        """
        if len(self._explorers) == 1:
            self._work(0, on_step)
            return
        ended: list[Event] = []  # not the threads: a join that is interrupted takes them for ended in Python 3.11
        try:
            for number in range(len(self._explorers)):
                end = Event()
                Thread(target=self._try, args=(number, on_step, end), daemon=True).start()
                ended.append(end)
            while not all(end.wait(_LOOK_SECONDS) for end in ended):
                continue  # an interrupt is heeded in between
        except BaseException:
            self._stop.set()
            for end in ended:
                end.wait()
            raise
        if len(self._failures) == len(self._explorers):
            raise self._failures[0]

    def _try(self, number: int, on_step: Callable[[Explorer], None], end: Event) -> None:
        try:
            self._work(number, on_step)
        except Exception as error:
            self._failures.append(error)
            if not self._stop.is_set() and len(self._failures) < len(self._explorers):
                log.warning("One of %d workers has stopped: %s", len(self._explorers), error or repr(error))
        finally:
            end.set()

    def _work(self, number: int, on_step: Callable[[Explorer], None]) -> None:
        while not self._stop.is_set():
            heard = self._bell.rung
            at_most = self._begin(number)
            if at_most and self._step(number, at_most, on_step):
                continue
            if not self._wait(heard, at_most > 0 and self._explorers[number].share.is_held_up):
                return

    def _step(self, number: int, at_most: int, on_step: Callable[[Explorer], None]) -> bool:
        """Whether anything was expanded."""
        try:
            expanded = self._explorers[number].step(self._keys, at_most)
            ring_for(self._bell, expanded)
            if expanded:
                on_step(self._explorers[number])
            return bool(expanded)
        finally:
            with self._lock:
                del self._at_work[number]

    def _wait(self, heard: int, is_held_up: bool) -> bool:
        """Wait until there may be something to do again; False: there is not going to be anything."""
        quiet: int | None = None  # steps begun when nobody was seen at work
        while not self._bell.wait(heard, _QUIET_SECONDS, self._stop):
            if self._stop.is_set():
                return False
            with self._lock:
                begun = None if self._at_work else self._num_begun
            if begun is not None and begun == quiet:  # twice: somebody may have been just between two steps
                self._stop.wait(POLL_SECONDS if is_held_up else 0.0)  # by another process, which may still let go
                return is_held_up
            quiet = begun
        return True

    def _begin(self, number: int) -> int:
        """How many expansions an explorer may begin now; 0 if the budget is used, by what is under way too."""
        with self._lock:
            left = self._budget - sum(self._spent(n) for n in range(len(self._explorers)))
            if left <= 0:
                return 0
            explorer = self._explorers[number]
            at_most = expansions_within(left // len(self._explorers), explorer.elicitor.model.is_general)
            self._at_work[number] = explorer.elicitor.calls, at_most
            self._num_begun += 1
            return at_most

    def _spent(self, number: int) -> int:
        """Calls that an explorer has made, or will have made when its step is over."""
        explorer = self._explorers[number]
        if number not in self._at_work:
            return explorer.elicitor.calls
        before, at_most = self._at_work[number]
        expansions = explorer.share.held or at_most
        return max(explorer.elicitor.calls, before + expansions * calls_of(explorer.elicitor.model.is_general))
