"""Whose scan is segmented when: visitors wait in a line for the two cores and the memory of a small server."""

import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TOLD_EVERY = 0.5  # seconds
# How long one visitor's Python runs on while another's waits for it after each piece of work that needed none: a fifth
# of Python's own interval. A move has some hundred such pieces.
SWITCHED_EVERY = 0.001  # seconds


class FairQueue:
    """A line of which so many are served at a time, in the order in which they came.

    Parameters
    ----------
    places : int
        How many are served at a time.
    """

    def __init__(self, capacity: int) -> None:
        self._places = capacity
        self._line = deque[object]()  # those who are served stand in front
        self._moved = threading.Condition()

    @contextmanager
    def turn(self, waiting: Callable[[int], None]) -> Iterator[None]:
        """Wait for a turn and hold it.

        Parameters
        ----------
        waiting : callable
            Called twice a second with how many are before this one, whoever is served included. What it raises leaves
            the line: so a visitor who is gone or wants another scan holds up nobody.
        """
        ticket = object()
        with self._moved:
            self._line.append(ticket)
        try:
            while before := self._before(ticket):
                waiting(before)
            yield
        finally:
            with self._moved:
                self._line.remove(ticket)
                self._moved.notify_all()

    def _before(self, ticket: object) -> int:
        """How many are before this one, after half a second in which it was not its turn; 0 when it is."""
        with self._moved:
            position = self._line.index(ticket)
            if position < self._places:
                return 0
            self._moved.wait(TOLD_EVERY)
            position = self._line.index(ticket)
            return position if position >= self._places else 0


# A volume from nothing takes seconds of a core, and of memory twice what is kept of it: one at a time.
WHOLE = FairQueue(1)
# The last stages of one take as much memory, but less than a second.
VOLUME_AGAIN = FairQueue(1)
# A picture from nothing takes a second, so many who come at once wait for each other and not all for all.
PICTURE = FairQueue(1)
# The last stages of one are done before the next move of a slider. They never wait for the others.
PICTURE_AGAIN = FairQueue(2)


def switch_often() -> None:
    """Have the interpreter go from one visitor to the next more often than it does by default."""
    sys.setswitchinterval(SWITCHED_EVERY)
