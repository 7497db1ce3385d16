"""The daemon: explores for ever, takes on what people pose, follows generations and keeps the queue ranked.

Not here: a step of exploring (`argtree.explorer`), printing (`argtree.cli`).
"""

import logging
import time
from collections.abc import Callable, Sequence
from threading import Event, Thread

from sqlalchemy import Engine

from argtree.errors import ArgtreeError
from argtree.expanding import OUT_OF_USE
from argtree.explorer import EXPANSIONS_AT_ONCE, Explorer
from argtree.workers import Assistant, Bell, ring_for
from models.elicitation import Elicitor
from models.generations import Registry
from store import claims, ranking
from store.database import read_scope
from store.own_questions import own_roots

EXPANSIONS_PER_RANKING = 5  # or a step's, if more
POLL_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 60.0  # before a model that couldn't be used is tried again

log = logging.getLogger("argtree.daemon")


def run(
    explorer: Explorer,
    stop: Event,
    poll_seconds: float = POLL_SECONDS,
    follow_fn: Callable[[str], Elicitor | None] | None = None,
    assistants: Sequence[Assistant] = (),
    pose_fn: Callable[[Event], int] | None = None,
) -> None:
    """Explore all roots, take on posed questions and keep the queue ranked, until `stop` is set.

    It is asleep while there is nothing worth doing.

    What fails is logged and tried again later; nothing but `stop` ends it. While the model can't be used, the queue is
    ranked all the same, and the model is tried again after ever longer pauses, of at most a minute.

    Args:
        follow_fn: asked before every few steps, with the name of the model in use; gives the one to go on with, None
            for the same. With it beliefs of other generations are asked anew, at the start and after each change.
        assistants: of the explorer; each expands in a thread of its own meanwhile.
        pose_fn: called with `stop` when nothing is left to explore; makes new roots and gives how many. See
            `argtree.posing`.
    """
    bell = Bell()
    threads = [Thread(target=_assist, args=(one, bell, stop, poll_seconds), daemon=True) for one in assistants]
    for thread in threads:
        thread.start()
    try:
        _lead(_Work(explorer, stop, follow_fn, pose_fn, assistants, bell), explorer, stop, poll_seconds)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _lead(work: "_Work", explorer: Explorer, stop: Event, poll_seconds: float) -> None:
    ranked: tuple[int, ...] | None = None
    again_at, pause = 0.0, poll_seconds
    while not stop.is_set():
        try:
            if time.monotonic() >= again_at:
                goes_on = work.once()
                pause = poll_seconds
                if goes_on:
                    continue
            elif (now := _watermark(explorer.engine)) != ranked:
                explorer.rank()
                ranked = now
        except OUT_OF_USE as error:
            if stop.is_set():
                return
            log.warning("Will be tried again in %.3g seconds: %s", pause, error)
            again_at, pause = time.monotonic() + pause, min(2 * pause, LONGEST_PAUSE_SECONDS)
            continue
        except ArgtreeError as error:
            log.warning("Will be tried again: %s", error)
        stop.wait(poll_seconds)


class _Work:
    """What the daemon does with the model, a few steps at a time."""

    def __init__(
        self,
        explorer: Explorer,
        stop: Event,
        follow_fn: Callable[[str], Elicitor | None] | None,
        pose_fn: Callable[[Event], int] | None,
        assistants: Sequence[Assistant],
        bell: Bell,
    ) -> None:
        self._explorer = explorer
        self._stop = stop
        self._follow_fn = follow_fn
        self._pose_fn = pose_fn
        self._assistants = assistants
        self._bell = bell
        self._is_renewed = follow_fn is None
        self._seen: tuple[int, ...] | None = None  # as of which the queue is ranked and nothing is left to explore

    def once(self) -> bool:
        """Follow, renew, take on what was posed, then rank and explore if anything changed; whether to go on at once.

        Raises:
            ArgtreeError: something failed; the next call goes on with what is left.
        """
        explorer = self._explorer
        if self._follow_fn is not None and (elicitor := self._follow_fn(explorer.elicitor.model.name)) is not None:
            log.info("Going on with %s.", elicitor.model.name)
            explorer.follow(elicitor)
            explorer.learn_from_answers()
            self._is_renewed = False
            self._bell.ring(len(self._assistants))
        if not self._is_renewed:
            are_up_to_date = all(one.is_up_to_date for one in self._assistants)
            explorer.renew_beliefs(self._stop)
            self._is_renewed, self._seen = are_up_to_date and not self._others_renew(), None
        self._bell.ring(explorer.take_posed())  # a new root changes the watermark
        before = _outlook(explorer)
        if before == self._seen:
            return False
        explorer.rank()
        done = _explore(explorer, self._stop, self._bell)
        if done or self._others_are_at_work():
            self._seen = None
            return done > 0
        is_done = _outlook(explorer) == before
        if is_done and self._pose_fn is not None and self._pose_fn(self._stop):
            return True
        self._seen = before if is_done else None
        if is_done:
            log.info("Nothing to explore: waiting for answers or new questions.")
        return True

    def _others_renew(self) -> bool:
        with read_scope(self._explorer.engine) as session:
            return bool(self._explorer.share.others(session, "renew"))

    def _others_are_at_work(self) -> bool:
        with read_scope(self._explorer.engine) as session:
            return bool(self._explorer.share.others(session))


