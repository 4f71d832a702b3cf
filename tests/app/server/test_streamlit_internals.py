"""What the page needs of Streamlit beyond its promises, held against the real library: an upgrade fails here first."""

import json
import re
import subprocess
from pathlib import Path

import pytest

import mriseg
from mriseg.app.server import streamlit_internals as internals
from tests.visitor import ROOT, Server, Visitor, visited

# A page that uses each function as ours does, and says what came of it.
SCRIPT = """
import json
import streamlit as st
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.state import SafeSessionState, SessionState
from streamlit.runtime.state.common import WidgetMetadata
from mriseg.app.server import streamlit_internals as internals

KIND = {"name": "a.txt", "kind": "text/plain"}
runtime, session, context = internals.server(), internals.current_session(), get_script_run_ctx()
first = st.query_params.get("of", session.id)
said = {"id": session.id, "same": internals.session_id() == session.id == context.session_id}
said["connected"] = [internals.is_connected(runtime, session.id), internals.is_connected(runtime, "nobody")]

class Watcher:
    def __init__(self):
        self.told = []

    def expect(self, session, ids):
        self.told.append(["expect", session, ids])

    def keep(self, session, file_id, content):
        self.told.append(["keep", session, file_id, len(content)])

    def forget(self, session, file_id=None):
        self.told.append(["forget", session, file_id])

if "watcher" not in st.session_state:
    st.session_state["watcher"] = Watcher()
watcher = st.session_state["watcher"]
internals.watch_uploads(runtime, watcher)
file = st.file_uploader("File", key="upload")
if file is not None:
    received = context.uploaded_file_mgr.get_files(session.id, [file.file_id])
    said["upload"] = [file.name, len(file.getvalue()), [len(one.data) for one in received]]
    internals.forget_upload(file)
    said["forgotten"] = len(context.uploaded_file_mgr.get_files(session.id, [file.file_id]))
    internals.forget_file(runtime, session.id, "another")
    said["file"] = file.file_id
    said["told"] = list(watcher.told)

def is_there(content):
    return any(one.content == content for one in runtime.media_file_mgr._storage._files_by_id.values())

for holder in ("one", "two"):
    internals.hold_download(runtime, holder, b"held", **KIND)
internals.sweep_downloads(runtime)
held = [is_there(b"held")]
for holder in ("one", "two"):
    internals.release_download(runtime, [holder])
    internals.sweep_downloads(runtime)
    held.append(is_there(b"held"))
said["held"] = held
internals.hold_download(runtime, "gone", b"of one who left", **KIND)
internals.forget_session(runtime, "gone")
internals.sweep_downloads(runtime)
said["left"] = is_there(b"of one who left")

state = SafeSessionState(SessionState(), lambda: None)
state["kept"] = "a scan"
sent = WidgetState(id="$$ID-0-slider", string_value="no number")
state._state.set_widgets_from_proto(WidgetStates(widgets=[sent]))
state._state._set_widget_metadata(WidgetMetadata(sent.id, float, str, "double_value"))
said["emptied"] = [internals.empty_session(state), "kept" in state, internals.empty_session(state)]
st.text(json.dumps(said))
"""


class Reader(Visitor):
    """One who reads what the script says."""

    def result(self) -> str | None:
        texts = [one.element.text.body for one in self._shown.values() if one.element.WhichOneof("type") == "text"]
        return texts[0] if texts else None


@pytest.fixture(scope="module")
def said(tmp_path_factory) -> tuple[dict, dict]:
    """What the script says before and after an upload of 1000 bytes."""
    script = tmp_path_factory.mktemp("contract") / "entry.py"
    script.write_text(SCRIPT)
    server = Server(subprocess.DEVNULL, environment={"PYTHONPATH": str(ROOT)}, script=script)

    async def meet() -> tuple[str | None, str | None]:
        reader = Reader(server.address)
        await reader.arrive()
        before = reader.result()
        await reader.drop("a.bin", bytes(1000))
        after = reader.result()
        await reader.leave()
        return before, after

    try:
        before, after = visited(meet())
    finally:
        server.stop()
    return json.loads(before), json.loads(after)


@pytest.mark.slow
def test_a_run_knows_its_session_and_who_is_connected(said):
    for run in said:
        assert run["id"]
        assert run["same"]
        assert run["connected"] == [True, False]
    assert said[0]["id"] == said[1]["id"]


def test_streamlit_holds_of_an_upload_nothing_but_its_name_and_the_watcher_is_told_of_all(said):
    run = said[1]
    assert run["upload"] == ["a.bin", 0, [0]]
    session, file = run["id"], run["file"]
    assert [told for told in run["told"] if told[1] == session] == [
        ["expect", session, [file]],
        ["keep", session, file, 1000],
        ["forget", session, file],
        ["forget", session, "another"],
    ]


def test_an_upload_is_forgotten(said):
    assert said[1]["forgotten"] == 0


def test_a_session_is_emptied_whatever_was_sent_for_a_control(said):
    assert said[1]["emptied"] == [True, False, False]


def test_a_file_stays_for_whoever_it_is_held_for_and_no_longer(said):
    assert said[0]["held"] == said[1]["held"] == [True, True, False]


def test_of_one_who_left_no_file_stays(said):
    assert said[0]["left"] is said[1]["left"] is False


def test_outside_of_a_run_there_is_no_session_and_no_server():
    assert internals.current_session() is None
    assert internals.session_id() == ""


def test_nothing_else_uses_what_streamlit_does_not_promise():
    inside = re.compile(r"streamlit\.(runtime|proto|elements|delta_generator|web)")
    package = Path(mriseg.__file__).parent
    users = {file.name for file in package.rglob("*.py") if inside.search(file.read_text("utf-8"))}
    assert users == {"streamlit_internals.py"}
