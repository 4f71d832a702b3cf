"""The sidebar: which scan, and how it is to be segmented."""

import time
from collections.abc import Sequence

import streamlit as st

from mriseg.app import texts
from mriseg.app.scan_id import ask_scan_id, no_scan_id
from mriseg.app.server.arrivals import arrivals
from mriseg.app.server.streamlit_internals import UploadedFile, session_id
from mriseg.app.server.uploads import NOTHING, Listing, content, forget, listing, newest
from mriseg.app.session import OPENING_SAMPLE, OPENING_SETTINGS, Choice
from mriseg.app.url_state import from_address, to_address
from mriseg.core.errors import MrisegError
from mriseg.core.settings import CLASSES, CONTRASTS, PIXEL_SIZES_MM, Settings
from mriseg.datasets.samples import SAMPLES
from mriseg.segmentation.pipeline import MOST_CHANNELS

UPLOAD, SOURCE, CONTRAST, TAKEN_AWAY = "upload", "source", "contrast", "taken away"
FOLDER, TOGETHER = "folder", "together"
BRAIN, MASK, MARGIN, OWN, CHANNELS = "brain", "mask", "margin", "own", "channels"
SMOOTHNESS, CLASSES_KEY, BIAS, POSITION, LESIONS, PIXEL = (
    "smoothness",
    "classes",
    "bias",
    "position",
    "lesions",
    "pixel size",
)
MARGINS_MM = (-5.0, 5.0)
BIAS_OFF = 0.0
BIAS_STEPS = (BIAS_OFF, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # of `Settings.bias_strength`
REPLACED_WITHIN = 0.8  # seconds
MOST_REFUSALS = 3  # reasons told in the sidebar
LARGEST_SMOOTHNESS = 4.0  # past it thin structures are gone


def choose() -> Choice:
    """Draw the sidebar and return what it says.

    Returns
    -------
    Choice
    """
    asked = from_address()
    if asked is not None:
        st.session_state[SOURCE] = asked[0]
        _set(asked[1])
    # They are also set by the callbacks below, so their defaults go through the session's state.
    st.session_state.setdefault(SOURCE, OPENING_SAMPLE)
    for key, value in _knobs(OPENING_SETTINGS).items():
        st.session_state.setdefault(key, value)
    with st.sidebar:
        files = st.file_uploader(
            texts.UPLOAD, accept_multiple_files=True, key=UPLOAD, help=texts.UPLOAD_HELP, on_change=_uploaded
        )
        with st.expander(texts.FOLDER):
            files += st.file_uploader(
                texts.FOLDER_UPLOAD, accept_multiple_files="directory", key=FOLDER, on_change=_uploaded
            )
        refused_drop = st.empty()
        if st.session_state.pop(TAKEN_AWAY, False):
            # A file that replaces another is announced after the other is gone; this run is then cut short here.
            time.sleep(REPLACED_WITHIN)
        choice = _chosen(files)
        # Where all files of a drop were refused the browser tells the page nothing, and shows a number of HTTP.
        if (refusal := arrivals.news(session_id())) is not None:
            refused_drop.error(refusal.sentence)
        return choice


def _chosen(files: Sequence[UploadedFile]) -> Choice:
    """The sidebar below the files that were dropped, and what all of it says."""
    source = st.selectbox(
        texts.SOURCE,
        [*([texts.YOUR_SCAN] if files else []), *SAMPLES],
        format_func=lambda name: SAMPLES[name].title if name in SAMPLES else name,
        key=SOURCE,
        on_change=_new_scan,
    )
    if not files:
        forget(UPLOAD, CHANNELS)
    if source in SAMPLES:
        no_scan_id()
        st.caption(SAMPLES[source].description)
        settings, mask, refused = _settings(SAMPLES[source].kind == "picture")
        to_address(source, settings)
        return Choice(source, settings, mask, error=refused)
    to_address(source, Settings())
    listed = listing(UPLOAD, newest(files), files)
    number, together = _items(listed)
    entry = listed.items[number] if listed.items else None
    ask_scan_id(listed.digest)
    settings, mask, refused = _settings(entry is not None and entry.is_picture)
    further = _further(f"{CHANNELS} {listed.digest} {number}")
    channels = [(f"{listed.digest} {other}", listed.items[other]) for other in together]
    channels += [(f"{further.digest} {other}", entry) for other, entry in enumerate(further.items)]
    error = listed.error or refused or further.error
    return Choice(f"{listed.digest} {number}", settings, mask, item=entry, channels=tuple(channels), error=error)


def _items(listed: Listing) -> tuple[int, list[int]]:
    """Which of several scans is segmented, and which with it."""
    for refusal in listed.refusals[:MOST_REFUSALS]:
        st.caption(f"{texts.NOT_SHOWN} {refusal}")
    if len(listed.items) < 2:
        return 0, []
    titles = [entry.title for entry in listed.items]
    number = st.selectbox(
        texts.ITEM,
        range(len(titles)),
        index=listed.best,
        format_func=titles.__getitem__,
        key=f"item {listed.digest}",
        help=texts.ITEM_HELP,
        on_change=_new_scan,
    )
    others = [other for other in range(len(titles)) if other != number]
    together = st.multiselect(
        texts.TOGETHER,
        others,
        format_func=titles.__getitem__,
        max_selections=MOST_CHANNELS - 1,
        key=f"{TOGETHER} {listed.digest} {number}",
        help=texts.CHANNELS_HELP,
    )
    return number, together


def _further(key: str) -> Listing:
    """Further contrasts that were dropped apart from the scan; another scan has a box of its own."""
    dropped = st.file_uploader(texts.CHANNELS, accept_multiple_files=True, key=key, help=texts.CHANNELS_HELP)
    if not dropped:
        forget(CHANNELS)
        return NOTHING
    return listing(CHANNELS, dropped, dropped)


def _settings(is_picture: bool) -> tuple[Settings, bytes | None, str]:
    """The settings, the content of the user's own mask, and why that cannot be taken."""
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
    try:
        given, error = content(MASK, own), ""
    except MrisegError as refused:
        given, error = None, str(refused)
    # Of a picture whose pixels have no known size the outline moves by a size that was estimated.
    label = texts.MARGIN if is_picture and st.session_state[PIXEL] is None else texts.MARGIN_MM
    margin = st.slider(label, *MARGINS_MM, step=0.5, key=MARGIN, help=texts.MARGIN_HELP)
    with st.expander(texts.MODEL, expanded=True):
        classes = st.number_input(texts.CLASSES, CLASSES[0], CLASSES[-1], key=CLASSES_KEY, help=texts.CLASSES_HELP)
        smoothness = st.slider(
            texts.SMOOTHNESS, 0.0, LARGEST_SMOOTHNESS, step=0.1, key=SMOOTHNESS, help=texts.SMOOTHNESS_HELP
        )
        strength = st.select_slider(
            texts.BIAS,
            BIAS_STEPS,
            format_func=lambda step: texts.BIAS_OFF if step == BIAS_OFF else f"{step:g}",
            key=BIAS,
            help=texts.BIAS_HELP,
        )
        lesions = st.toggle(texts.LESIONS, key=LESIONS, help=texts.LESIONS_HELP)
        use_position = st.toggle(texts.POSITION, key=POSITION, help=texts.POSITION_HELP)
        pixel_size = st.number_input(
            texts.PIXEL_SIZE, *PIXEL_SIZES_MM, None, 0.1, format="%.3f", key=PIXEL, help=texts.PIXEL_SIZE_HELP
        )
        st.button(texts.RESET, on_click=lambda: _set(_usual_settings()), help=texts.RESET_HELP, type="tertiary")
    settings = Settings(
        contrast=contrast or Settings().contrast,
        mask=Settings().mask if mask == OWN else mask,
        margin=margin,
        pixel_size=pixel_size,
        smoothness=smoothness,
        correct_bias=strength != BIAS_OFF,
        bias_strength=strength or Settings().bias_strength,
        use_position=use_position,
        lesions=lesions,
        classes=classes,
    )
    return settings, given, error


def _knobs(settings: Settings) -> dict[str, object]:
    """What the controls show for these settings, by their keys."""
    nearest = min(BIAS_STEPS[1:], key=lambda step: abs(step - settings.bias_strength))
    low, high = MARGINS_MM
    return {
        CONTRAST: settings.contrast,
        BRAIN: settings.mask,
        MARGIN: min(max(settings.margin, low), high),
        CLASSES_KEY: settings.classes,
        SMOOTHNESS: min(settings.smoothness, LARGEST_SMOOTHNESS),
        BIAS: nearest if settings.correct_bias else BIAS_OFF,
        POSITION: settings.use_position,
        LESIONS: settings.lesions,
        PIXEL: settings.pixel_size,
    }


def _set(settings: Settings) -> None:
    """Bring the controls to these settings."""
    st.session_state.update(_knobs(settings))


def _usual_settings() -> Settings:
    """What the chosen scan is segmented with unless the visitor says otherwise."""
    source = st.session_state[SOURCE]
    return SAMPLES[source].settings if source in SAMPLES else Settings()


def _uploaded() -> None:
    """A dropped scan is shown at once; taking it away brings the opening sample back."""
    nothing = not st.session_state[UPLOAD] and not st.session_state[FOLDER]
    st.session_state[TAKEN_AWAY] = nothing
    st.session_state[SOURCE] = OPENING_SAMPLE if nothing else texts.YOUR_SCAN
    _new_scan()


def _new_scan() -> None:
    """Another scan is another contrast, another brain and another size."""
    default = _knobs(_usual_settings())
    for key in (CONTRAST, BRAIN, MARGIN, PIXEL):
        st.session_state[key] = default[key]
