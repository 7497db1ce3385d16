"""Writers of one process to one SQLite file, first come first served.

SQLite lets whoever looks at the right moment write next, which is mostly whoever has just written; of many raters on
one page some would wait until they are told that the store is locked.
"""

import threading
from collections import deque
from weakref import WeakValueDictionary


class Turnstile:
    """Lets one in at a time, in the order in which they came."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._is_taken = False
        self._waiting: deque[threading.Lock] = deque()  # each locked until its owner's turn

    def enter(self, seconds: float) -> bool:
        """Waits for the turn, at most so long; says whether it came. Who entered must leave."""
        with self._mutex:
            if not self._is_taken:
                self._is_taken = True
                return True
            gate = threading.Lock()
            gate.acquire()
            self._waiting.append(gate)
        if gate.acquire(timeout=max(0.0, seconds)):
            return True
        with self._mutex:
            if gate in self._waiting:
                self._waiting.remove(gate)
                return False
            return True  # it came at the last moment

    def leave(self) -> None:
        """Hands the turn to who waits longest."""
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_taken = False


_of_files: WeakValueDictionary[str, Turnstile] = WeakValueDictionary()
_finding = threading.Lock()


def turnstile(file: str) -> Turnstile:
    """Returns the one of a file, by its full path; all who have it in hand at a time share it."""
    with _finding:
        return _of_files.setdefault(file, Turnstile())
