"""The sidebar: which scan, and how it is to be segmented."""

import time

import streamlit as st

from mriseg.app import texts
from mriseg.app.analysis import OPENING_SAMPLE, Choice
from mriseg.app.uploads import NOTHING, Listing, forget, listing, newest
from mriseg.samples import SAMPLES
from mriseg.segment import MOST_CHANNELS
from mriseg.settings import CLASSES, CONTRASTS, PIXEL_SIZES_MM, Settings

UPLOAD, SOURCE, CONTRAST, TAKEN_AWAY = "upload", "source", "contrast", "taken away"
FOLDER, TOGETHER = "folder", "together"
BRAIN, MASK, MARGIN, OWN, CHANNELS = "brain", "mask", "margin", "own", "channels"
MARGINS_MM = (-5.0, 5.0)
REPLACED_WITHIN = 0.8  # seconds
MOST_REFUSALS = 3  # reasons told in the sidebar
LARGEST_SMOOTHNESS = 4.0  # past it thin structures are gone


def choose() -> Choice:
    """Draw the sidebar and return what it says."""
    # Both are also set by the callbacks below, so their defaults go through the session's state.
    st.session_state.setdefault(SOURCE, OPENING_SAMPLE)
    st.session_state.setdefault(CONTRAST, Settings().contrast)
    st.session_state.setdefault(BRAIN, Settings().mask)
    st.session_state.setdefault(MARGIN, Settings().margin)
    with st.sidebar:
        files = st.file_uploader(
            texts.UPLOAD, accept_multiple_files=True, key=UPLOAD, help=texts.UPLOAD_HELP, on_change=_uploaded
        )
        with st.expander(texts.FOLDER):
            files += st.file_uploader(
                texts.FOLDER_UPLOAD, accept_multiple_files="directory", key=FOLDER, on_change=_uploaded
            )
        if st.session_state.pop(TAKEN_AWAY, False):
            # A file that replaces another is announced after the other is gone; this run is then cut short here.
            time.sleep(REPLACED_WITHIN)
        source = st.selectbox(
            texts.SOURCE,
            [*([texts.YOUR_SCAN] if files else []), *SAMPLES],
            format_func=lambda name: SAMPLES[name].title if name in SAMPLES else name,
            key=SOURCE,
            on_change=_new_scan,
        )
        if not files:
            forget()
        if source in SAMPLES:
            st.caption(SAMPLES[source].description)
            settings, mask = _settings()
            return Choice(source, settings, mask)
        found = listing(UPLOAD, newest(files), files)
        number, together = _items(found)
        settings, mask = _settings()
        further = _further()
        channels = [(f"{found.digest} {other}", found.items[other]) for other in together]
        channels += [(f"{further.digest} {other}", item) for other, item in enumerate(further.items)]
        item = found.items[number] if found.items else None
        error = found.error or further.error
        return Choice(f"{found.digest} {number}", settings, mask, item, tuple(channels), error)


def _items(found: Listing) -> tuple[int, list[int]]:
    """Which of several scans is segmented, and which with it."""
    for refusal in found.refusals[:MOST_REFUSALS]:
        st.caption(f"{texts.NOT_SHOWN} {refusal}")
    if len(found.items) < 2:
        return 0, []
    titles = [item.title for item in found.items]
    number = st.selectbox(
        texts.ITEM,
        range(len(titles)),
        index=found.best,
        format_func=titles.__getitem__,
        key=f"item {found.digest}",
        help=texts.ITEM_HELP,
        on_change=_new_scan,
    )
    others = [other for other in range(len(titles)) if other != number]
    together = st.multiselect(
        texts.TOGETHER,
        others,
        format_func=titles.__getitem__,
        max_selections=MOST_CHANNELS - 1,
        key=f"{TOGETHER} {found.digest} {number}",
        help=texts.CHANNELS_HELP,
    )
    return number, together


def _further() -> Listing:
    """Further contrasts that were dropped apart from the scan."""
    dropped = st.file_uploader(texts.CHANNELS, accept_multiple_files=True, key=CHANNELS, help=texts.CHANNELS_HELP)
    return listing(CHANNELS, dropped, dropped) if dropped else NOTHING


def _settings() -> tuple[Settings, bytes | None]:
    """The settings, and the content of the user's own mask."""
    default = Settings()
    contrast = st.segmented_control(
        texts.CONTRAST,
        CONTRASTS,
        required=True,
        format_func=lambda setting: setting.title() if setting == "auto" else setting.upper(),
        key=CONTRAST,
        help=texts.CONTRAST_HELP,
    )
    mask = st.selectbox(
        texts.BRAIN,
        list(texts.BRAIN_CHOICES),
        format_func=texts.BRAIN_CHOICES.__getitem__,
        key=BRAIN,
        help=texts.BRAIN_HELP,
    )
    own = st.file_uploader(texts.MASK_UPLOAD, key=MASK, help=texts.NO_MASK_YET) if mask == OWN else None
    margin = st.slider(texts.MARGIN, *MARGINS_MM, step=0.5, key=MARGIN, help=texts.MARGIN_HELP)
    with st.expander(texts.MODEL):
        smoothness = st.slider(
            texts.SMOOTHNESS, 0.0, LARGEST_SMOOTHNESS, default.smoothness, 0.1, help=texts.SMOOTHNESS_HELP
        )
        classes = st.slider(texts.CLASSES, CLASSES[0], CLASSES[-1], default.classes, help=texts.CLASSES_HELP)
        use_position = st.toggle(texts.POSITION, default.use_position, help=texts.POSITION_HELP)
        correct_bias = st.toggle(texts.BIAS, default.correct_bias, help=texts.BIAS_HELP)
        low, high = PIXEL_SIZES_MM
        pixel_size = st.number_input(texts.PIXEL_SIZE, low, high, None, 0.1, format="%.3f", help=texts.PIXEL_SIZE_HELP)
    settings = Settings(
        contrast=contrast or default.contrast,
        mask=default.mask if mask == OWN else mask,
        margin=margin,
        pixel_size=pixel_size,
        smoothness=smoothness,
        correct_bias=correct_bias,
        use_position=use_position,
        classes=classes,
    )
    return settings, own.getvalue() if own is not None else None


def _uploaded() -> None:
    """A dropped scan is shown at once; taking it away brings the opening sample back."""
    nothing = not st.session_state[UPLOAD] and not st.session_state[FOLDER]
    st.session_state[TAKEN_AWAY] = nothing
    st.session_state[SOURCE] = OPENING_SAMPLE if nothing else texts.YOUR_SCAN
    _new_scan()


def _new_scan() -> None:
    """Another scan is another contrast and another brain."""
    st.session_state[CONTRAST] = Settings().contrast
    st.session_state[BRAIN] = Settings().mask
    st.session_state[MARGIN] = Settings().margin
