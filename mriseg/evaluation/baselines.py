"""The same scan by simpler methods, to show what each step of the model buys.

Each step adds one thing to the step before it: the brain mask, Gaussians, the bias field; the last ones are the model
with one thing left out. Their classes are intervals of intensity, so they are found on a histogram.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import skimage

from mriseg.core.errors import SeparationError, SettingsError
from mriseg.core.scan import Scan
from mriseg.core.settings import Settings
from mriseg.core.tissue import Contrast, Tissue
from mriseg.mixture.histogram import Histogram
from mriseg.mixture.initialization import least_variance_partition
from mriseg.mixture.likelihood import bin_voxels
from mriseg.segmentation.pipeline import segment
from mriseg.segmentation.result import Result

CLASSES = len(Tissue)
MOST_SAMPLES = 2_000_000  # of a whole image, for its histogram

# From a histogram to the class of each of its bins, 0 for the darkest.
Classify = Callable[[Histogram], np.ndarray]


@dataclass(frozen=True)
class Method:
    """A way to segment a scan.

    Attributes
    ----------
    key : str
        For `segment_simply`.
    title : str
        A few words.
    explanation : str
        What it does, in one sentence.
    label : callable
        From the scan, its result and its further channels to labels.
    """

    key: str
    title: str
    explanation: str
    label: Callable[[Scan, Result, Sequence[Scan]], np.ndarray] = field(repr=False)


def segment_simply(scan: Scan, result: Result, method: str, channels: Sequence[Scan] = ()) -> np.ndarray:
    """Segment a scan by a method that knows less than the model does.

    Parameters
    ----------
    scan : Scan
    result : Result
        Of that scan: its mask, bias field, contrast and settings are used as far as the method asks for them.
    method : str
        Key of one of `METHODS`.
    channels : sequence of Scan
        That were fitted together with the scan. The simplest methods look at the scan alone.

    Returns
    -------
    ndarray of uint8, shape of the scan
        0 background, then the tissues' numbers.

    Raises
    ------
    SettingsError
        If there is no such method.
    SeparationError
        If the intensities do not hold three classes.
    """
    if method not in METHODS:
        raise SettingsError(f"The method must be one of {', '.join(METHODS)}.")
    return METHODS[method].label(scan, result, channels)


def _mixture_of_everything(scan: Scan, result: Result, channels: Sequence[Scan]) -> np.ndarray:
    """Three Gaussians in the whole image, named as the tissues of a T1 scan come, from dark to bright."""
    step = int(np.ceil((scan.data.size / MOST_SAMPLES) ** (1 / scan.data.ndim)))
    sample = scan.data[(slice(None, None, step),) * scan.data.ndim]
    return _labels_by_class(scan.data, sample.ravel(), Contrast.T1.dark_to_bright, _likeliest_gaussian)


def _in_mask(classify: Classify, corrected: bool) -> Callable[[Scan, Result, Sequence[Scan]], np.ndarray]:
    """A method that looks at the brain only, before or after the bias field was divided out."""

    def label(scan: Scan, result: Result, channels: Sequence[Scan]) -> np.ndarray:
        values = _signal(scan, result)
        if corrected:
            values = values / result.box_bias[result.mask[result.box]]
        labels = np.zeros(scan.data.shape, np.uint8)
        labels[result.mask] = _labels_by_class(values, values, _order(result), classify)
        return labels

    return label


def _model(changed: Callable[[Settings], Settings]) -> Callable[[Scan, Result, Sequence[Scan]], np.ndarray]:
    """The model with the settings of the result, but for one of them."""

    def label(scan: Scan, result: Result, channels: Sequence[Scan]) -> np.ndarray:
        return segment(scan, changed(result.settings), channels=channels, earlier=result).labels

    return label


def _full(scan: Scan, result: Result, channels: Sequence[Scan]) -> np.ndarray:
    return result.labels


def _signal(scan: Scan, result: Result) -> np.ndarray:
    """Intensities in the brain as the mixture has them, before bias correction."""
    return result.stages.signal(scan.data[result.mask])


def _order(result: Result) -> tuple[Tissue, ...]:
    """The tissues from little to much signal, as the contrast of the result has them."""
    mixture = result.mixture
    by_mean = [mixture.tissues[k] for k in np.argsort(mixture.means, kind="stable")]
    # Fewer than three classes leave a tissue out, more give it several.
    return result.contrast.dark_to_bright or tuple(dict.fromkeys((*by_mean, *Tissue)))


def _labels_by_class(
    values: np.ndarray, sample: np.ndarray, order: tuple[Tissue, ...], classify: Classify
) -> np.ndarray:
    """Numbers of the tissues of `values` by the classes of a sample of them, `order` from the darkest class."""
    histogram = bin_voxels([sample], np.ones(sample.shape, bool)).histograms[0]
    if np.count_nonzero(histogram.counts) < 2 * CLASSES:
        raise SeparationError(
            "Nearly all voxels have one of a few gray levels, too few for three tissues. Use the original scan."
        )
    numbers = np.array([tissue.number for tissue in order], np.int8)[classify(histogram)]
    labels = np.full_like(values, numbers[0], np.int8)
    for change in np.flatnonzero(np.diff(numbers)):
        labels += (values > float(histogram.levels[change : change + 2].mean())) * (
            numbers[change + 1] - numbers[change]
        )
    return labels.view(np.uint8)


def _likeliest_gaussian(histogram: Histogram) -> np.ndarray:
    """Classes by a mixture of three Gaussians, each with its own variance."""
    # scikit-learn takes a second to import; only those who compare pay for it.
    from mriseg.mixture.estimator import HistogramGaussianMixture

    levels = histogram.levels[:, None]
    return HistogramGaussianMixture(CLASSES).fit(levels, sample_weight=histogram.counts).predict(levels)


def _k_means(histogram: Histogram) -> np.ndarray:
    """Classes of least variance, the best of all partitions."""
    filled = histogram.counts > 0
    edges = least_variance_partition(histogram.levels[filled], histogram.counts[filled], CLASSES)
    return np.searchsorted(histogram.levels[filled][edges[1:-1]], histogram.levels, side="right")


def _otsu(histogram: Histogram) -> np.ndarray:
    """Classes between the thresholds of Otsu's method, each threshold the brightest bin of the class below it."""
    thresholds = skimage.filters.threshold_multiotsu(hist=(histogram.counts, histogram.levels), classes=CLASSES)
    return np.searchsorted(thresholds, histogram.levels)


