"""The log of the page's server, in a process of its own, with Streamlit's loggers."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import logging, threading
from mriseg.app.server.log import log_to_the_server
from streamlit.error_util import _log_uncaught_app_exception
log_to_the_server()
log_to_the_server()

def fails():
    upload = "DOE_JANE.nii"
    try:
        open("/nowhere/" + upload)
    except OSError as error:
        raise KeyError(upload) from error

def told(how):
    try:
        fails()
    except KeyError as error:
        how(error)

{}
"""
ROOT = Path(__file__).parents[3]  # where Streamlit finds its configuration
WAYS = {
    "streamlit": "told(_log_uncaught_app_exception)",
    "any logger": "told(lambda error: logging.getLogger('tornado').error('Uncaught', exc_info=True))",
    "a thread": "thread = threading.Thread(target=fails); thread.start(); thread.join()",
    "mriseg": "from mriseg.core.faults import explain; told(lambda e: explain(e, logging.getLogger('mriseg.app')))",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_fault_is_logged_once_with_its_kind_and_without_the_name_of_an_upload(way):
    code = PROGRAM.format(WAYS[way])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr.count("KeyError") == 1
    assert done.stderr.count("FileNotFoundError") == 1
    assert "which led to" in done.stderr
    assert "DOE" not in done.stderr
    assert "nowhere" not in done.stderr
    assert "Traceback" not in done.stderr
