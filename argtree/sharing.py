"""An explorer's part of the work on a store that others work on too: what it takes, keeps while it is at it, and ends.

Not here: the leases themselves (`store.work`), what is worth doing (`argtree.search`, `argtree.virtual_loss`), several
explorers in one process (`argtree.workers`).
"""

import logging
import os
import socket
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from threading import Event, Lock, Thread
from uuid import uuid4

from sqlalchemy import Engine
from sqlmodel import Session

from argtree.errors import ArgtreeError
from store import work
from store.database import session_scope
from store.locks import Turn, take_turn

LEASE_SECONDS = 60.0  # so long, at most, the work of a process that was killed on another host lies idle
RENEW_SECONDS = 15.0  # a quarter: a lease outlasts a few renewals that fail

log = logging.getLogger("argtree.daemon")

Fits = Callable[[Session, set[str]], set[str]]
"""Says of which subjects the work is still to be done, in the transaction that takes them."""


class Share:
    """What one explorer holds."""

    def __init__(self, engine: Engine, now_fn: Callable[[], datetime]) -> None:
        """Args:
        engine: of the store.
        now_fn: gives the time, aware.
        """
        self._engine = engine
        self._now = now_fn
        self._worker = work.Worker(uuid4().hex, _host(), os.getpid())
        self.turn = Lock()  # to look and take: threads that share it never choose alike
        self.held = 0  # claims that it took to expand, until it is done with them
        self._finished: set[str] = set()  # of these
        self.is_held_up = False  # its last choice was none, and others were at work where it looked

    def others(self, session: Session, kind: work.Work = "expand") -> frozenset[str]:
        """Returns what others are at work on, and still run as far as can be told."""
        return work.others_work(session, kind, self._worker, self._now(), self._lost(session))

    def take(self, kind: work.Work, subjects: Sequence[str], fits_fn: Fits) -> list[str]:
        """Returns those of the subjects that it holds from now on, in their order: what others hold is left out.

        Args:
            kind: of work.
            subjects: to be taken.
            fits_fn: what it leaves out is not taken either.
        """
        if not subjects:
            return []
        with session_scope(self._engine) as session:
            now = self._now()
            until = now + timedelta(seconds=LEASE_SECONDS)
            taken = work.take_work(session, kind, subjects, self._worker, now, until, self._lost(session))
            fit = fits_fn(session, taken) if taken else taken
            if taken - fit:  # done since it was looked at
                work.end_work(session, kind, taken - fit, self._worker)
        return [one for one in subjects if one in fit]

    @contextmanager
    def keeping(self, kind: work.Work, taken: Collection[str]) -> Iterator[None]:
        """Keeps what was taken until the block ends; what the block does not `finish` is anybody's then."""
        if not taken:
            yield
            return
        self.held, left = len(taken) if kind == "expand" else 0, set(taken)
        self._finished.clear()
        done = Event()
        thread = Thread(target=self._keep, args=(done,), daemon=True)
        thread.start()
        try:
            yield
            left -= self._finished
        finally:
            done.set()
            thread.join()
            self.held = 0
            if left:
                self._give_back(kind, left)

    def finish(self, session: Session, kind: work.Work, subjects: Collection[str]) -> set[str]:
        """Ends the hold on subjects in the transaction that stores what came of them; those that may be stored.

        Left out is what others took over because the lease had run out: they do it anew.
        """
        take_turn(session, Turn.GROW)  # before the turn of the leases, as all who take both do
        self._finished.update(subjects)
        return work.end_work(session, kind, subjects, self._worker)

    def _give_back(self, kind: work.Work, subjects: Collection[str]) -> None:
        try:
            with session_scope(self._engine) as session:
                work.end_work(session, kind, subjects, self._worker)
        except ArgtreeError as error:
            log.warning("Work that was begun is nobody's only in %.0f seconds: %s", LEASE_SECONDS, error)

    def _keep(self, done: Event) -> None:
        while not done.wait(RENEW_SECONDS):
            try:
                with session_scope(self._engine) as session:
                    work.renew_work(session, self._worker, self._now() + timedelta(seconds=LEASE_SECONDS))
            except ArgtreeError as error:
                log.warning("Leases on work could not be renewed: %s", error)

    def _lost(self, session: Session) -> list[str]:
        """Workers of this host whose process is gone."""
        there = work.workers_on(session, self._worker.host)
        return [token for token, pid in there.items() if not _is_running(pid)]


def as_seen(arguments: Mapping[str, int]) -> Fits:
    """Of claims that are to be expanded: nobody has expanded them since so many arguments about each were seen."""

    def fits(session: Session, keys: set[str]) -> set[str]:
        return work.still_open(session, {key: arguments[key] for key in keys})

    return fits


def as_stale(generation: str, kind: str) -> Fits:
    """Of claims whose belief is to be renewed: nobody has done it yet."""

    def fits(session: Session, keys: set[str]) -> set[str]:
        return work.still_stale(session, keys, generation, kind)

    return fits


@cache
def _host() -> str:
    """What tells where a process number means this process: containers of one name have numbers of their own."""
    try:
        return f"{socket.gethostname()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:  # not Linux
        return socket.gethostname()


def _is_running(pid: int) -> bool:
    """Whether there is a process of that number; said of all where it cannot be asked without harm."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True
