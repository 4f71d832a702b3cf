"""Files that are made when they are asked for, in Streamlit's own keeping of them."""

import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from mriseg.app.server import download_cache
from mriseg.app.server.download_cache import HELD_FOR, release


class Server:
    """As much of Streamlit as makes, keeps and serves files."""

    def __init__(self) -> None:
        self.storage = MemoryMediaFileStorage("/media")
        self.media_file_mgr = MediaFileManager(self.storage)
        self.visitor = self.address = ""

    def ask(self, visitor: str, content: bytes, kind: str = download_cache.BYTES) -> str:
        """What a press of a button is answered."""
        self.visitor = visitor
        download_cache.download_button("Label", lambda: content, name="a.csv", key="key", kind=kind)
        return self.address

    def press(self, label: str, make: Callable[[], bytes], file_name: str, mime: str, **others: object):
        """Take the place of Streamlit's button, pressed as soon as it is drawn."""
        file_id = self.media_file_mgr.add_deferred(make, mime, "0", file_name)
        self.address = self.media_file_mgr.execute_deferred(file_id)

    def run(self, times: int = 2) -> None:
        """The page, for somebody."""
        for _ in range(times):
            self.media_file_mgr.remove_orphaned_files()

    def fetch(self, address: str) -> bytes | None:
        """What is there; None for nothing."""
        try:
            return self.storage.get_file(address.removeprefix("/media/")).content
        except MediaFileStorageError:
            return None


@pytest.fixture
def server(monkeypatch) -> Server:
    serving = Server()
    monkeypatch.setattr(download_cache, "server", lambda: serving)
    monkeypatch.setattr(download_cache, "st", SimpleNamespace(download_button=serving.press))
    monkeypatch.setattr(download_cache, "session_id", lambda: serving.visitor)
    monkeypatch.setattr(download_cache, "_held", {})
    return serving


@pytest.mark.parametrize("kind", [download_cache.BYTES, "application/zip"])
def test_what_was_made_is_there_for_a_while_however_often_the_page_runs_and_then_gone(server, kind):
    began = time.monotonic()
    address = server.ask("me", b"content", kind)
    server.run(5)
    release(server, began + HELD_FOR - 1, ())
    server.run(5)
    assert server.fetch(address) == b"content"
    release(server, time.monotonic() + HELD_FOR, ())
    assert server.fetch(address) is None
    assert server.storage._files_by_id == {}
    assert server.media_file_mgr._files_by_session_and_coord.keys() <= {"dontcare"}  # the button's, of no visitor


def test_with_its_visitor_it_is_gone_at_once(server):
    mine, others = server.ask("me", b"mine"), server.ask("you", b"yours")
    release(server, time.monotonic(), {"me"})
    assert server.fetch(mine) is None
    assert server.fetch(others) == b"yours"


def test_what_two_asked_for_is_there_for_the_second_when_the_first_is_gone(server):
    address = server.ask("me", b"the same")
    assert server.ask("you", b"the same") == address
    release(server, time.monotonic(), {"me"})
    server.run()
    assert server.fetch(address) == b"the same"
    release(server, time.monotonic(), {"you"})
    assert server.fetch(address) is None


def test_no_more_is_held_than_there_is_room_for_and_who_asks_often_makes_it(server, monkeypatch):
    monkeypatch.setattr(download_cache, "MOST_HELD_BYTES", 250)
    first, mine, second = server.ask("you", b"1" * 100), server.ask("me", b"2" * 100), server.ask("me", b"3" * 100)
    assert [server.fetch(address) is not None for address in (first, mine, second)] == [True, False, True]
    larger = server.ask("me", b"4" * 300)
    assert [server.fetch(address) is not None for address in (first, second, larger)] == [False, False, True]
