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
from mriseg.export.images import encode_colored_labels
from mriseg.export.statistics import volumes_table
from mriseg.export.writer import outputs
from mriseg.plotting.animation import gif
from mriseg.report import figure

HTML, PDF = report.HTML, report.PDF
VOLUMES = "_volumes.csv"
FIGURE, ANIMATION, COLORED = "_desc-tissue_figure.png", "_desc-tissue_animation.gif", "_desc-color_dseg.png"


def show_downloads(analysis: Analysis) -> None:
    """Buttons for reports, pictures, what programs read, and all of it in one; they also fit a narrow container.

    Parameters
    ----------
    analysis : Analysis
        What is shown.
    """
    is_picture, name, files = analysis.scan.kind == "picture", stem(), _files(analysis)
    ending = ".png" if is_picture else ".nii.gz"
    posteriors = [f"_label-{tissue.abbreviation}_probseg{ending}" for tissue in Tissue]
    groups = {
        "reports": {"report-html": HTML, "report-pdf": PDF},
        "pictures": {"figure": FIGURE, **({"color-labels": COLORED} if is_picture else {}), "animation": ANIMATION},
        "programs": {
            "labels": f"_dseg{ending}",
            "posteriors": "_probseg.zip",
            "mask": f"_desc-brain_mask{ending}",
            "volumes": VOLUMES,
            "figures": "_desc-tissue_stats.json",
        },
        "all": {"everything": ".zip"},
    }
    archives = {"_probseg.zip": posteriors, ".zip": None}

    def made(suffix: str) -> bytes:
        if suffix not in archives:
            return files()[suffix]()
        return _zipped(files(), archives[suffix], name)

    st.html(f'<h2 class="mriseg-heading">{texts.DOWNLOADS}</h2>')
    with st.container(horizontal=True, vertical_alignment="bottom", key="downloads"):
        for group, suffixes in groups.items():
            with st.container(width="content"):
                if title := texts.FILE_GROUPS[group]:
                    st.caption(title)
                with st.container(horizontal=True):
                    for key, suffix in suffixes.items():
                        download_button(
                            texts.FILES[key],
                            partial(made, suffix),
                            name=f"{name}{suffix}",
                            key=f"download {suffix}",
                        )


def _files(analysis: Analysis) -> Callable[[], dict[str, Callable[[], bytes]]]:
    """Gives what follows the stem in the name of each file, and what makes it, as long as the analysis is there."""
    # Streamlit keeps what makes a file for as long as its button stands, and the scan must not live as long.
    alive, own_key, session, identity = weakref.ref(analysis), analysis.key, session_id(), scan_id()

    def files() -> dict[str, Callable[[], bytes]]:
        current: Analysis | None = alive() or held_in(session, KEPT)
        if current is None or current.key != own_key:
            raise MrisegError(texts.NO_LONGER)
        scan, result = current.taken_back().scan, current.result
        today = datetime.date.today()
        shown: dict[str, Callable[[], bytes]] = {
            HTML: lambda: report.html(scan, result, today, identity).encode(),
            PDF: lambda: report.pdf(scan, result, today, identity),
            VOLUMES: lambda: volumes_table(result).encode(),
            FIGURE: lambda: figure.png(scan, result, identity),
            ANIMATION: lambda: gif(scan, result),
        }
        if scan.kind == "picture":
            shown[COLORED] = lambda: encode_colored_labels(result.labels, joined=not result.gray_white_apart)
        return outputs(scan, result) | shown

    return files


def _zipped(files: dict[str, Callable[[], bytes]], suffixes: list[str] | None, name: str) -> bytes:
    """An archive of some of the files, or of all."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:  # its members are compressed already
        for suffix in suffixes or files:
            archive.writestr(f"{name}{suffix}", files[suffix]())
    return stream.getvalue()
