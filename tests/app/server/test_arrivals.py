"""Files on their way from a browser to the page."""

import weakref

import pytest

from mriseg.app.server import arrivals as module
from mriseg.app.server import budget
from mriseg.app.server.arrivals import UNTOLD_AFTER, Arrivals, UploadRefusedError
from mriseg.app.server.budget import Refusal

KB = 1000


@pytest.fixture
def expected(monkeypatch) -> Arrivals:
    """Two files of one drop are expected, where 100 kB of one visitor are held."""
    monkeypatch.setattr(budget, "_holders", weakref.WeakSet())
    monkeypatch.setattr(budget, "VISITOR_UPLOAD_BYTES", 100 * KB)
    arrivals = Arrivals()
    arrivals.expect("me", ["one", "two"])
    return arrivals


def come(arrivals: Arrivals, file_id: str, size: int, session: str = "me") -> None:
    """A file comes, from its first byte to its last."""
    arrival = arrivals.begin(session, file_id, size)
    try:
        arrivals.keep(session, file_id, bytes(size))
    finally:
        arrivals.end(arrival)


def test_a_file_is_here_until_the_page_takes_it(expected):
    come(expected, "one", 60 * KB)
    assert expected.content("me", "one") == bytes(60 * KB)
    assert expected.upload_bytes("me") == expected.upload_bytes(None) == 60 * KB
    assert expected.upload_bytes("another") == 0
    expected.release("me", "one")
    assert expected.content("me", "one") is None
    assert expected.upload_bytes(None) == 0


@pytest.mark.parametrize(("session", "file_id"), [("me", "never asked for"), ("another", "one")])
def test_a_file_that_nobody_asked_for_is_not_taken(expected, session, file_id):
    for act in (lambda: expected.begin(session, file_id, 10), lambda: expected.keep(session, file_id, b"10")):
        with pytest.raises(UploadRefusedError) as refused:
            act()
        assert refused.value.status_code == 404
    assert expected.upload_bytes(None) == 0


def test_a_file_is_sent_once(expected):
    arrival = expected.begin("me", "one", 10)
    with pytest.raises(UploadRefusedError):
        expected.begin("me", "one", 10)
    expected.end(arrival)
    come(expected, "one", 20)  # the connection had broken, and the browser tries again
    expected.release("me", "one")
    for act in (lambda: expected.begin("me", "one", 10), lambda: expected.keep("me", "one", b"10")):
        with pytest.raises(UploadRefusedError):
            act()


def test_one_file_too_much_refuses_all_that_were_dropped_with_it_and_no_others(expected):
    expected.expect("me", ["earlier"])
    come(expected, "earlier", 10 * KB)
    come(expected, "one", 60 * KB)
    with pytest.raises(UploadRefusedError) as refused:
        expected.begin("me", "two", 60 * KB)
    assert refused.value.status_code == 413
    assert expected.refusal("me", ["one"]) is Refusal.TOO_MUCH
    assert expected.content("me", "one") is None
    assert expected.refusal("me", ["earlier"]) is None
    assert expected.upload_bytes("me") == 10 * KB
    expected.expect("me", ["later"])
    come(expected, "later", 90 * KB)


def test_an_upload_that_grows_beyond_what_it_said_is_counted_and_ends(expected):
    arrival = expected.begin("me", "one", 0)
    expected.reserve(arrival, 80 * KB)
    assert expected.upload_bytes("me") == 80 * KB
    other = expected.begin("me", "two", 10 * KB)
    with pytest.raises(UploadRefusedError):
        expected.reserve(arrival, 120 * KB)
    with pytest.raises(UploadRefusedError):  # it was dropped with that one
        expected.reserve(other, 10 * KB)
    expected.end(arrival)
    expected.end(other)
    assert expected.upload_bytes(None) == 0


def test_too_many_files_are_refused_and_what_was_never_sent_makes_room(monkeypatch, expected):
    monkeypatch.setattr(module, "MOST_FILES", 4)
    come(expected, "one", 10)
    expected.expect("me", ["a", "b", "c"])  # "two" was never sent
    come(expected, "a", 10)
    with pytest.raises(UploadRefusedError):
        expected.begin("me", "two", 10)
    expected.expect("me", list("vwxyz"))
    with pytest.raises(UploadRefusedError) as refused:
        expected.begin("me", "v", 10)
    assert refused.value.refusal is Refusal.TOO_MANY


def test_files_that_the_page_is_not_told_of_are_let_go_of(expected):
    come(expected, "one", 10)
    since = expected._files["me"]["one"].since
    assert expected.forget_untold(since + UNTOLD_AFTER - 1) == []
    arriving = expected.begin("me", "two", 10)
    assert expected.forget_untold(since + 10 * UNTOLD_AFTER) == []  # a long drop is told when its last file is here
    expected.end(arriving)
    assert expected.forget_untold(since + 10 * UNTOLD_AFTER) == [("me", "one")]
    assert expected.upload_bytes(None) == 0


def test_of_who_left_nothing_arrives(expected):
    come(expected, "one", 10)
    arriving = expected.begin("me", "two", 10)
    expected.forget("me")
    assert expected.upload_bytes(None) == 0
    with pytest.raises(UploadRefusedError):
        expected.reserve(arriving, 10)


def test_why_a_drop_was_not_taken_is_news_once(expected):
    assert expected.news("me") is None
    with pytest.raises(UploadRefusedError):
        expected.begin("me", "one", 200 * KB)
    assert expected.news("me") is Refusal.TOO_MUCH
    assert expected.news("me") is None
    expected.expect("me", ["three"])
    assert expected.news("me") is None
