"""Several scans, one after the other: what waits and runs, a table of what is done, and all of it as a zip."""

import base64
import io
import weakref
import zipfile
from dataclasses import asdict
from html import escape
from pathlib import Path

import streamlit as st

from mriseg.app import texts
from mriseg.app.server.arrivals import arrivals
from mriseg.app.server.download_cache import download_button
from mriseg.app.server.streamlit_internals import DeletedFile, forget_upload, session_id
from mriseg.app.server.uploads import read_upload, size_text
from mriseg.app.study.queue import MOST_SCANS, MOST_WAITING_BYTES, READ, TURN, WRITE, State, Study, Upload
from mriseg.core.errors import MrisegError
from mriseg.core.settings import Settings
from mriseg.core.tissue import Tissue
from mriseg.segmentation.pipeline import STAGES
from mriseg.study.derivatives import DICTIONARY, README, REPORT, TABLE, picture
from mriseg.study.record import Record
from mriseg.study.table import Row, dictionary, table

KEY, BOX = "study", "study box"
ASKED_EVERY = 1.0  # seconds, how the study goes on
UPLOADS = "uploads.tsv"
TITLES = {TURN: texts.STUDY_STAGES[TURN], READ: texts.STUDY_STAGES[READ], **STAGES, WRITE: texts.STUDY_STAGES[WRITE]}
COLUMNS = len(Tissue) + 3
STYLE = Path(__file__).with_suffix(".css").read_text("utf-8")


def show_study() -> None:
    """Draw the study; while it runs, this part alone is drawn anew every second."""
    is_running = _study().is_running
    st.fragment(_show, run_every=ASKED_EVERY if is_running else None)(is_running)


def show_study_alone() -> None:
    """Draw the study where there is no scan above it, folded unless it was begun."""
    fold = st.expander(texts.TAB_STUDY, bool(_study().uploads), key="study alone", on_change="rerun")
    if fold.open:
        with fold:
            show_study()


def _show(was_running: bool) -> None:
    study = _study()
    st.caption(texts.STUDY_WORDS.format(MOST_SCANS))
    box = _box()
    st.file_uploader(
        texts.STUDY_UPLOAD,
        accept_multiple_files=True,
        key=box,
        help=texts.STUDY_UPLOAD_HELP.format(MOST_WAITING_BYTES // 10**6),
        on_change=_dropped,
        args=(box,),
    )
    if study.uploads:
        _show_buttons(study)
    if study.is_running != was_running:
        st.rerun()  # only a run of the whole page sets how often this part is drawn
    for note in study.notes:
        st.warning(note)
    if study.uploads:
        _show_progress(study)
        st.html(f"<div><style>{STYLE}</style>{study_table(study)}</div>")
        if incomplete := [upload.name for upload in study.uploads if not upload.is_complete]:
            st.caption(texts.STUDY_INCOMPLETE.format(", ".join(incomplete)))


def _study() -> Study:
    if KEY not in st.session_state:
        st.session_state[KEY] = Study()
    return st.session_state[KEY]


def _box() -> str:
    """The key of the box that is empty: each takes one drop, and is then replaced."""
    return f"{BOX} {st.session_state.setdefault(BOX, 0)}"


def _dropped(box: str) -> None:
    """Take over what was dropped, so that Streamlit does not keep it for as long as the visitor stays."""
    # The browser may tell once more of a box that is being replaced, when its files were taken over already.
    files = [file for file in st.session_state[box] if not isinstance(file, DeletedFile)]
    if not files:
        return
    if refusal := arrivals.refusal(session_id(), [file.file_id for file in files]):
        _study().notes = [refusal.sentence]
    else:
        _study().add([(file.name, read_upload(file)) for file in files])
    for file in files:
        forget_upload(file)
    st.session_state[BOX] += 1


def _show_buttons(study: Study) -> None:
    begun = study.count(State.DONE) + study.count(State.FAILED) > 0
    with st.container(horizontal=True):
        st.button(
            texts.STUDY_CONTINUE if begun else texts.STUDY_START,
            on_click=lambda: _study().start(),
            disabled=study.is_running or not study.count(State.WAITING),
            type="primary",
            key="study start",
        )
        st.button(
            texts.STUDY_STOP,
            on_click=lambda: _study().stop(),
            disabled=not study.is_running or study.is_stopping,
            help=texts.STUDY_STOP_HELP,
            key="study stop",
        )
        # Streamlit keeps what makes a file for as long as its button stands, and the study must not live as long.
        alive = weakref.ref(study)
        download_button(
            texts.STUDY_ZIP,
            lambda: zipped(alive()),
            name="mriseg_study.zip",
            key="study zip",
            kind="application/zip",
            disabled=not begun,
            help_text=texts.STUDY_ZIP_HELP,
        )
        st.button(
            texts.STUDY_CLEAR,
            on_click=lambda: st.session_state.pop(KEY, None),
            disabled=study.is_running,
            help=texts.STUDY_CLEAR_HELP,
            type="tertiary",
            key="study clear",
        )


def _show_progress(study: Study) -> None:
    done, failed, waiting = (study.count(state) for state in (State.DONE, State.FAILED, State.WAITING))
    progress_text, share = texts.STUDY_COUNTS.format(done, failed, waiting), 0.0
    running = next((upload for upload in study.uploads if upload.state is State.RUNNING), None)
    if running is not None:
        now = texts.STUDY_PROGRESS.format(running.name, TITLES[running.stage])
        progress_text = f"{progress_text} {texts.STUDY_STOPPING if study.is_stopping else now}"
        share = list(TITLES).index(running.stage) / len(TITLES)
    st.progress((done + failed + share) / len(study.uploads), progress_text)


def study_table(study: Study) -> str:
    """The scans and what is known of each, as HTML; file names are not.

    Parameters
    ----------
    study : Study

    Returns
    -------
    str
    """
    titles = [texts.STUDY_SCAN, *(tissue.title for tissue in Tissue), texts.STUDY_CONTRAST, texts.STUDY_VERDICT]
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in titles)
    return (
        f'<table class="mriseg-study"><caption>{escape(texts.STUDY_CAPTION)}</caption><thead><tr>{head}</tr></thead>'
        f"{''.join(map(_rows, list(study.uploads)))}</table>"
    )


