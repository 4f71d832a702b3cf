"""From what the visitor chose to a segmentation, kept for the session so that a control need not wait for all of it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st

from mriseg import render
from mriseg.app import texts
from mriseg.app.memory import MOST_VOXELS
from mriseg.app.turns import PICTURE, QUICK, WHOLE, Line
from mriseg.app.visitors import make_room, welcome
from mriseg.errors import MrisegError
from mriseg.item import Item
from mriseg.limits import at_most
from mriseg.read import read_mask
from mriseg.result import Result
from mriseg.samples import SAMPLES
from mriseg.scan import Scan
from mriseg.segment import STAGES, segment
from mriseg.settings import Settings
from mriseg.stages import still_true

OPENING_SAMPLE = next(iter(SAMPLES))
KEPT = "analysis"
KEPT_OF_A_SCAN = 3  # times the scan itself, of a head with air around it


@dataclass(frozen=True, eq=False)
class Analysis:
    """A scan, where it came from, its segmentation and, for a simulated one, the truth.

    Attributes
    ----------
    source : str
        Which scan this is: the name of a sample, or a digest of the bytes that were dropped.
    brain : str
        How its brain was found, see `Choice.brain`.
    beside : tuple of str
        Which further contrasts were fitted with it.
    scan : Scan
    channels : tuple of Scan
        The further contrasts.
    truth : ndarray of uint8 or None
        Labels that a simulated scan was made from.
    result : Result
    limits : tuple of float
        Intensities shown black and white.
    widest : tuple of int
        Along each canonical axis the slice that shows most of the brain.
    """

    source: str
    brain: str
    beside: tuple[str, ...]
    scan: Scan
    channels: tuple[Scan, ...]
    truth: np.ndarray | None
    result: Result
    limits: tuple[float, float]
    widest: tuple[int, ...]

    @property
    def kept_bytes(self) -> int:
        """Memory that it takes."""
        result = self.result
        place = result.stages.place
        assert place is not None
        # Of the labels and of the mask only the planes that the brain's box lies in were ever written.
        box = 2 * result.labels[result.box[0]].nbytes + place.zones.index.nbytes
        scans = sum(scan.data.nbytes for scan in (self.scan, *self.channels))
        return scans + box + result.brain_posteriors.nbytes + result.brain_fractions.nbytes

    @property
    def key(self) -> str:
        """What tells this result from others of the session."""
        which = repr((self.source, self.brain, self.beside, self.result.settings))
        return hashlib.blake2b(which.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, eq=False)
class Choice:
    """What the visitor chose.

    Attributes
    ----------
    source : str
        What tells this scan from others: the name of a sample, or a digest of what was dropped and a number.
    settings : Settings
    mask : bytes or None
        The visitor's own.
    item : Item or None
        The scan that was dropped; None for a sample.
    channels : tuple of (str, Item)
        Further contrasts of the same head, each with what tells it from others.
    error : str
        Why there is no scan in what was dropped.
    """

    source: str
    settings: Settings
    mask: bytes | None = None
    item: Item | None = None
    channels: tuple[tuple[str, Item], ...] = ()
    error: str = ""

    @property
    def beside(self) -> tuple[str, ...]:
        """What tells the further contrasts from others."""
        return tuple(which for which, _ in self.channels)

    @property
    def brain(self) -> str:
        """What tells how this brain is found from other ways: a setting, or a digest of a mask."""
        return self.settings.mask if self.mask is None else hashlib.blake2b(self.mask).hexdigest()


def current() -> Analysis:
    """The analysis that is shown, for a part of the page that runs again by itself.

    Where it was let go of, because another scan was chosen meanwhile or others needed the room, the whole page is run.
    """
    welcome()
    kept: Analysis | None = st.session_state.get(KEPT)
    if kept is None:
        st.rerun()
    return kept


def analyse(choice: Choice) -> Analysis | None:
    """Segment the chosen scan, or say on the page why that cannot be done and return None.

    What the last run of this session found is used again as far as the change leaves it true: all of it for the
    same scan and settings, else what the stages before the first that a changed setting touches have found.
    """
    kept: Analysis | None = st.session_state.get(KEPT)
    asked = choice.source, choice.brain, choice.beside, choice.settings
    if kept is not None and (kept.source, kept.brain, kept.beside, kept.result.settings) == asked:
        return kept
    if kept is not None and kept.source != choice.source:
        st.session_state.pop(KEPT, None)  # others may have needed the room meanwhile
        kept = None  # the old scan makes room before the new one is read
    place = st.empty()
    try:
        if choice.error:
            raise MrisegError(choice.error)
        if choice.source == OPENING_SAMPLE and choice.settings == Settings() and choice.mask is None:
            _show(place, "read")
            analysis = _opening()
        else:
            with _line(choice, kept).turn(lambda before: _show_line(place, before)):
                analysis = _segment(choice, kept, lambda stage: _show(place, stage))
    except MrisegError as error:
        message = str(error)
    except MemoryError:
        message = texts.TOO_LITTLE_MEMORY
    except Exception:  # whatever a hostile file provokes, the visitor gets a sentence and the page goes on
        message = texts.UNFORESEEN
    else:
        place.empty()
        st.session_state[KEPT] = analysis
        return analysis
    st.session_state.pop(KEPT, None)
    place.error(message)
    return None


@st.cache_resource(max_entries=1, show_spinner=False)
def _opening() -> Analysis:
    """The scan that the page opens on, once for all visitors: it holds nothing of anyone's.

    It draws no progress, because what a cached function draws is drawn again for each who gets its value.
    """
    return _segment(Choice(OPENING_SAMPLE, Settings()), None, lambda stage: None)


def _segment(choice: Choice, kept: Analysis | None, progress: Callable[[str], None]) -> Analysis:
    """The analysis of a choice; `kept` is an earlier one of the same scan."""
    earlier = _earlier(choice, kept)
    if kept is not None:
        scan, truth = kept.scan, kept.truth
    else:
        progress("read")
        if choice.item is None:
            scan, truth = SAMPLES[choice.source].make()
        else:
            with at_most(MOST_VOXELS):
                scan, truth = choice.item.load(), None
    if scan.kind == "volume":
        make_room(KEPT_OF_A_SCAN * scan.data.nbytes, KEPT)
    mask = read_mask(choice.mask, scan) if choice.mask is not None and earlier is None else None
    if kept is not None and kept.beside == choice.beside:
        channels = kept.channels
    else:
        with at_most(MOST_VOXELS):
            channels = tuple(item.load() for _, item in choice.channels)
    result = segment(scan, choice.settings, mask, earlier, progress, channels)
    if earlier is not None and kept is not None:
        limits, widest = kept.limits, kept.widest
    else:
        found = result.brain.mask
        areas = [
            np.count_nonzero(found, tuple(a for a in range(found.ndim) if a != axis)) for axis in range(found.ndim)
        ]
        limits, widest = render.window(scan.data, result.mask), tuple(int(np.argmax(area)) for area in areas)
    return Analysis(choice.source, choice.brain, choice.beside, scan, channels, truth, result, limits, widest)


def _earlier(choice: Choice, kept: Analysis | None) -> Result | None:
    """The result that an analysis of the same scan gives the new one to start from."""
    if kept is None:
        return None
    found_as = kept.brain, kept.beside, kept.result.settings.mask
    return kept.result if found_as == (choice.brain, choice.beside, choice.settings.mask) else None


def _line(choice: Choice, kept: Analysis | None) -> Line:
    """Where to wait for one's turn: with those who want as much."""
    if kept is None:
        is_picture = SAMPLES[choice.source].kind == "picture" if choice.item is None else choice.item.is_picture
    else:
        is_picture = kept.scan.kind == "picture"
    earlier = _earlier(choice, kept)
    if earlier is not None and still_true(earlier.stages, earlier.settings, choice.settings).corrected is not None:
        return QUICK
    return PICTURE if is_picture else WHOLE


def _show_line(place: "st.delta_generator.DeltaGenerator", before: int) -> None:
    place.info(texts.BEFORE_YOURS[min(before, 2)].format(before))


def _show(place: "st.delta_generator.DeltaGenerator", stage: str) -> None:
    stages = {"read": "Reading the scan", **STAGES}
    place.progress(list(stages).index(stage) / len(stages), f"{stages[stage]} …")
