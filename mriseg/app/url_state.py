"""The state of the page in its address, to share it: which sample and which settings.

An upload is nobody else's business and leaves nothing there.
"""

from dataclasses import fields, replace
from typing import Any

import streamlit as st

from mriseg.core.errors import SettingsError
from mriseg.core.settings import Settings
from mriseg.datasets.samples import SAMPLES

SCAN = "scan"
_READ = "address read"
_UNKNOWN = "none"  # the pixel size that a sample would have is taken away
_TYPES = {field.name: type(field.default) for field in fields(Settings)} | {"pixel_size": float}


def from_address() -> tuple[str, Settings] | None:
    """The sample and the settings that the address asks for, once a visit; what is no setting is passed over.

    Returns
    -------
    tuple of str and Settings, or None
    """
    if _READ in st.session_state:
        return None
    st.session_state[_READ] = True
    return parse(st.query_params.to_dict())


def parse(asked: dict[str, str]) -> tuple[str, Settings] | None:
    """The sample and the settings of an address; None if it names no sample.

    Parameters
    ----------
    asked : dict of str to str

    Returns
    -------
    tuple of str and Settings, or None
    """
    source = asked.get(SCAN)
    if source not in SAMPLES:
        return None
    settings = SAMPLES[source].settings
    for name, kind in _TYPES.items():
        if name in asked:
            settings = _changed(settings, name, asked[name], kind)
    return source, settings


def to_address(source: str, settings: Settings) -> None:
    """Write a sample and what differs from its own settings into the address; of an upload nothing.

    Parameters
    ----------
    source : str
    settings : Settings
    """
    wanted = compose(source, settings)
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)


def compose(source: str, settings: Settings) -> dict[str, str]:
    """What stands in the address.

    Parameters
    ----------
    source : str
    settings : Settings

    Returns
    -------
    dict of str to str
    """
    if source not in SAMPLES:
        return {}
    default = SAMPLES[source].settings
    changed = {name: getattr(settings, name) for name in _TYPES if getattr(settings, name) != getattr(default, name)}
    if not changed and source == next(iter(SAMPLES)):
        return {}
    return {SCAN: source, **{name: str(value).lower() for name, value in changed.items()}}


def _changed(settings: Settings, name: str, value: str, kind: type) -> Settings:
    """The settings with one of them changed, or as they were if the value is none that it can have."""
    try:
        if name == "pixel_size" and value == _UNKNOWN:
            return replace(settings, pixel_size=None)
        changed: dict[str, Any] = {name: value == "true" if kind is bool else kind(value)}
        return replace(settings, **changed)
    except (ValueError, SettingsError):
        return settings
