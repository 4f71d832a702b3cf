"""Files to take away: each is made when it is asked for."""

import datetime
import io
import weakref
import zipfile
from collections.abc import Callable
from functools import partial

import streamlit as st

from mriseg import report
from mriseg.app import texts
from mriseg.app.scan_id import scan_id, stem
from mriseg.app.server.download_cache import download_button
from mriseg.app.server.sessions import held_in
from mriseg.app.server.streamlit_internals import session_id
from mriseg.app.session import KEPT, Analysis
from mriseg.core.errors import MrisegError
from mriseg.core.tissue import Tissue
from mriseg.export.statistics import volumes_table
from mriseg.export.writer import outputs

HTML, PDF = report.HTML, report.PDF
VOLUMES = "_volumes.csv"


def show_downloads(analysis: Analysis) -> None:
    """Buttons for the report, labels, posteriors, mask, figures, and all of it.

    Parameters
    ----------
    analysis : Analysis
        What is shown.
    """
    ending = ".png" if analysis.scan.kind == "picture" else ".nii.gz"
    posteriors = [f"_label-{tissue.abbreviation}_probseg{ending}" for tissue in Tissue]
    # Streamlit keeps what makes a file for as long as its button stands, and the scan must not live as long.
    alive, own_key, session = weakref.ref(analysis), analysis.key, session_id()
    name, identity = stem(), scan_id()

    def files() -> dict[str, Callable[[], bytes]]:
        current: Analysis | None = alive() or held_in(session, KEPT)
        if current is None or current.key != own_key:
            raise MrisegError(texts.NO_LONGER)
        scan, result = current.taken_back().scan, current.result
        table = {VOLUMES: lambda: volumes_table(result).encode()}
        today = datetime.date.today()
        reports = {
            HTML: lambda: report.html(scan, result, today, identity).encode(),
            PDF: lambda: report.pdf(scan, result, today, identity),
        }
        return outputs(scan, result) | reports | table

    def one(suffix: str) -> bytes:
        return files()[suffix]()

    def zipped(suffixes: list[str] | None = None) -> bytes:
        stream = io.BytesIO()
        contents = files()
        with zipfile.ZipFile(stream, "w") as archive:  # its members are compressed already
            for suffix in suffixes or contents:
                archive.writestr(f"{name}{suffix}", contents[suffix]())
        return stream.getvalue()

    st.markdown(f"**{texts.DOWNLOADS}**")
    with st.container(horizontal=True):
        for key, suffix, content in (
            ("report-html", HTML, None),
            ("report-pdf", PDF, None),
            ("labels", f"_dseg{ending}", None),
            ("posteriors", "_probseg.zip", lambda: zipped(posteriors)),
            ("mask", f"_desc-brain_mask{ending}", None),
            ("volumes", VOLUMES, None),
            ("figures", "_desc-tissue_stats.json", None),
            ("everything", ".zip", zipped),
        ):
            make = content or partial(one, suffix)
            download_button(texts.FILES[key], make, name=f"{name}{suffix}", key=f"download {suffix}")