def _rows(upload: Upload) -> str:
    about = [" × ".join(map(str, upload.shape)) or size_text(upload.size)]
    if upload.scans > 1:
        about.append(texts.STUDY_BEST_OF.format(upload.scans))
    record = upload.record
    # What its file is called the browser knows, which finds it by its size; see `mriseg.app.arrival`.
    own_name = f'<small data-bytes="{upload.size}"></small>'
    head = f'<th scope="row">{upload.name}{own_name}<small>{escape(", ".join(about))}</small></th>'
    if record is None:
        stage_text = texts.STUDY_WAITING if upload.state is State.WAITING else f"{TITLES[upload.stage]} …"
        return f'<tbody><tr>{head}<td colspan="{COLUMNS - 1}">{escape(stage_text)}</td></tr></tbody>'
    if record.failure is not None:
        stage_text = f"<b>{texts.STUDY_FAILED}</b> {escape(record.failure)}"
        return f'<tbody><tr>{head}<td colspan="{COLUMNS - 1}">{stage_text}</td></tr></tbody>'
    cells = "".join(f"<td>{_size(record, tissue)}</td>" for tissue in Tissue)
    contrast = "" if record.contrast is None else record.contrast.title
    why = "".join(f"<li>{escape(finding.titled_text)}</li>" for finding in record.findings)
    more = f"<details><summary>{texts.STUDY_WHY}</summary><ul>{why}</ul></details>" if why else ""
    image = base64.b64encode(upload.thumbnail).decode()
    return (
        f"<tbody><tr>{head}{cells}<td>{contrast}</td><td>{escape(record.verdict)}{more}</td></tr>"
        f'<tr><td colspan="{COLUMNS}"><img src="data:image/jpeg;base64,{image}" '
        f'alt="{escape(texts.STUDY_PICTURE.format(upload.name))}"></td></tr></tbody>'
    )


def _size(record: Record, tissue: Tissue) -> str:
    share = f"{record.fractions[tissue]:.1%}"
    if record.volumes_ml is None:
        return f"{share}<small>{texts.STUDY_NO_VOLUME}</small>"
    return f"{record.volumes_ml[tissue]:.0f} mL<small>{share}</small>"


def zipped(study: Study | None) -> bytes:
    """What is done, laid out as `mriseg cohort` does; its folders and files are called by the order of upload alone.

    Parameters
    ----------
    study : Study or None

    Returns
    -------
    bytes

    Raises
    ------
    MrisegError
        If the study is no longer there.
    """
    from mriseg.study import group_report

    if study is None:
        raise MrisegError(texts.NO_LONGER)
    ended = [upload for upload in list(study.uploads) if upload.record is not None]
    rows = [Row(u.name, u.record.path, u.record) for u in ended if u.record is not None]
    lines = ["participant_id\tupload\tvoxels"]
    lines += [f"{u.name}\t{u.number}\t{' x '.join(map(str, u.shape)) or 'n/a'}" for u in ended]
    pictures = {upload.name: picture(upload.name) for upload in ended if upload.picture}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:  # its large members are compressed already
        archive.writestr("README.md", README + texts.STUDY_README.format(UPLOADS))
        archive.writestr(UPLOADS, "\n".join(lines) + "\n")
        archive.writestr(TABLE, table(rows))
        archive.writestr(DICTIONARY, dictionary())
        archive.writestr(REPORT, group_report.html(rows, asdict(Settings()), pictures))
        for upload in ended:
            for suffix, content in upload.files.items():
                archive.writestr(f"{upload.name}/anat/{upload.name}{suffix}", content)
            if upload.picture:
                archive.writestr(picture(upload.name), upload.picture)
    return stream.getvalue()
