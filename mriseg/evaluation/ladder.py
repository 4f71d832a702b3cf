"""What each step of the model buys: every method of `mriseg.evaluation.baselines` on one scan, against the truth."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mriseg.core.errors import SeparationError
from mriseg.core.scan import Scan
from mriseg.core.tissue import Tissue
from mriseg.evaluation.agreement import dice
from mriseg.evaluation.baselines import METHODS, Method, segment_simply
from mriseg.segmentation.result import Result


@dataclass(frozen=True)
class Rung:
    """How well one method does.

    Attributes
    ----------
    method : Method
        With its key, its title and what it does in a sentence.
    truth_dice : dict of Tissue to float, or None
        Overlap with the truth, 0 to 1; None where the truth is unknown.
    result_dice : dict of Tissue to float
        Overlap with the result, 0 to 1.
    seconds : float
        That it took. Mask and bias field are the result's; of the full model it is the whole of the result's time.
    """

    method: Method
    truth_dice: dict[Tissue, float] | None
    result_dice: dict[Tissue, float]
    seconds: float

    @property
    def truth_mean(self) -> float | None:
        """Mean of the tissues' overlaps with the truth."""
        return None if self.truth_dice is None else float(np.mean(list(self.truth_dice.values())))

    @property
    def result_mean(self) -> float:
        """Mean of the tissues' overlaps with the result."""
        return float(np.mean(list(self.result_dice.values())))


def ladder(
    scan: Scan, result: Result, truth: np.ndarray | None, channels: Sequence[Scan] = (), *, joined: bool = False
) -> Iterator[Rung]:
    """Segment a scan by every method, from the simplest to the full model.

    Parameters
    ----------
    scan : Scan
    result : Result
        Of that scan.
    truth : ndarray of uint8, shape of the scan, or None
        0 outside the brain, then the tissues' numbers.
    channels : sequence of Scan
        That were fitted together with the scan.
    joined : bool
        Whether gray and white matter are compared as one, see `mriseg.evaluation.agreement.dice`.

    Yields
    ------
    Rung
        One at a time, since the model without one of its parts takes seconds on a volume. A method for which the scan
        has too few gray levels is left out.

    Raises
    ------
    MrisegError
        If the truth has another shape than the scan.

    References
    ----------
    Dice: Measures of the amount of ecologic association between species. Ecology 26, 1945.

    Examples
    --------
    >>> from mriseg import Settings, segment
    >>> from mriseg.core.scan import picture
    >>> truth = np.full((64, 64), Tissue.CSF.number, np.uint8)
    >>> truth[8:56, 8:56], truth[20:44, 20:44] = Tissue.GM.number, Tissue.WM.number
    >>> signal = np.array([0, 90, 150, 30])[truth] * np.linspace(0.7, 1.3, 64)
    >>> scan = picture(np.pad(signal + np.random.default_rng(0).normal(0, 4, truth.shape), 16))
    >>> rungs = tuple(ladder(scan, segment(scan, Settings(mask="none")), np.pad(truth, 16)))
    >>> rungs[0].method.key, rungs[-1].method.key, rungs[0].truth_mean < rungs[-1].truth_mean
    ('everything', 'full', True)
    """
    for method in METHODS.values():
        start = time.perf_counter()
        try:
            labels = segment_simply(scan, result, method.key, channels)
        except SeparationError:
            continue
        seconds = sum(result.seconds.values()) if method.key == "full" else time.perf_counter() - start
        yield Rung(
            method=method,
            truth_dice=None if truth is None else dice(labels, truth, joined=joined),
            result_dice=dice(labels, result.labels, joined=joined),
            seconds=seconds,
        )
