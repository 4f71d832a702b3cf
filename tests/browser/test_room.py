"""A server with room for one visitor's scan at a time: the other one's is let go of, and is there when asked for."""

import asyncio
import subprocess

import pytest

from mriseg import Contrast
from mriseg.datasets.phantom import simulate
from mriseg.export.images import encode_scan
from tests.patience import PATIENCE
from tests.visitor import ROOT, Server, VisitError, Visitor, visited

pytestmark = pytest.mark.browser

# Where only intensities are let go of, and where all is.
ENTRY = """
from mriseg.app.server import sessions
sessions.KEPT_BYTES = 0
sessions.LETS_GO = lambda visitor, key: 0
from mriseg.app.page import run
run()
"""
LETS_GO = {"intensities": "_give_up", "all": "_put_aside"}
LABELS = "_dseg.nii.gz"


@pytest.mark.parametrize("lets_go", LETS_GO)
def test_who_was_let_go_of_goes_on_as_if_nothing_had_been(lets_go, coarse, tmp_path):
    script = tmp_path / "entry.py"
    script.write_text(ENTRY.replace("LETS_GO", LETS_GO[lets_go]))
    server = Server(subprocess.DEVNULL, environment={"PYTHONPATH": str(ROOT)}, script=script)

    async def meet() -> None:
        first, second = Visitor(server.address), Visitor(server.address)
        await first.arrive()
        await first.drop("head.nii.gz", encode_scan(simulate(coarse, Contrast.T1)))
        shown, (_, labels) = first.result(), await first.download(LABELS)
        await second.arrive()
        await second.drop("head.nii.gz", encode_scan(simulate(coarse, Contrast.T2)))
        if lets_go == "intensities":
            assert (await first.download(LABELS))[1] == labels
        else:
            with pytest.raises(VisitError):
                await first.download(LABELS)
        await first.look(2, 9)  # only the viewer runs for that, and finds nothing to show
        assert (first.result(), first.trouble()) == (shown, "")
        assert (await first.download(LABELS))[1] == labels
        for visitor in (first, second):
            await visitor.leave()

    try:
        visited(asyncio.wait_for(meet(), PATIENCE))
    finally:
        server.stop()
