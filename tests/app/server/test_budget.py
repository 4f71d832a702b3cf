"""What the server holds of visitors, and what it refuses beside that."""

import gc
import weakref

import pytest

from mriseg.app.server import budget
from mriseg.app.server.budget import Refusal

MB = 1_000_000


class Holds:
    """Something that keeps bytes of a visitor."""

    def __init__(self, session: str, uploads: int, results: int = 0) -> None:
        self.session, self.uploads, self.results = session, uploads, results
        budget.count_in(self)

    def upload_bytes(self, session: str | None) -> int:
        return self.uploads if session in (None, self.session) else 0

    def result_bytes(self) -> int:
        return self.results


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """A server that keeps 100 MB, of uploads 80, of one visitor 50."""
    monkeypatch.setattr(budget, "_holders", weakref.WeakSet())
    for name, size in (("KEPT_BYTES", 100), ("UPLOAD_BYTES", 80), ("VISITOR_UPLOAD_BYTES", 50)):
        monkeypatch.setattr(budget, name, size * MB)
    monkeypatch.setattr(budget, "LITTLE_BYTES_OF_ALL", 10 * MB)


@pytest.mark.parametrize(
    ("mine", "theirs", "results", "more", "why"),
    [
        (0, 0, 0, 50, None),
        (0, 0, 0, 51, Refusal.TOO_MUCH),
        (30, 0, 0, 21, Refusal.TOO_MUCH),
        (30, 0, 0, 20, None),
        (0, 40, 0, 30, None),
        (0, 40, 0, 31, Refusal.NO_ROOM),
        (0, 69, 0, 2, None),  # a picture finds room where no volume does
        (0, 79, 0, 2, Refusal.NO_ROOM),  # but not for ever
        (0, 0, 60, 30, None),
        (0, 0, 60, 31, Refusal.NO_ROOM),
    ],
)
def test_an_upload_is_refused_that_is_too_much_for_one_or_for_all(mine, theirs, results, more, why):
    here = Holds("me", mine * MB), Holds("another", theirs * MB, results * MB)
    assert budget.refusal("me", more * MB) is why
    assert budget.uploaded("me") == mine * MB
    assert budget.held() == (mine + theirs + results) * MB
    del here


def test_what_is_let_go_of_is_counted_no_longer():
    here = Holds("me", 40 * MB)
    assert budget.uploaded() == 40 * MB
    del here
    gc.collect()
    assert budget.uploaded() == budget.held() == 0


def test_a_scan_that_is_segmented_leaves_uploads_less_room():
    with budget.reserved(70 * MB), budget.reserved(5 * MB):
        assert budget.room() == 25 * MB
        assert budget.refusal("me", 20 * MB) is Refusal.NO_ROOM
    assert budget.refusal("me", 20 * MB) is None
    with budget.reserved(200 * MB):
        assert budget.room() == 0


def test_a_refusal_of_what_was_dropped_says_what_to_do():
    for refusal in Refusal:
        assert refusal.sentence.count(".") >= 2
        assert 400 <= refusal.status < 500
    assert " 250 MB " in Refusal.TOO_MUCH.sentence
