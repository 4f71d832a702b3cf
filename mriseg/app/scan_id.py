"""The name that a visitor may give a dropped scan: for its report and the names of its files, and for nothing else."""

import streamlit as st

from mriseg.app import texts
from mriseg.core.scan_id import LONGEST, clean_scan_id

_GIVEN, _CURRENT = "scan ids", "scan id"


def ask_scan_id(which: str) -> None:
    """Draw the field for the name of an upload; each has its own, so that none is given another's name.

    Parameters
    ----------
    which : str
        What tells it from others.
    """
    given: dict[str, str] = st.session_state.setdefault(_GIVEN, {})
    key = f"{_CURRENT} {which}"
    st.session_state.setdefault(key, given.get(which, ""))
    typed = st.text_input(texts.SCAN_ID, max_chars=LONGEST, key=key, help=texts.SCAN_ID_HELP)
    given[which] = st.session_state[_CURRENT] = clean_scan_id(typed)
    if given[which] != typed:
        st.caption(texts.SCAN_ID_USED.format(given[which]))


def no_scan_id() -> None:
    """The scan that is shown has no name that anyone gave it."""
    st.session_state.pop(_CURRENT, None)


def scan_id() -> str:
    """The name that was given to the scan that is shown; empty if none was.

    Returns
    -------
    str
        Letters, digits, hyphens, underscores and points.
    """
    return str(st.session_state.get(_CURRENT, ""))


def stem() -> str:
    """What the names of downloads begin with: nothing of the dropped file's name, which may be that of a person.

    Returns
    -------
    str
    """
    return "_".join(filter(None, ["mriseg", scan_id()]))
