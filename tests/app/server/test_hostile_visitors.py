"""Visitors who send what no browser sends, on the real server: nobody else notices, and nothing of theirs stays."""

import asyncio
import http.client
import json
import subprocess
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState

from tests.patience import PATIENCE
from tests.visitor import ROOT, XSRF_COOKIE, Server, Visitor, own_picture, visited

pytestmark = pytest.mark.slow

# The page, and for who asks what the server holds for each visitor.
ENTRY = """
import streamlit as st

if __name__ == "__main__":
    if "held" in st.query_params:
        import json

        from mriseg.app.server import budget, sessions

        held = {name: sessions.SEGMENTATION in visitor.state for name, visitor in sessions._visitors.items()}
        st.text(json.dumps({"held": held, "uploaded": {name: budget.uploaded(name) for name in held}}))
    else:
        from mriseg.app.page import run

        run()
else:
    from mriseg.app.server.serving import MIDDLEWARE, serving

    app = st.App(__file__, lifespan=serving, middleware=MIDDLEWARE)
"""
GOES_WITHIN = (
    40.0  # seconds that the page has to let go of who left, with the time that it waits whether they come back
)
SMALL = 128  # pixels of a side of pictures


class Looking(Visitor):
    """One who looks what the server holds."""

    def result(self) -> str | None:
        texts = [one.element.text.body for one in self._shown.values() if one.element.WhichOneof("type") == "text"]
        return texts[0] if texts else None

    async def held(self) -> dict:
        """What it holds now."""
        await self._run()
        return json.loads(self.result())


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    """The page, and who looks."""
    script = tmp_path_factory.mktemp("hostile") / "entry.py"
    script.write_text(ENTRY)
    few = ("--server.disconnectedSessionTTL=25", "--client.showErrorDetails=none")
    serving = Server(subprocess.DEVNULL, few, environment={"PYTHONPATH": str(ROOT)}, script=script)
    yield serving
    serving.stop()


def malformed(control: str) -> list[WidgetState]:
    """A control in each state that it may not be in."""
    states = [WidgetState(id=control) for _ in range(16)]
    states[0].string_value = "no number"
    states[1].double_value = float("nan")
    states[2].double_array_value.data.extend([float("nan"), float("inf"), 1e308])
    states[3].bytes_value = b"\xff\x00"
    states[4].int_value = 2**53
    states[5].int_array_value.data.extend([-1, 2**53])
    states[6].string_array_value.data.extend(["no such choice"] * 1000)
    states[7].json_value = "{not JSON"
    states[8].json_value = json.dumps([None, {"request": "x"}])
    states[9].trigger_value = True
    states[10].bool_value = True
    states[11].string_value = "x" * 1_000_000
    states[12].string_trigger_value.data = "x"
    states[13].file_uploader_state_value.uploaded_file_info.add(file_id="never issued", name="../a", size=2**63)
    states[14].json_trigger_value = "]"
    return states  # the last has no value


async def misbehave(visitor: Visitor) -> None:
    """Send each malformed state of each control, and some that are no control's."""
    for control in [*visitor.controls(), "analysis", "taken uploads", "$$ID-unknown"]:
        for state in malformed(control):
            await visitor.send_states([state])
        await asyncio.sleep(0.3)
    await visitor.send_states([malformed(control)[0] for control in visitor.controls()])


def test_who_left_is_let_go_of_while_another_sends_malformed_values_for_every_control(server):
    async def meet() -> tuple[float, float, int]:
        leaver, hostile, hostile_leaver, stayer = (Visitor(server.address) for _ in range(4))
        for number, visitor in enumerate((leaver, hostile, hostile_leaver, stayer)):
            await visitor.arrive()
            await visitor.drop("slice.png", own_picture(number, SMALL))
        looking = Looking(server.address, "held=1")
        await looking.arrive()
        assert (await looking.held())["held"][leaver.session]
        count = len(hostile.controls())
        await misbehave(hostile_leaver)
        await hostile_leaver.vanish()
        await leaver.leave()
        left = time.monotonic()
        misbehaving = asyncio.create_task(misbehave(hostile))
        while (await looking.held())["held"].get(leaver.session) and time.monotonic() < left + 2 * GOES_WITHIN:
            await asyncio.sleep(1)
            if misbehaving.done():
                misbehaving = asyncio.create_task(misbehave(hostile))
        seconds = time.monotonic() - left
        await misbehaving
        moved = await stayer.move("Spatial smoothing strength", 2.0)
        assert (await looking.held())["held"][stayer.session]
        for visitor in (hostile, stayer, looking):
            await visitor.leave()
        return seconds, moved, count

    seconds, _, count = visited(meet())
    assert count > 15
    assert seconds < GOES_WITHIN


def test_uploads_that_nobody_asked_for_or_that_are_too_much_are_refused_unread(server):
    async def meet() -> list[int]:
        visitor = Visitor(server.address)
        await visitor.arrive()
        urls = [url.upload_url for url in await visitor.addresses(["a.nii", "b.nii", "c.nii"])]
        never = urls[0].rpartition("/")[0] + "/0"
        await asyncio.to_thread(visitor.put, urls[0], "a.nii", bytes(1000))
        statuses = [
            status(visitor, never, 1000),
            status(visitor, urls[1], 190_000_000, patience=2.0),  # it is let in, and waited for
            status(visitor, urls[2], 190_000_000),
            status(visitor, urls[2], 190_000_000, token=""),
        ]
        looking = Looking(server.address, "held=1")
        await looking.arrive()
        # The gate looks once a second at what it waits for, later on a busy machine.
        until = time.monotonic() + GOES_WITHIN
        while (held := (await looking.held())["uploaded"][visitor.session]) and time.monotonic() < until:
            await asyncio.sleep(0.5)
        statuses.append(held)
        for someone in (visitor, looking):
            await someone.leave()
        return statuses

    unknown, first, second, foreign, held = visited(meet())
    assert unknown == 404
    assert (first, second, foreign) == (0, 413, 403)
    assert held == 0  # what came before was dropped with them


def status(visitor: Visitor, url: str, size: int, token: str | None = None, patience: float = PATIENCE) -> int:
    """What the server answers to the head of an upload of so many bytes; 0 if it waits for them for so many seconds."""
    place = urlsplit(visitor.address)
    line = http.client.HTTPConnection(place.hostname or "", place.port, timeout=patience)
    _open.append(line)
    line.putrequest("PUT", url)
    line.putheader("Cookie", f"{XSRF_COOKIE}={visitor.cookie}")
    line.putheader("X-Xsrftoken", visitor.cookie if token is None else token)
    line.putheader("Content-Type", "multipart/form-data; boundary=x")
    line.putheader("Content-Length", str(size))
    line.endheaders()
    try:
        return line.getresponse().status
    except TimeoutError:
        return 0


_open: list[http.client.HTTPConnection] = []  # stand as long as the test