class Follower:
    """Gives the generation in use whenever it is another than before; one that can't be loaded is not followed."""

    def __init__(self, registry: Registry, load_fn: Callable[[str], Elicitor]) -> None:
        """Args:
        registry: where the generation in use is written down.
        load_fn: gives what asks the model of a spec.
        """
        self.registry = registry
        self.load_fn = load_fn
        self._failed: str | None = None

    def __call__(self, name: str) -> Elicitor | None:
        """What to go on with instead of the model of that name; None for the same."""
        try:
            spec = self.registry.current().spec
            if spec in (name, self._failed):  # what failed is not tried again until another is promoted
                return None
            self._failed = spec
            elicitor = self.load_fn(spec)
        except ArgtreeError as error:
            log.warning("Going on with %s: %s", name, error)
            return None
        self._failed = None
        return elicitor


def _assist(assistant: Assistant, bell: Bell, stop: Event, poll_seconds: float) -> None:
    """Expand until `stop` is set; asleep while there is nothing to expand. What fails is logged and tried again.

    It is the leader that looks out for what comes into the store.
    """
    pause = poll_seconds
    while not stop.is_set():
        heard = bell.rung
        try:
            if not _step(assistant, bell):
                bell.wait(heard, LONGEST_PAUSE_SECONDS, stop)
            pause = poll_seconds
            continue
        except OUT_OF_USE as error:
            if not stop.is_set():
                log.warning("Will be tried again in %.3g seconds: %s", pause, error)
        except ArgtreeError as error:
            log.warning("Will be tried again: %s", error)
        except Exception:  # a bug here ends neither the others' work nor its own
            log.exception("Will be tried again in %.3g seconds.", pause)
        stop.wait(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _explore(explorer: Explorer, stop: Event, bell: Bell) -> int:
    """A few expansions, so that answers that come meanwhile soon bring a new ranking; how many."""
    done = 0
    while done < EXPANSIONS_PER_RANKING and not stop.is_set() and (expanded := _step(explorer, bell)):
        done += expanded
    return done


def _step(explorer: Explorer, bell: Bell) -> int:
    """Expand what is best to expand, under people's roots before all, and tell the others; how many claims."""
    asked = _peoples(explorer.engine)
    expanded = explorer.step(asked, EXPANSIONS_AT_ONCE)
    if not expanded and asked is not None:
        expanded = explorer.step(at_most=EXPANSIONS_AT_ONCE)
    for one in expanded:
        log.info("Expanded %r: %d arguments, %d new claims", one.text[:200], one.arguments, one.premises)
    ring_for(bell, expanded)
    return len(expanded)


def _outlook(explorer: Explorer) -> tuple[int, ...]:
    """What changes when there may be something new to explore: also when others let go of their work, or die."""
    with read_scope(explorer.engine) as session:
        return *ranking.watermark(session), len(explorer.share.others(session))


def _peoples(engine: Engine) -> list[str] | None:
    """The keys of the roots that people asked about; None for all, where only one of both asked about any."""
    with read_scope(engine) as session:
        own = own_roots(session)
        return ([key for _, key in claims.root_keys(session) if key not in own] or None) if own else None


def _watermark(engine: Engine) -> tuple[int, ...]:
    with read_scope(engine) as session:
        return ranking.watermark(session)
