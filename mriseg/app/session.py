"""From what the visitor chose to a segmentation, kept for the session so that a control need not wait for all of it."""

import hashlib
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np
import streamlit as st

from mriseg.app import texts
from mriseg.app.progress import Progress
from mriseg.app.server.budget import Refusal, reserved, uploaded
from mriseg.app.server.memory import most_voxels, trim, work_bytes
from mriseg.app.server.queues import PICTURE, PICTURE_AGAIN, VOLUME_AGAIN, WHOLE, FairQueue
from mriseg.app.server.sessions import SEGMENTATION, evict_to_fit, touch_session
from mriseg.app.server.streamlit_internals import session_id
from mriseg.core.checkpoints import asked_at_checkpoints
from mriseg.core.errors import MrisegError, TooLargeError
from mriseg.core.faults import explain
from mriseg.core.limits import at_most
from mriseg.core.remedies import Remedy
from mriseg.core.scan import Scan
from mriseg.core.settings import Settings
from mriseg.core.tissue import ABNORMAL
from mriseg.datasets.samples import SAMPLES
from mriseg.image.orientation import reorient
from mriseg.io.catalog import ScanEntry
from mriseg.io.reader import read_mask
from mriseg.plotting import slices as render
from mriseg.plotting.preview import preview
from mriseg.segmentation.pipeline import STAGES, segment
from mriseg.segmentation.result import Result
from mriseg.segmentation.stages import reusable_stages

logger = logging.getLogger(__name__)

