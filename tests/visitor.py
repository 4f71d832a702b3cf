"""Visitors of the page that are no browsers, and the server that they visit.

A browser costs more than the page that it shows: twenty on one machine would measure themselves. These speak what
Streamlit's own script in the browser speaks, protobuf over a websocket and uploads by HTTP, and keep of the page what
they need: its elements, by where they stand, and what they set its controls to.
"""

import asyncio
import http.client
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import urlsplit

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.messages import split_message
from tests.patience import PATIENCE

T = TypeVar("T")
ROOT = Path(__file__).parents[1]
ROUND_TRIP = 0.1  # seconds from the address of a download to its being asked for, on the way between two towns
XSRF_COOKIE = "_streamlit_xsrf"
DONE = ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY


class VisitError(Exception):
    """What a visitor must not meet: an error on the page, a refusal, a server that is gone."""


class Server:
    """The page on a free port of this machine.

    Parameters
    ----------
    log : file
        Where its output goes.
    options : sequence of str
        Further options of Streamlit.
    environment : dict of str, optional
        Added to this process's.
    script : Path
        Where it runs, too.
    """

    def __init__(
        self,
        log: IO[Any] | int,
        options: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
        script: Path = ROOT / "streamlit_app.py",
    ) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        fixed = "--server.fileWatcherType=none", "--server.headless=true", "--server.address=127.0.0.1"
        run = [sys.executable, "-m", "streamlit", "run", script.name, f"--server.port={self.port}"]
        self._command, self._log = [*run, *fixed, *options], log
        self._environment, self._folder = {**os.environ, **(environment or {})}, script.parent
        self._spent = 0.0
        self.start()

    def start(self) -> None:
        """Start it, also anew on the same port, and wait until it answers."""
        self.process = subprocess.Popen(
            self._command, cwd=self._folder, stdout=self._log, stderr=self._log, env=self._environment
        )
        end = time.monotonic() + PATIENCE
        while True:
            with suppress(OSError), urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=1):
                return
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise VisitError("the server does not answer")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it as an operator would."""
        self.process.terminate()
        self.process.wait(20)

    def kill(self) -> None:
        """End it as a machine out of memory would."""
        self._spent = self.cpu()
        self.process.kill()
        self.process.wait(20)

    def memory(self) -> tuple[float, float]:
        """Resident and private MB of it and its children; what several of them share is not in the latter."""
        resident = private = 0
        for pid in _family(self.process.pid):
            with suppress(OSError):
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
                    name, size = line.split()[:2]
                    resident += int(size) if name == "Rss:" else 0
                    private += int(size) if name.startswith("Private_") else 0
        return resident / 1024, private / 1024

    def most(self) -> float:
        """Resident MB of it, the most that there ever was."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    def cpu(self) -> float:
        """CPU seconds that it has used, without its children."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return self._spent + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in task.read_text().split():
                yield from _family(int(child))


def _is_busy(element: Any) -> bool:
    kind = element.WhichOneof("type")
    return kind == "html" and 'data-phase="work"' in element.html.body


@dataclass
class Shown:
    """An element of the page, the run of the script that drew it, and the fragment that it belongs to."""

    element: Any
    run: str
    fragment: str


class Visitor:
    """One session.

    Attributes
    ----------
    session : str
        What the server calls it; empty before `arrive`.
    """

    def __init__(self, address: str, query: str = "") -> None:
        self.address, self.query = address, query
        self.session = ""
        self.cookie = ""
        self._socket: ClientConnection | None = None
        self._listening: asyncio.Task[None] | None = None
        self._shown: dict[tuple[int, ...], Shown] = {}
        self._set: dict[str, WidgetState] = {}
        self._answers: dict[str, Any] = {}
        self._repeating: dict[str, asyncio.Task[None]] = {}
        self._runs: list[tuple[str, tuple[str, ...]]] = []
        self._ended: dict[str, int] = {}
        self._heard = asyncio.Condition()
        self._gone = False
        self._asked = 0

    async def arrive(self) -> float:
        """Open the page, or come back to it after the connection broke; seconds until it stands."""
        began = time.perf_counter()
        headers, _ = await asyncio.to_thread(self._http, "GET", "/_stcore/health")
        cookies = [value for name, value in headers if name.lower() == "set-cookie"]
        self.cookie = next(c.partition("=")[2].partition(";")[0] for c in cookies if c.startswith(XSRF_COOKIE))
        # The second and third of these "protocols" are how Streamlit is told the token and the session to go on with.
        spoken = ["streamlit", self.cookie, self.session] if self.session else ["streamlit", self.cookie]
        self._socket = await connect(
            f"{self.address.replace('http', 'ws')}/_stcore/stream",
            additional_headers={"Cookie": f"{XSRF_COOKIE}={self.cookie}"},
            subprotocols=spoken,
            origin=self.address,
            max_size=None,
        )
        self._gone = False
        self._listening = asyncio.create_task(self._listen(self._socket))
        await self._run()
        await self._until(lambda: self.result() is not None)
        return time.perf_counter() - began

    async def leave(self) -> None:
        """Close the page."""
        await self._end()
        if self._socket is not None:
            await self._socket.close()

    async def vanish(self) -> None:
        """Be gone without a word, as a laptop that is shut."""
        await self._end()
        if self._socket is not None:
            self._socket.transport.abort()

    async def drop(self, name: str, content: bytes, box: str = "upload") -> float:
        """Drop a file; seconds until its result stands."""
        began, before = time.perf_counter(), self.result()
        (url,) = await self.addresses([name])
        await asyncio.to_thread(self.put, url.upload_url, name, content)
        await self.tell([(name, len(content), url)], box)
        await self._until(lambda: self.result() not in (None, before))
        return time.perf_counter() - began

    async def addresses(self, names: list[str]) -> list[FileURLs]:
        """Where files may be uploaded that are dropped together."""
        urls = await self._ask("file_urls_request", file_names=names, session_id=self.session)
        if urls.error_msg:
            raise VisitError(urls.error_msg)
        return list(urls.file_urls)

    async def tell(self, files: list[tuple[str, int, FileURLs]], box: str = "upload") -> None:
        """Tell the page of uploads, by their names, sizes and addresses, and wait until it has run."""
        element, fragment = self._widget("file_uploader", box)
        state = self._set.get(element.id) or WidgetState(id=element.id)
        for name, size, url in files:
            state.file_uploader_state_value.uploaded_file_info.add(
                name=name, size=size, file_id=url.file_id, file_urls=url
            )
        await self._run(state, fragment)

    async def move(self, label: str, value: float) -> float:
        """Move a slider of the engine; seconds until the result stands that it asks for."""
        began, before = time.perf_counter(), self.result()
        element, fragment = self._widget("slider", label)
        state = WidgetState(id=element.id)
        state.double_array_value.data.append(value)
        await self._run(state, fragment)
        await self._until(lambda: self.result() not in (None, before))
        return time.perf_counter() - began

    async def look(self, axis: int, index: int) -> float:
        """Ask for a slice of a volume; seconds until it is there."""
        began, header = time.perf_counter(), self.header()
        element, fragment = self._widget("bidi_component", "viewer")
        cursor = list(header["start"])
        cursor[axis] = index
        self._asked += 1
        request = {"result": header["result"], "scan": header["scan"], "cursor": cursor, "slices": [[axis, index]]}
        state = WidgetState(id=element.id, json_value=json.dumps({"request": {**request, "count": self._asked}}))
        await self._run(state, fragment)
        await self._until(lambda: (axis, index) in {(part["axis"], part["index"]) for part in self.header()["slices"]})
        return time.perf_counter() - began

    async def order(self, suffix: str) -> str:
        """Press a button for a file whose name ends so; where the server then has it."""
        element, _ = self._widget("download_button", f"download {suffix}")
        request = BackMsg()
        request.backend_operation_request.deferred_file.file_id = element.deferred_file_id
        answer = await self._ask("backend_operation_request", request, session_id=self.session)
        if answer.error_msg:
            raise VisitError(answer.error_msg)
        return answer.deferred_file.url

    async def download(self, suffix: str) -> tuple[float, bytes]:
        """Press such a button and fetch the file; seconds, and the file."""
        began = time.perf_counter()
        path = await self.order(suffix)
        await asyncio.sleep(ROUND_TRIP)
        content = await self.fetch(path)
        return time.perf_counter() - began, content

    async def fetch(self, path: str) -> bytes:
        """What the server has at a path."""
        return (await asyncio.to_thread(self._http, "GET", path))[1]

    async def progressing(self) -> None:
        """Wait until the page says that it works, or waits, on what was asked."""
        await self._wait(lambda: any(_is_busy(shown.element) for shown in self._shown.values()))

    def header(self) -> dict[str, Any]:
        """What the viewer was told; empty where there is none."""
        for shown in self._shown.values():
            if shown.element.WhichOneof("type") == "bidi_component" and b"mriseg" in shown.element.bidi_component.bytes:
                sent = shown.element.bidi_component.bytes
                return split_message(sent)[1]
        return {}

    def result(self) -> str | None:
        """What tells the result in the viewer from others; None where there is no viewer."""
        return self.header().get("result")

    def trouble(self) -> str:
        """The errors on the page."""
        said = []
        for shown in self._shown.values():
            kind = shown.element.WhichOneof("type")
            if kind == "exception":
                said.append(shown.element.exception.message)
            elif kind == "alert" and shown.element.alert.format == Alert.ERROR:
                said.append(shown.element.alert.body)
        return " ".join(said)

    def words(self) -> str:
        """Every element as text, also what a browser would not draw: for those who look for what must not be in it."""
        return "\n".join(str(shown.element) for shown in self._shown.values())

    def controls(self) -> list[str]:
        """What Streamlit calls the controls on the page."""
        elements = [
            getattr(shown.element, shown.element.WhichOneof("type") or "", None) for shown in self._shown.values()
        ]
        return [element.id for element in elements if getattr(element, "id", "")]

    async def send_states(self, states: list[WidgetState]) -> None:
        """Have the script run with controls in states that no control may be in, and wait for nothing."""
        request = BackMsg()
        request.rerun_script.widget_states.widgets.extend(states)
        await self.send(request.SerializeToString())

    async def send(self, frame: bytes | str) -> None:
        """Send whatever it is over the websocket."""
        if self._socket is None:
            raise VisitError("the page is not open")
        try:
            await self._socket.send(frame)
        except ConnectionClosed:
            raise VisitError("the connection broke") from None

    def put(self, url: str, name: str, content: bytes) -> None:
        """Upload a file to where the server said."""
        border = uuid.uuid4().hex
        head = f'--{border}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n\r\n'.encode()
        body = b"".join([head, content, f"\r\n--{border}--\r\n".encode()])
        self._http("PUT", url, body, {"Content-Type": f"multipart/form-data; boundary={border}"})

    def _http(
        self, method: str, url: str, body: bytes | None = None, more: dict[str, str] | None = None
    ) -> tuple[list[tuple[str, str]], bytes]:
        """Headers and content of what an address of the server answers."""
        headers = {"Cookie": f"{XSRF_COOKIE}={self.cookie}", "X-Xsrftoken": self.cookie} if self.cookie else {}
        place = urlsplit(self.address)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=PATIENCE)
        try:
            connection.request(method, url, body, {**headers, **(more or {})})
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        if response.status >= 400:
            raise VisitError(f"{method} {'/'.join(url.split('/')[:2])}: {response.status}")
        return response.getheaders(), content

    def _widget(self, kind: str, called: str) -> tuple[Any, str]:
        """A control by the end of its key, or by its label, and the fragment that it belongs to."""
        for shown in self._shown.values():
            if shown.element.WhichOneof("type") == kind:
                element = getattr(shown.element, kind)
                if element.id.endswith(f"-{called}") or getattr(element, "label", None) == called:
                    return element, shown.fragment
        raise VisitError(f"there is no {kind} {called}: {self.trouble()}")

    async def _run(self, state: WidgetState | None = None, fragment: str = "") -> None:
        """Have the script, or a fragment of it, run with a control as it is now, and wait until it is through."""
        if state is not None:
            self._set[state.id] = state
        mark = len(self._runs)
        await self._request_run(fragment)

        def through() -> bool:
            return any(
                self._ended.get(run) in DONE and (fragment in fragments or not fragments)  # all of it has the part, too
                for run, fragments in self._runs[mark:]
            )

        await self._wait(through)

    async def _request_run(self, fragment: str = "", by_itself: bool = False) -> None:
        request = BackMsg()
        request.rerun_script.widget_states.widgets.extend(self._set.values())
        request.rerun_script.fragment_id = fragment
        request.rerun_script.is_auto_rerun = by_itself
        request.rerun_script.context_info.timezone = "UTC"
        request.rerun_script.query_string = self.query
        await self.send(request.SerializeToString())

    async def _ask(self, kind: str, request: BackMsg | None = None, **fields: object) -> Any:
        """Send a question that is answered under a number."""
        request = request or BackMsg()
        number = uuid.uuid4().hex
        asked = getattr(request, kind)
        asked.request_id = number
        for name, value in fields.items():
            getattr(asked, name).extend(value) if isinstance(value, list) else setattr(asked, name, value)
        await self.send(request.SerializeToString())
        await self._wait(lambda: number in self._answers)
        return self._answers.pop(number)

    async def _until(self, stands: Callable[[], bool]) -> None:
        """Wait until something stands on the page; an error that stands there first is a trouble."""
        await self._wait(lambda: self._is_at_rest() and (stands() or bool(self.trouble())))
        if self.trouble():
            raise VisitError(self.trouble())

    def _is_at_rest(self) -> bool:
        return all(run in self._ended for run, _ in self._runs)

    async def _wait(self, holds: Callable[[], bool]) -> None:
        async with self._heard:
            try:
                await asyncio.wait_for(self._heard.wait_for(lambda: self._gone or holds()), PATIENCE)
            except TimeoutError:
                raise VisitError("nothing came") from None
        if self._gone:
            raise VisitError("the connection broke")

    async def _end(self) -> None:
        for task in (*self._repeating.values(), self._listening):
            if task is not None:
                task.cancel()
        self._repeating.clear()

    async def _listen(self, connection: ClientConnection) -> None:
        try:
            async for frame in connection:
                message = ForwardMsg()
                message.ParseFromString(frame)
                async with self._heard:
                    self._take(message)
                    self._heard.notify_all()
        except ConnectionClosed:
            pass
        finally:
            self._gone = True
        async with self._heard:
            self._heard.notify_all()

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        run, fragments = self._run_of(message)
        if kind == "new_session":
            self.session = message.new_session.initialize.session_id or self.session
            # A run that another one replaced may end without a word.
            for earlier, _ in self._runs:
                self._ended.setdefault(earlier, ForwardMsg.FINISHED_EARLY_FOR_RERUN)
            self._runs.append((run, fragments))
            if not fragments:
                for task in self._repeating.values():
                    task.cancel()
                self._repeating.clear()
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element" and self._runs:
            path = tuple(message.metadata.delta_path)
            self._shown[path] = Shown(message.delta.new_element, self._runs[-1][0], message.delta.fragment_id)
        elif kind == "script_finished":
            self._finish(run, fragments, message.script_finished)
        elif kind == "auto_rerun":
            asked = message.auto_rerun
            old = self._repeating.pop(asked.fragment_id, None)
            if old is not None:
                old.cancel()
            self._repeating[asked.fragment_id] = asyncio.create_task(self._repeat(asked.fragment_id, asked.interval))
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                if fragment in self._repeating:
                    self._repeating.pop(fragment).cancel()
        elif kind == "file_urls_response":
            self._answers[message.file_urls_response.response_id] = message.file_urls_response
        elif kind == "backend_operation_response":
            self._answers[message.backend_operation_response.request_id] = message.backend_operation_response

    def _run_of(self, message: ForwardMsg) -> tuple[str, tuple[str, ...]]:
        """Which run of the script a message belongs to, and the fragments of that run."""
        if "run" in message.metadata.DESCRIPTOR.fields_by_name:
            run = message.metadata.run
            return run.script_run_id, tuple(run.fragment_ids)
        if message.WhichOneof("type") == "new_session":  # until Streamlit 1.66 only the first message of a run says it
            begun = message.new_session
            return begun.script_run_id, tuple(begun.fragment_ids_this_run)
        return self._runs[-1] if self._runs else ("", ())

    def _finish(self, run: str, fragments: tuple[str, ...], status: int) -> None:
        """What a run that went to its end did not draw again is no longer on the page."""
        self._ended[run] = status
        if status in DONE:
            self._shown = {
                path: shown
                for path, shown in self._shown.items()
                if shown.run == run or (fragments and shown.fragment not in fragments)
            }
            for state in self._set.values():
                if state.WhichOneof("value") == "trigger_value":
                    state.trigger_value = False

    async def _repeat(self, fragment: str, interval: float) -> None:
        with suppress(VisitError):
            while True:
                await asyncio.sleep(interval)
                await self._request_run(fragment, by_itself=True)


def visited(visit: Coroutine[Any, Any, T]) -> T:
    """What a visit returns; in a thread of its own, since a browser that is driven has a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, visit).result()


def own_picture(seed: int, side: int = 512) -> bytes:
    """A picture like nobody else's."""
    import numpy as np

    from mriseg.core.scan import picture
    from mriseg.datasets.samples import SAMPLES
    from mriseg.export.images import encode_scan

    scan, _ = SAMPLES["slice-t2"].make()
    rows, columns = (np.linspace(0, n - 1, side).round().astype(int) for n in scan.data.shape)
    data = scan.data[np.ix_(rows, columns)].astype(np.float32)
    noise = np.random.default_rng(seed).normal(0, 0.01 * float(data.max()), data.shape)
    return encode_scan(picture(np.clip(data + noise, 0, None).astype(np.float32)))
