"""Files to take away: each is made when it is asked for."""

import io
import zipfile

import streamlit as st

from mriseg import report
from mriseg.app import texts
from mriseg.app.analysis import Analysis
from mriseg.tissue import Tissue
from mriseg.write import outputs, volumes_table

NAME = "mriseg"  # downloads carry no name of the dropped file, which may be that of a person


def show_downloads(analysis: Analysis) -> None:
    """Buttons for labels, posteriors, mask, figures, and all of it."""
    files = outputs(analysis.scan, analysis.result)
    ending = ".png" if analysis.scan.kind == "picture" else ".nii.gz"
    posteriors = [f"_label-{tissue.abbreviation}_probseg{ending}" for tissue in Tissue]

    def zipped(suffixes: list[str]) -> bytes:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:  # its members are compressed already
            for suffix in suffixes:
                archive.writestr(f"{NAME}{suffix}", files[suffix]())
        return stream.getvalue()

    st.markdown(f"**{texts.DOWNLOADS}**")
    with st.container(horizontal=True):
        reports = report.outputs(analysis.scan, analysis.result)
        for label, (suffix, made) in zip((texts.REPORT_HTML, texts.REPORT_PDF), reports.items(), strict=True):
            st.download_button(label, made, f"{NAME}{suffix}", on_click="ignore", key=f"download {suffix}")
        for label, suffix, content in (
            ("Labels", f"_dseg{ending}", files[f"_dseg{ending}"]),
            ("Posteriors", "_probseg.zip", lambda: zipped(posteriors)),
            ("Brain mask", f"_desc-brain_mask{ending}", files[f"_desc-brain_mask{ending}"]),
            ("Volumes (CSV)", "_volumes.csv", lambda: volumes_table(analysis.result)),
            ("All figures (JSON)", "_desc-tissue_stats.json", files["_desc-tissue_stats.json"]),
            ("Everything (zip)", ".zip", lambda: zipped(list(files))),
        ):
            st.download_button(label, content, f"{NAME}{suffix}", on_click="ignore", key=f"download {suffix}")
