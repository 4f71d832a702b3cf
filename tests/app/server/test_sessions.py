"""What the server holds for visitors, and when it lets go of it."""

import threading
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from mriseg.app.server import download_cache, sessions
from mriseg.app.server.sessions import (
    FORGOTTEN_AFTER,
    GONE_AFTER,
    Visitor,
    evict_to_fit,
    make_room,
    sweep_gone_sessions,
)


class State(dict):
    """A session's state, as Streamlit keeps it."""

    def __init__(self, **stored: object) -> None:
        super().__init__(stored)
        self._lock, self._state = threading.RLock(), self
        self._new_widget_state = SimpleNamespace(states={}, widget_metadata={})


@dataclass(frozen=True)
class Held:
    """Of which more than half can be let go of."""

    is_aside: bool = False

    @property
    def kept_bytes(self) -> int:
        return 40_000_000 if self.is_aside else 100_000_000

    def put_aside(self) -> "Held":
        return Held(True)


class Server:
    """Streamlit's part that knows who is connected."""

    def __init__(self) -> None:
        self.active: set[str] = set()
        self.emptied: list[str] = []
        self.uploaded_file_mgr = SimpleNamespace(remove_session_files=self.emptied.append)
        self.media_file_mgr = SimpleNamespace(
            clear_session_refs=self.emptied.append, remove_orphaned_files=lambda: None
        )

    def is_active_session(self, session: str) -> bool:
        return session in self.active


@pytest.fixture
def there(monkeypatch):
    """Three visitors, the first of whom came last; each holds 100 MB."""
    known = {name: Visitor(State(analysis=Held()), seen) for name, seen in (("a", 3.0), ("b", 1.0), ("c", 2.0))}
    monkeypatch.setattr(sessions, "_visitors", known)
    return known


def test_what_a_visitor_left_is_let_go_of_after_a_while_and_not_before(there):
    server = Server()
    server.active = {"b", "c"}
    left = there["a"].state
    sweep_gone_sessions(server, 100.0)
    sweep_gone_sessions(server, 100.0 + GONE_AFTER - 1)
    assert "analysis" in left
    sweep_gone_sessions(server, 100.0 + GONE_AFTER)
    assert left == {}
    assert set(server.emptied) == {"a"}
    assert "analysis" in there["b"].state
    left["analysis"] = Held()  # a page that was at work when it was left comes to its end
    sweep_gone_sessions(server, 100.0 + 2 * GONE_AFTER)
    assert left == {}
    sweep_gone_sessions(server, 100.0 + FORGOTTEN_AFTER)
    assert set(there) == {"b", "c"}


def test_who_comes_back_in_time_loses_nothing(there):
    server = Server()
    server.active = {"a", "b"}
    sweep_gone_sessions(server, 0.0)
    server.active.add("c")
    sweep_gone_sessions(server, GONE_AFTER - 1)
    server.active.remove("c")
    sweep_gone_sessions(server, GONE_AFTER)
    sweep_gone_sessions(server, 2 * GONE_AFTER - 1)
    assert "analysis" in there["c"].state


def test_with_the_last_nothing_is_held(there):
    server = Server()
    sweep_gone_sessions(server, 0.0)
    sweep_gone_sessions(server, GONE_AFTER)
    assert not any(visitor.state for visitor in there.values())
    assert set(server.emptied) == {"a", "b", "c"}


class Malformed(State):
    """Of a visitor who sent what no browser sends."""

    def clear(self) -> None:
        raise ValueError("a string for a slider")


def test_what_fails_for_one_visitor_keeps_nothing_of_another(there, monkeypatch):
    there["a"].state = Malformed(analysis=Held())
    server = Server()
    there["b"].left = there["a"].left = 0.0
    server.active = {"c"}
    monkeypatch.setattr(download_cache, "release", lambda *_: 1 / 0)
    sweep_gone_sessions(server, GONE_AFTER)
    assert there["b"].state == {}
    assert set(server.emptied) == {"a", "b"}
    assert "analysis" in there["c"].state


