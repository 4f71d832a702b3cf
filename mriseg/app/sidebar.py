"""The sidebar: which scan, and how it is to be segmented."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from mriseg.app import texts
from mriseg.app.scan_id import ask_scan_id, no_scan_id
from mriseg.app.server.arrivals import arrivals
from mriseg.app.server.streamlit_internals import DeletedFile, session_id
from mriseg.app.server.uploads import NOTHING, Drop, Listing, content, drops, forget, listing, numbered
from mriseg.app.session import OPENING_SAMPLE, OPENING_SETTINGS, Choice
from mriseg.app.url_state import from_address, to_address
from mriseg.core.errors import MrisegError
from mriseg.core.remedies import Remedy
from mriseg.core.settings import CLASSES, CONTRASTS, PIXEL_SIZES_MM, Settings
from mriseg.datasets.samples import SAMPLES
from mriseg.segmentation.pipeline import MOST_CHANNELS

UPLOAD, SOURCE, CONTRAST, TAKEN_AWAY = "upload", "source", "contrast", "taken away"
FOLDER, ITEM, TOGETHER = "folder", "item", "together"
ANSWERED, STOOD = "answered drops", "controls of what stood last"
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
MASKS = {Remedy.SKULL_STRIPPED: "none", Remedy.WHOLE_IMAGE: "all", Remedy.SEARCH: Settings().mask}
BIAS_OFF = 0.0
BIAS_STEPS = (BIAS_OFF, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # of `Settings.bias_strength`
REPLACED_WITHIN = 0.8  # seconds
MOST_REFUSALS = 3  # reasons told in the sidebar
LARGEST_SMOOTHNESS = 4.0  # past it thin structures are gone


@dataclass(frozen=True, eq=False)
class Asked:
    """What the sidebar says.

    Attributes
    ----------
    choice : Choice
    drops : list of Drop
        What the visitor dropped and can show again, the latest first.
    notice : str
        Why the last drop was not taken; empty if it was.
    """

    choice: Choice
    drops: list[Drop]
    notice: str


def choose() -> Asked:
    """Draw the sidebar and return what it says.

    Returns
    -------
    Asked
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
        upload = st.file_uploader(
            texts.UPLOAD, accept_multiple_files=True, key=UPLOAD, help=texts.UPLOAD_HELP, on_change=_uploaded
        )
        with st.expander(texts.FOLDER):
            folder = st.file_uploader(
                texts.FOLDER_UPLOAD, accept_multiple_files="directory", key=FOLDER, on_change=_uploaded
            )
        if st.session_state.pop(TAKEN_AWAY, False):
            # A file that replaces another is announced after the other is gone; this run is then cut short here.
            time.sleep(REPLACED_WITHIN)
        dropped = drops(UPLOAD, {UPLOAD: upload, FOLDER: folder})
        choice = _chosen({_source(drop.number): drop for drop in dropped})
        # Where all files of a drop were refused the browser tells the page nothing, and shows a number of HTTP.
        refusal = arrivals.news(session_id())
        return Asked(choice, dropped, "" if refusal is None else refusal.sentence)


def answered() -> int:
    """How many drops the page has answered in this visit, this run included.

    Returns
    -------
    int
    """
    return int(st.session_state.get(ANSWERED, 0))


def offered(remedies: Sequence[Remedy], choice: Choice) -> list[Remedy]:
    """Remedies that are not what the controls say already.

    Parameters
    ----------
    remedies : sequence of Remedy
    choice : Choice
        That was refused.

    Returns
    -------
    list of Remedy
    """
    is_own = choice.mask is not None
    return [each for each in remedies if is_own or MASKS.get(each) != choice.settings.mask]


def try_remedy(remedy: Remedy) -> None:
    """Set the control that a remedy means.

    Parameters
    ----------
    remedy : Remedy
    """
    if remedy is Remedy.OUTLINE:
        st.session_state[MARGIN] = Settings().margin
    else:
        st.session_state[BRAIN] = MASKS[remedy]