OPENING_SAMPLE = next(iter(SAMPLES))
OPENING_SETTINGS = SAMPLES[OPENING_SAMPLE].settings
KEPT = SEGMENTATION
REFUSED = "refused"


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
    others : tuple of (int, str)
        Number and title of the other scans that were dropped with it.
    channels : tuple of (str, Item)
        Further contrasts of the same head, each with what tells it from others.
    error : str
        Why there is no scan in what was dropped.
    """

    source: str
    settings: Settings
    mask: bytes | None = None
    item: ScanEntry | None = None
    channels: tuple[tuple[str, ScanEntry], ...] = ()
    error: str = ""
    others: tuple[tuple[int, str], ...] = ()

    @property
    def beside(self) -> tuple[str, ...]:
        """What tells the further contrasts from others."""
        return tuple(which for which, _ in self.channels)

    @property
    def brain(self) -> str:
        """What tells how this brain is found from other ways: a setting, or a digest of a mask."""
        return self.settings.mask if self.mask is None else hashlib.blake2b(self.mask).hexdigest()

    def asks_the_same(self, other: "Choice") -> bool:
        """Whether another choice would be answered by the same analysis."""
        return (self.source, self.brain, self.beside, self.settings) == (
            other.source,
            other.brain,
            other.beside,
            other.settings,
        )


@dataclass(frozen=True, eq=False)
class Analysis:
    """What the visitor chose, and its segmentation; of a simulated scan the truth, too.

    Attributes
    ----------
    choice : Choice
    scan : Scan
    channels : tuple of Scan
        The further contrasts.
    truth : ndarray of uint8 or None
        Labels that a simulated scan was made from.
    result : Result
    limits : tuple of float
        Intensities shown black and white.
    widest : tuple of int
        Along each canonical axis the slice that shows most of the brain, or of what is abnormal in it.
    is_aside : bool
        Whether the intensities were let go of, because others needed the room.
    """

    choice: Choice
    scan: Scan
    channels: tuple[Scan, ...]
    truth: np.ndarray | None
    result: Result
    limits: tuple[float, float]
    widest: tuple[int, ...]
    is_aside: bool = False

    @property
    def source(self) -> str:
        """Which scan this is."""
        return self.choice.source

    @property
    def kept_bytes(self) -> int:
        """Memory that it takes."""
        result = self.result
        # Of the labels and of the mask only the planes that the brain's box lies in were ever written.
        box = 2 * result.labels[result.box[0]].nbytes + result.stages.region.spatial_prior.index.nbytes
        scans = 0 if self.is_aside else sum(scan.data.nbytes for scan in (self.scan, *self.channels))
        return scans + box + result.brain_posteriors.nbytes + result.brain_fractions.nbytes

    @property
    def key(self) -> str:
        """What tells this result from others of the session."""
        which = repr((self.source, self.choice.brain, self.choice.beside, self.result.settings))
        return hashlib.blake2b(which.encode(), digest_size=8).hexdigest()

    def put_aside(self) -> "Analysis":
        """The same without the intensities, which are more than half of it and lie in the upload, packed."""
        return replace(self, scan=_emptied(self.scan), channels=tuple(map(_emptied, self.channels)), is_aside=True)

    def taken_back(self) -> "Analysis":
        """The same with the intensities, read again if they were let go of."""
        if not self.is_aside:
            return self
        return replace(self, scan=_scan(self.choice)[0], channels=_channels(self.choice), is_aside=False)


@dataclass(frozen=True, eq=False)
class Refused:
    """What the visitor chose, and why it was not segmented.

    Attributes
    ----------
    choice : Choice
    message : str
    remedies : tuple of Remedy
        Settings that may help.
    picture : bytes
        The scan as it was read, as PNG; empty if it could not be read.
    """

    choice: Choice
    message: str
    remedies: tuple[Remedy, ...] = ()
    picture: bytes = field(default=b"", repr=False)

    def answers(self, choice: Choice) -> bool:
        """Whether another choice would be refused in the same way."""
        return bool(self.picture) and self.choice.asks_the_same(choice) and self.choice.error == choice.error


class _UnsegmentedError(Exception):
    """A scan was read, and segmenting it failed; the cause is the error that did."""

    def __init__(self, scan: Scan) -> None:
        super().__init__()
        self.scan = scan


def current() -> Analysis:
    """The analysis that is shown, for a part of the page that runs again by itself.

    Where it was let go of, because another scan was chosen meanwhile or others needed the room, the whole page is run.

    Returns
    -------
    Analysis
    """
    touch_session()
    cached: Analysis | None = st.session_state.get(KEPT)
    if cached is None or cached.is_aside:
        st.rerun()
    return cached


def analyze(choice: Choice, progress: Progress) -> Analysis | Refused:
    """Segment the chosen scan, or say why that cannot be done.

    What the last run of this session found is used again as far as the change leaves it true: all of it for the
    same scan and settings, else what the stages before the first that a changed setting touches have found.

    Parameters
    ----------
    choice : Choice
        What the visitor chose.
    progress : Progress
        Tells the browser how far it is.

    Returns
    -------
    Analysis or Refused
    """
    cached: Analysis | None = st.session_state.get(KEPT)
    if cached is not None and not cached.is_aside and cached.choice.asks_the_same(choice):
        return cached
    refused: Refused | None = st.session_state.pop(REFUSED, None)
    if refused is not None and refused.answers(choice):
        st.session_state[REFUSED] = refused
        return refused
    is_other_scan = cached is None or cached.source != choice.source
    if cached is not None and is_other_scan:
        # The old scan makes room before the new one is read; what was found on it stays for whoever cancels.
        del st.session_state[KEPT]
        st.session_state[KEPT] = cached.put_aside()
        cached = None
    try:
        analysis = _in_turn(choice, cached, progress, is_other_scan=is_other_scan)
    except Exception as error:  # whatever a hostile file provokes, the visitor gets a sentence and the page goes on
        refused = _refused(choice, error)
    else:
        if choice.source != OPENING_SAMPLE:  # that is everybody's
            evict_to_fit(analysis.kept_bytes)
        st.session_state.pop(KEPT, None)  # what is only replaced Streamlit keeps until the next run
        st.session_state[KEPT] = analysis
        del cached
        if analysis.scan.kind == "volume":  # of a picture it would take longer than it gives back
            trim()
        progress.works(texts.DRAWING, 1.0, is_other_scan)
        return analysis
    st.session_state.pop(KEPT, None)
    st.session_state[REFUSED] = refused
    return refused


def _in_turn(choice: Choice, cached: Analysis | None, progress: Progress, *, is_other_scan: bool) -> Analysis:
    """The analysis of a choice once it is its turn; the browser is told of the line and of each stage."""

    def tell(stage: str) -> None:
        stages = {"read": texts.READING, **STAGES}
        progress.works(f"{stages[stage]} …", list(stages).index(stage) / len(stages), is_other_scan)

    def wait(before: int) -> None:
        progress.works(texts.BEFORE_YOURS[min(before, 2)].format(before), 0.0, is_other_scan)

    if choice.error:
        raise MrisegError(choice.error)
    if choice.source == OPENING_SAMPLE and choice.settings == OPENING_SETTINGS and choice.mask is None:
        tell("read")
        return opening()
    with _line(choice, cached).turn(wait), asked_at_checkpoints(progress.goes_on):
        return _segment(choice, cached, tell)


def _refused(choice: Choice, error: Exception) -> Refused:
    """What is said of an error, with the scan that was read before it."""
    reason, picture = error, b""
    if isinstance(error, _UnsegmentedError) and isinstance(error.__cause__, Exception):
        reason = error.__cause__
        with suppress(Exception):  # whatever made segmenting fail may make drawing fail, and the sentence is enough
            picture = preview(error.scan)
    remedies = reason.remedies if isinstance(reason, MrisegError) else ()
    if choice.mask is not None:
        remedies = (Remedy.SEARCH, *remedies)
    return Refused(choice, explain(reason, logger), tuple(dict.fromkeys(remedies)), picture)


@st.cache_resource(max_entries=1, show_spinner=False)
def opening() -> Analysis:
    """The scan that the page opens on, once for all visitors: it holds nothing of anyone's.

    It draws no progress, because what a cached function draws is drawn again for each who gets its value.
    """
    return _segment(Choice(OPENING_SAMPLE, OPENING_SETTINGS), None, lambda stage: None)


def _segment(choice: Choice, cached: Analysis | None, progress: Callable[[str], None]) -> Analysis:
    """The analysis of a choice; `cached` is an earlier one of the same scan."""
    if cached is not None and cached.is_aside:
        progress("read")
        evict_to_fit(cached.kept_bytes + cached.scan.data.nbytes * (1 + len(cached.channels)))
        cached = cached.taken_back()
        if cached.choice.asks_the_same(choice):
            return cached
    if cached is not None:
        scan, truth = cached.scan, cached.truth
    else:
        progress("read")
        scan, truth = _scan(choice)
    size = work_bytes(scan.data.size * (1 + len(choice.channels))) if scan.kind == "volume" else 0
    with reserved(size):
        evict_to_fit(0)
        try:
            return _analysis(choice, cached, scan, truth=truth, progress=progress)
        except MemoryError:
            raise
        except Exception as error:
            raise _UnsegmentedError(scan) from error


def _analysis(
    choice: Choice,
    cached: Analysis | None,
    scan: Scan,
    *,
    truth: np.ndarray | None,
    progress: Callable[[str], None],
) -> Analysis:
    """The analysis of a scan that was read."""
    earlier = _earlier(choice, cached)
    mask = read_mask(choice.mask, scan) if choice.mask is not None and earlier is None else None
    is_beside = cached is not None and cached.choice.beside == choice.beside
    channels = cached.channels if cached is not None and is_beside else _channels(choice)
    result = segment(scan, choice.settings, mask, earlier=earlier, progress=progress, channels=channels)
    if earlier is not None and cached is not None:
        limits, widest = cached.limits, cached.widest
    else:
        limits, widest = render.window(scan.data, result.mask), _widest(result)
    return Analysis(choice, scan, channels, truth=truth, result=result, limits=limits, widest=widest)


def _widest(result: Result) -> tuple[int, ...]:
    """Along each canonical axis the slice that shows most of the brain, or of what is abnormal in it."""
    shown = result.brain.mask
    if result.abnormal is not None:
        shown = reorient(result.labels == ABNORMAL.number, result.orientation)
    axes = range(shown.ndim)
    areas = (np.count_nonzero(shown, tuple(a for a in axes if a != axis)) for axis in axes)
    return tuple(int(np.argmax(area)) for area in areas)


def _scan(choice: Choice) -> tuple[Scan, np.ndarray | None]:
    """The chosen scan, and the truth of a simulated one."""
    if choice.item is None:
        return SAMPLES[choice.source].make()
    return _loaded(choice.item), None


def _channels(choice: Choice) -> tuple[Scan, ...]:
    return tuple(_loaded(entry) for _, entry in choice.channels)


def _loaded(entry: ScanEntry) -> Scan:
    """A scan that was dropped, if there is memory for it beside what all visitors dropped."""
    beside = uploaded()
    try:
        with at_most(most_voxels(beside)):
            return entry.load()
    except TooLargeError:
        if beside > uploaded(session_id()):  # alone it would not be too large, or it would not have been listed
            raise MrisegError(Refusal.NO_ROOM.sentence) from None
        raise


def _emptied(scan: Scan) -> Scan:
    """A scan of the same shape that takes no memory."""
    return replace(scan, data=np.broadcast_to(np.float32(0), scan.data.shape))


def _earlier(choice: Choice, cached: Analysis | None) -> Result | None:
    """The result that an analysis of the same scan gives the new one to start from."""
    if cached is None:
        return None
    found_as = cached.choice.brain, cached.choice.beside, cached.result.settings.mask
    return cached.result if found_as == (choice.brain, choice.beside, choice.settings.mask) else None


def _line(choice: Choice, cached: Analysis | None) -> FairQueue:
    """Where to wait for one's turn: with those who want as much."""
    if cached is None:
        is_picture = SAMPLES[choice.source].kind == "picture" if choice.item is None else choice.item.is_picture
    else:
        is_picture = cached.scan.kind == "picture"
    earlier = _earlier(choice, cached)
    if earlier is not None:
        reusable = reusable_stages(earlier.stages, earlier.settings, choice.settings)
        if reusable.bias_correction is not None:
            return PICTURE_AGAIN if is_picture else VOLUME_AGAIN
    return PICTURE if is_picture else WHOLE
