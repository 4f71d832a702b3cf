"""What the server of the page does beside Streamlit's: from before its first visitor until it ends."""

import os
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from starlette.middleware import Middleware

from mriseg.app.server.log import log_to_the_server
from mriseg.app.server.sessions import look_after
from mriseg.app.server.streamlit_internals import server
from mriseg.app.server.upload_gate import UploadGate

MIDDLEWARE = [Middleware(UploadGate)]


@asynccontextmanager
async def serving(app: "st.App") -> AsyncIterator[None]:
    """Within, the page is served.

    Parameters
    ----------
    app : App
        Streamlit's.
    """
    log_to_the_server()
    runtime = server()
    if runtime is not None:
        look_after(runtime)
    if not st.get_option("server.headless") and (sys.platform != "linux" or os.environ.get("DISPLAY")):
        address = f"http://{st.get_option('server.address') or 'localhost'}:{st.get_option('server.port')}"
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    yield