def test_an_upload_that_the_page_is_not_told_of_is_forgotten_by_streamlit_too(there, monkeypatch):
    server = Server()
    server.active = set(there)
    forgotten = []
    monkeypatch.setattr(sessions.arrivals, "forget_untold", lambda now: [("a", "one")])
    monkeypatch.setattr(sessions, "forget_file", lambda runtime, session, file_id: forgotten.append((session, file_id)))
    sweep_gone_sessions(server, 0.0)
    assert forgotten == [("a", "one")]


def test_the_watch_goes_on_whatever_happens(watch, monkeypatch):
    looked = []

    class Ended(BaseException):
        """The server is shut down."""

    def look(runtime: object, now: float) -> None:
        looked.append(now)
        raise Ended if len(looked) == 3 else ValueError("a string for a slider")

    monkeypatch.setattr(sessions, "sweep_gone_sessions", look)
    monkeypatch.setattr(sessions.time, "sleep", lambda seconds: None)
    with pytest.raises(Ended):
        watch(Server())


@pytest.mark.parametrize(
    ("limit", "whole", "aside"),
    [
        (530, "abc", ""),
        (500, "ac", "b"),
        (450, "a", "bc"),
        (410, "a", "bc"),
        (400, "a", "c"),
        (330, "a", ""),
        (0, "a", ""),
    ],
)
def test_room_is_made_of_what_was_used_longest_ago_and_never_of_ones_own(there, monkeypatch, limit, whole, aside):
    """200 MB are wanted and 130 lie there; two others hold 100 each, or 40 without the intensities."""
    monkeypatch.setattr(sessions, "KEPT_BYTES", limit * 1_000_000)
    monkeypatch.setattr(sessions, "session_id", lambda: "a")
    monkeypatch.setattr(sessions, "held", lambda: 130_000_000)
    evict_to_fit(200_000_000)
    left = {name: visitor.state["analysis"].is_aside for name, visitor in there.items() if "analysis" in visitor.state}
    assert "".join(name for name in sorted(left) if not left[name]) == whole
    assert "".join(name for name in sorted(left) if left[name]) == aside


@pytest.mark.parametrize(
    ("limit", "whole", "aside"), [(430, "abc", ""), (400, "ac", "b"), (320, "a", "bc"), (250, "", "abc"), (130, "", "")]
)
def test_for_an_upload_ones_own_segmentation_makes_room_last(there, monkeypatch, limit, whole, aside):
    monkeypatch.setattr(sessions, "KEPT_BYTES", limit * 1_000_000)
    monkeypatch.setattr(sessions, "held", lambda: 130_000_000)
    make_room("a")
    left = {name: visitor.state["analysis"].is_aside for name, visitor in there.items() if "analysis" in visitor.state}
    assert "".join(name for name in sorted(left) if not left[name]) == whole
    assert "".join(name for name in sorted(left) if left[name]) == aside


def test_a_visitor_who_holds_nothing_is_passed_over(there, monkeypatch):
    monkeypatch.setattr(sessions, "KEPT_BYTES", 0)
    monkeypatch.setattr(sessions, "session_id", lambda: "a")
    del there["b"].state["analysis"]
    evict_to_fit(1)
    assert "analysis" not in there["c"].state


def test_where_nobody_holds_anything_a_large_scan_is_still_let_in(monkeypatch):
    monkeypatch.setattr(sessions, "_visitors", {"a": Visitor(State(), 0.0), "b": Visitor(State(), 1.0)})
    monkeypatch.setattr(sessions, "KEPT_BYTES", 0)
    monkeypatch.setattr(sessions, "session_id", lambda: "a")
    evict_to_fit(200_000_000)


def test_what_is_put_aside_is_not_kept_as_an_earlier_state(there, monkeypatch):
    """Streamlit keeps what a run began with beside what it set, until the next run."""
    deleted = []
    monkeypatch.setattr(State, "__delitem__", lambda self, key: deleted.append(self.pop(key)), raising=False)
    monkeypatch.setattr(sessions, "KEPT_BYTES", 350_000_000)
    monkeypatch.setattr(sessions, "session_id", lambda: "a")
    evict_to_fit(200_000_000)
    assert deleted == [Held()]
    assert there["b"].state["analysis"] == Held(is_aside=True)