_ALL = (
    Method(
        "everything",
        "Gaussians, whole image",
        "Three Gaussians fitted to every voxel, air and scalp too, and named from dark to bright as fluid, gray and "
        "white matter: the usual textbook example.",
        _mixture_of_everything,
    ),
    Method(
        "k-means",
        "k-means in the brain",
        "Three groups of least variance among the intensities in the brain mask.",
        _in_mask(_k_means, corrected=False),
    ),
    Method(
        "otsu",
        "Otsu's thresholds in the brain",
        "Two thresholds that separate the histogram of the brain best by Otsu's criterion, which gives the same labels "
        "as k-means.",
        _in_mask(_otsu, corrected=False),
    ),
    Method(
        "mixture",
        "Gaussians in the brain",
        "Three Gaussians fitted to the intensities in the brain mask; each voxel is decided by itself.",
        _in_mask(_likeliest_gaussian, corrected=False),
    ),
    Method(
        "corrected-mixture",
        "Gaussians after bias correction",
        "The same after the bias field was divided out.",
        _in_mask(_likeliest_gaussian, corrected=True),
    ),
    Method(
        "without-neighbors",
        "Full model without spatial smoothing",
        "The model with mixed voxels and the anatomical prior, but each voxel decided without its neighbors.",
        _model(lambda settings: replace(settings, smoothness=0.0)),
    ),
    Method(
        "without-position",
        "Full model without anatomical prior",
        "The model with mixed voxels and neighbors, but without the standard brain (MNI152) as a weak prior.",
        _model(lambda settings: replace(settings, use_position=False)),
    ),
    Method("full", "Full model", "The model with everything that its settings ask for.", _full),
)

METHODS = {method.key: method for method in _ALL}
