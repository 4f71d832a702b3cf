"""The line that visitors stand in."""

import threading
import time

import pytest

from mriseg.app.server import queues as turns
from mriseg.app.server.queues import FairQueue
from tests.patience import PATIENCE


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(turns, "TOLD_EVERY", 0.01)


class Visitor(threading.Thread):
    """Takes a turn, notes what it is told, and is served until it is let go."""

    def __init__(self, line: FairQueue) -> None:
        super().__init__(daemon=True)
        self.line, self.told, self.begun, self.done = line, [], threading.Event(), threading.Event()
        self.waits = threading.Event()
        self.leaves = False

    def run(self) -> None:
        try:
            with self.line.turn(self.wait):
                self.begun.set()
                self.done.wait(PATIENCE)
        except RuntimeError:
            pass

    def wait(self, before: int) -> None:
        self.told.append(before)
        self.waits.set()
        if self.leaves:
            raise RuntimeError


def lined_up(line: FairQueue, count: int) -> list[Visitor]:
    visitors = []
    for _ in range(count):
        visitors.append(Visitor(line))
        visitors[-1].start()
        assert (visitors[-1].begun if len(visitors) == 1 else visitors[-1].waits).wait(PATIENCE)
    return visitors


def test_each_is_told_how_many_are_before_and_served_in_order():
    first, second, third = lined_up(FairQueue(1), 3)
    assert first.told == []
    assert set(second.told) == {1}
    assert third.told[0] == 2
    first.done.set()
    assert second.begun.wait(PATIENCE)
    assert not third.begun.is_set()
    until = time.monotonic() + PATIENCE
    while third.told[-1] != 1:
        assert time.monotonic() < until
    second.done.set()
    assert third.begun.wait(PATIENCE)
    assert sorted(set(third.told)) == [1, 2]
    third.done.set()


def test_who_leaves_holds_up_nobody():
    first, second, third = lined_up(FairQueue(1), 3)
    second.leaves = True
    second.join(PATIENCE)
    assert not second.is_alive()
    first.done.set()
    assert third.begun.wait(PATIENCE)
    third.done.set()


def test_who_fails_while_being_served_makes_room():
    line = FairQueue(1)
    with pytest.raises(ValueError, match="broken"), line.turn(lambda before: None):
        raise ValueError("broken")
    with line.turn(lambda before: pytest.fail("there is nobody before")):
        pass


def test_so_many_are_served_at_a_time_as_there_are_places():
    line = FairQueue(2)
    one, two = Visitor(line), Visitor(line)
    one.start()
    two.start()
    assert one.begun.wait(PATIENCE)
    assert two.begun.wait(PATIENCE)
    three = Visitor(line)
    three.start()
    assert three.waits.wait(PATIENCE)
    assert set(three.told) == {2}
    for visitor in (one, two, three):
        visitor.done.set()


@pytest.mark.parametrize("line", [turns.PICTURE, turns.PICTURE_AGAIN, turns.VOLUME_AGAIN])
def test_none_waits_for_a_whole_volume(line):
    with turns.WHOLE.turn(lambda before: None), line.turn(lambda before: pytest.fail("it waits")):
        pass


@pytest.mark.parametrize("line", [turns.WHOLE, turns.PICTURE, turns.VOLUME_AGAIN])
def test_a_picture_that_is_asked_again_waits_for_nobody_who_wants_more(line):
    with line.turn(lambda before: None), turns.PICTURE_AGAIN.turn(lambda before: pytest.fail("it waits")):
        pass