def try_other(choice: Choice, number: int) -> None:
    """Choose another of the scans that were dropped together.

    Parameters
    ----------
    choice : Choice
        That was refused.
    number : int
        Of the other scan.
    """
    st.session_state[f"{ITEM} {choice.source.partition(' ')[0]}"] = number
    _new_scan()


def remember() -> None:
    """Note the controls of a result that stands, for whoever cancels the next one."""
    kept = (SOURCE, *_knobs(Settings()))
    st.session_state[STOOD] = {
        key: value
        for key, value in st.session_state.items()
        if key in kept or str(key).startswith((f"{ITEM} ", f"{TOGETHER} "))
    }


def bring_back() -> None:
    """Set the controls as they were for the result that stood last; without one, as the page opens."""
    st.session_state.update(st.session_state.get(STOOD) or {SOURCE: OPENING_SAMPLE, **_knobs(OPENING_SETTINGS)})


def _source(number: int) -> str:
    """What the control that chooses the scan calls a drop."""
    return f"upload {number}"


def _chosen(dropped: Mapping[str, Drop]) -> Choice:
    """The sidebar below the files that were dropped, and what all of it says."""
    if st.session_state[SOURCE] not in (*dropped, *SAMPLES):  # it was taken away
        st.session_state[SOURCE] = OPENING_SAMPLE
        _new_scan()
    source = st.selectbox(
        texts.SOURCE,
        [*dropped, *SAMPLES],
        format_func=lambda name: SAMPLES[name].title if name in SAMPLES else dropped[name].title,
        key=SOURCE,
        on_change=_new_scan,
    )
    if not dropped:
        forget(UPLOAD, CHANNELS)
    if source in SAMPLES:
        no_scan_id()
        st.caption(SAMPLES[source].description)
        settings, mask, refused = _settings(SAMPLES[source].kind == "picture")
        to_address(source, settings)
        return Choice(source, settings, mask, error=refused)
    to_address(source, Settings())
    files = [file for drop in reversed([*dropped.values()]) for file in drop.files]
    listed = listing(UPLOAD, dropped[source].files, files)
    number, together = _items(listed)
    entry = listed.items[number] if listed.items else None
    ask_scan_id(listed.digest)
    settings, mask, refused = _settings(entry is not None and entry.is_picture)
    further = _further(f"{CHANNELS} {listed.digest} {number}")
    channels = [(f"{listed.digest} {other}", listed.items[other]) for other in together]
    channels += [(f"{further.digest} {other}", entry) for other, entry in enumerate(further.items)]
    error = listed.error or refused or further.error
    return Choice(
        f"{listed.digest} {number}",
        settings,
        mask,
        item=entry,
        channels=tuple(channels),
        error=error,
        others=tuple((other, each.title) for other, each in enumerate(listed.items) if other != number),
    )


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
        key=f"{ITEM} {listed.digest}",
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
    """A dropped scan is shown at once; taking it away brings the one before back, or the opening sample."""
    files = [file for box in (UPLOAD, FOLDER) for file in st.session_state[box] if not isinstance(file, DeletedFile)]
    before, ids = len(numbered([])), [file.file_id for file in files]
    numbers = numbered(ids)
    standing = sorted({numbers[file_id] for file_id in ids})
    is_new = len(numbers) > before
    st.session_state[ANSWERED] = answered() + is_new
    st.session_state[TAKEN_AWAY] = not files
    if not is_new and st.session_state[SOURCE] in (*map(_source, standing), *SAMPLES):
        return  # another was taken away
    st.session_state[SOURCE] = _source(standing[-1]) if standing else OPENING_SAMPLE
    _new_scan()


def _new_scan() -> None:
    """Another scan is another contrast, another brain and another size."""
    default = _knobs(_usual_settings())
    for key in (CONTRAST, BRAIN, MARGIN, PIXEL):
        st.session_state[key] = default[key]
