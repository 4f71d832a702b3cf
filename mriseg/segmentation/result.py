"""What a segmentation is: everything that the page, the command line and Python show comes from here."""

from dataclasses import dataclass, field

import numpy as np

from mriseg.brain.cut_away import CutAway
from mriseg.brain.extraction import Brain
from mriseg.core.findings import WARNING_CODES, Finding
from mriseg.core.scan import Scan
from mriseg.core.settings import Settings
from mriseg.core.tissue import Contrast, Tissue
from mriseg.image.orientation import orient, restore
from mriseg.mixture.histogram import Histogram
from mriseg.mixture.likelihood import LEVELS, BinnedVoxels, typical_histogram
from mriseg.mixture.model import Mixture
from mriseg.mixture.tissue_densities import TissueDensities
from mriseg.segmentation.abnormal_tissue import AbnormalTissue
from mriseg.segmentation.bias_field import evaluate_bias_field
from mriseg.segmentation.head_direction import HeadDirection
from mriseg.segmentation.stages import Stages

# Between gray and white matter, in their joint spread. With less, brightness names two voxels in five wrongly, and
# only the sum of both says anything.
LEAST_TISSUE_CONTRAST = 0.5


@dataclass(frozen=True, eq=False)
class Joint:
    """Joint histogram of the first two channels in the brain, where two or three contrasts were fitted together.

    Attributes
    ----------
    counts : ndarray of shape (levels of the first, levels of the second)
        Voxels.
    histograms : tuple of Histogram
        Of each channel.
    """

    counts: np.ndarray = field(repr=False)
    histograms: tuple[Histogram, ...] = field(repr=False)

    @classmethod
    def of(cls, binned: BinnedVoxels, mask: np.ndarray) -> "Joint":
        """Count voxels that were binned by two or three channels.

        Parameters
        ----------
        binned : BinnedVoxels
            By all channels.
        mask : ndarray of bool, shape of `binned.index`
            The brain.

        Returns
        -------
        Joint
            A third channel is summed over.
        """
        shape = [len(histogram.levels) for histogram in binned.histograms]
        counts = np.bincount(binned.index[mask], minlength=int(np.prod(shape))).reshape(shape)
        return cls(counts.sum(tuple(range(2, len(shape)))), binned.histograms)


@dataclass(frozen=True, eq=False)
class Result:
    """A segmented scan, on the grid and in the axis order of the input.

    Attributes
    ----------
    labels : ndarray of uint8, shape of the scan
        0 outside the brain, 1 gray matter, 2 white matter, 3 cerebrospinal fluid, 7 what is unlike any of them.
    brain : Brain
        How the mask came about, and how far it can be trusted; in canonical axes, before `Settings.margin`.
    mixture : Mixture
        Fitted to the brain's intensities, its classes named.
    histogram : Histogram
        The intensities that it was fitted to, after bias correction; of the first channel.
    joint : Joint or None
        Where several channels were fitted together.
    contrast : Contrast
        Given by the user or recognized.
    contrast_confidence : float
        Probability that the tissues are named rightly; 1 where the user said the contrast.
    sides_known : bool
        Whether it can be trusted which side of the scan is the patient's left: letters are shown only then.
    cut_away : CutAway or None
        A piece of the brain that one value was written over.
    head_direction : HeadDirection or None
        How the head lies to the axes that the header states, where that was found.
    volumes_ml : dict of Tissue to float, or None
        Sum of the partial volumes times the volume of a voxel, in mL; for a picture with a pixel size, in mL for
        each mm of slice thickness; None where the pixel size is unknown.
    volume_intervals_ml : dict of Tissue to (float, float), or None
        Between which volumes the truth lies with a probability of 95 %, if the mask is right, by the errors of scans
        whose truth is known; see `mriseg.segmentation.volumes`.
    fractions : dict of Tissue to float
        Of the cranial cavity (the mask), from the partial volumes; with the share of `abnormal` sums to 1.
    abnormal : AbnormalTissue or None
        What is unlike any of the three tissues; their volumes are without it.
    quality : dict of str to float
        Figures that say how far to trust the result, see `mriseg.quality.metrics`.
    notes : tuple of str
        What was done, in sentences.
    findings : tuple of Finding
        What can be trusted and what not, each with a code, the worst first, see `mriseg.segmentation.findings`.
    settings : Settings
        That it was made with.
    seconds : dict of str to float
        Wall time of each stage.
    box : tuple of slice
        The part of the grid that holds the brain.
    orientation : ndarray of shape (3, 2) or (2, 2)
        How the axes of the scan lie to canonical ones, see `mriseg.image.orientation.orient`.
    brain_posteriors : ndarray of float32, shape (voxels of the mask, 3)
        `posteriors[mask]`: all that need be stored of them.
    brain_fractions : ndarray of uint8, shape (voxels of the mask, 3)
        `partial_volumes[mask]` times 255.
    stages : Stages
        What each stage found: `segment` need not find it again where only some settings change.

    Examples
    --------
    One slice of a head made for tests, in pixels of 4 mm, whose brain is known:

    >>> from mriseg import Contrast, Settings, segment
    >>> from mriseg.core.scan import picture
    >>> from mriseg.datasets.phantom import make_phantom, simulate
    >>> phantom = make_phantom(spacing=4.0)
    >>> scan = picture(simulate(phantom, Contrast.T2).data[:, :, 25])
    >>> result = segment(scan, Settings(pixel_size=4.0, contrast="t2"), mask=phantom.truth[:, :, 25] > 0)

    The posteriors of the tissues sum to 1 in the brain, and the label is the tissue of the largest:

    >>> result.posteriors.shape == (*scan.data.shape, 3)
    True
    >>> bool(np.allclose(result.posteriors[result.mask].sum(-1), 1, atol=1e-5))
    True
    >>> bool((result.labels == (result.posteriors.argmax(-1) + 1) * result.mask).all())
    True

    The volumes of the tissues sum to that of the mask, here of a slice of 1 mm:

    >>> bool(np.isclose(result.brain_ml, result.mask.sum() * 4 * 4 * 1 / 1000))
    True
    """

    labels: np.ndarray = field(repr=False)
    brain: Brain = field(repr=False)
    mixture: Mixture
    histogram: Histogram = field(repr=False)
    joint: Joint | None
    contrast: Contrast
    contrast_confidence: float
    sides_known: bool
    head_direction: HeadDirection | None
    cut_away: CutAway | None
    volumes_ml: dict[Tissue, float] | None
    volume_intervals_ml: dict[Tissue, tuple[float, float]] | None
    fractions: dict[Tissue, float]
    abnormal: AbnormalTissue | None
    quality: dict[str, float]
    notes: tuple[str, ...]
    findings: tuple[Finding, ...] = field(repr=False)
    settings: Settings
    seconds: dict[str, float]
    box: tuple[slice, ...] = field(repr=False)
    orientation: np.ndarray = field(repr=False)
    brain_posteriors: np.ndarray = field(repr=False)
    brain_fractions: np.ndarray = field(repr=False)
    stages: Stages = field(repr=False)

    @property
    def planes_known(self) -> bool:
        """Whether axial, coronal and sagittal planes are those that the header calls so: they are named only then."""
        return self.head_direction is None or not self.head_direction.contradicts_header

    @property
    def curves(self) -> TissueDensities:
        """What the voxels of each class look like: the curves that are drawn over the histogram."""
        assert self.mixture.curves is not None  # a result is made with them
        return self.mixture.curves

    @property
    def gray_white_apart(self) -> bool:
        """Whether brightness tells gray from white matter at all: if not, only their sum means anything."""
        return self.quality.get("tissue_contrast", LEAST_TISSUE_CONTRAST) >= LEAST_TISSUE_CONTRAST

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to doubt, in sentences: the findings that are warnings."""
        return tuple(finding.text for code in WARNING_CODES for finding in self.findings if finding.code is code)

    @property
    def mask(self) -> np.ndarray:
        """The brain, bool, shape of the scan: all tissues and what is abnormal. Made anew at each call."""
        return self.labels > 0

    @property
    def posteriors(self) -> np.ndarray:
        """Probability that a voxel is mostly each tissue, float32, shape of the scan and 3 (GM, WM, CSF).

        Sums to 1 in the brain, 0 outside; what it lacks to 1 is the probability of abnormal tissue. How much of each
        tissue a voxel holds is another question, which `partial_volumes` answers: of a voxel that is surely half gray
        and half white the posterior may be 0.5 or 1.

        Made anew at each call: a full grid of them is twelve times the size of the labels.
        """
        posteriors = np.zeros((*self.labels.shape, len(Tissue)), np.float32)
        posteriors[self.mask] = self.brain_posteriors
        return posteriors

    def posteriors_across(self, axis: int, index: int) -> np.ndarray:
        """The posteriors of one slice, without making those of the others.

        Parameters
        ----------
        axis : int
            Across the slice, of the scan's own.
        index : int
            Along it.

        Returns
        -------
        ndarray of float32, shape of the scan and 3, but 1 along the axis
            0 outside the brain, and where the slice misses it.

        Notes
        -----
        Only the voxels of the brain are stored, one after the other, rows along the last axis. In a picture with the
        brain at the ones, numbered as they are stored,

        ::

            1 1 0      0 1 .
            0 1 1      . 2 3

        the rows hold two voxels each and begin at 0 and at 2: `first`. The second row, a slice across axis 0, takes its
        voxels from there on: 2 and 3. The second column, a slice across the last axis, takes from each row the voxel
        that has as many before it as the row has to the left of the column, one and none: 0 + 1 and 2 + 0.
        """
        inside = self.labels[self.box] > 0
        shape = tuple(1 if a == axis else n for a, n in enumerate(self.labels.shape))
        posteriors = np.zeros((*shape, len(Tissue)), np.float32)
        here = index - self.box[axis].start
        if 0 <= here < inside.shape[axis]:
            rows = inside.sum(-1, dtype=np.int32)
            first = (np.cumsum(rows.ravel()) - rows.ravel()).reshape(rows.shape)[..., None]  # of each row's voxels
            if axis == inside.ndim - 1:
                first = first + inside[..., :here].sum(-1, dtype=np.int32)[..., None]
            part = tuple(slice(here, here + 1) if a == axis else slice(None) for a in range(inside.ndim))
            cut = inside[part]
            first = first if axis == inside.ndim - 1 else first[part[:-1]]
            position = (first + np.cumsum(cut, -1, dtype=np.int32) - 1)[cut]
            where = tuple(slice(None) if a == axis else b for a, b in enumerate(self.box))
            posteriors[where][cut] = self.brain_posteriors[position]
        return posteriors

    @property
    def partial_volumes(self) -> np.ndarray:
        """Fraction of each voxel that each tissue fills, as expected, float32, shape of the scan and 3.

        Sums to 1 in the brain within a hundredth, 0 outside; in steps of 1/255. Volumes are its sums before that.
        """
        fractions = np.zeros((*self.labels.shape, len(Tissue)), np.float32)
        fractions[self.mask] = self.brain_fractions * np.float32(1 / 255)
        return fractions

    @property
    def abnormal_posterior(self) -> np.ndarray:
        """Probability that a voxel is unlike any of the tissues, float32, shape of the scan; 0 outside the brain."""
        posterior = np.zeros(self.labels.shape, np.float32)
        if self.abnormal is not None:
            posterior[self.mask] = np.clip(1 - self.brain_posteriors.sum(1), 0, 1)
        return posterior

    @property
    def filled_volumes_ml(self) -> dict[Tissue, float] | None:
        """Volumes of the tissues as if each abnormal voxel held what the average brain has there, mL."""
        if self.volumes_ml is None or self.abnormal is None or self.abnormal.expected_ml is None:
            return self.volumes_ml
        return {tissue: ml + self.abnormal.expected_ml[tissue] for tissue, ml in self.volumes_ml.items()}

    @property
    def entropy(self) -> np.ndarray:
        """How unsure each label is, float32, shape of the scan: 0 sure, 1 all tissues alike; 0 outside the brain.

        Shannon's entropy of the posteriors over its largest value, log 3.
        """
        entropy = np.zeros(self.labels.shape, np.float32)
        total = np.zeros(len(self.brain_posteriors), np.float32)
        for p in self.brain_posteriors.T:
            total -= p * np.log(np.maximum(p, np.float32(1e-12)))
        if self.abnormal is not None:
            p = np.clip(1 - self.brain_posteriors.sum(1), 0, 1)
            total -= p * np.log(np.maximum(p, np.float32(1e-12)))
        entropy[self.mask] = np.clip(total / np.float32(np.log(len(Tissue))), 0, 1)
        return entropy

    @property
    def bias(self) -> np.ndarray:
        """The field that the scan was divided by, float32, shape of the scan; 1 outside the brain's box."""
        bias = np.ones(self.labels.shape, np.float32)
        bias[self.box] = self.box_bias
        return bias

    @property
    def box_bias(self) -> np.ndarray:
        """The field in the brain's box, float32, shape of the box."""
        shape = tuple(part.stop - part.start for part in self.stages.region.box)
        return restore(evaluate_bias_field(self.stages.bias_correction.coefficients[0], shape), self.orientation)

    @property
    def brain_ml(self) -> float | None:
        """Volume of the mask in mL, the tissues and what is abnormal; None where the pixel size is unknown."""
        if self.volumes_ml is None:
            return None
        abnormal_ml = self.abnormal.volume_ml if self.abnormal else None
        return sum(self.volumes_ml.values()) + (abnormal_ml or 0.0)


def before_correction(scan: Scan, result: Result) -> Histogram:
    """The brain's intensities as they were before the bias field was divided out.

    Parameters
    ----------
    scan : Scan
        That was segmented.
    result : Result
        Of that scan.

    Returns
    -------
    Histogram
        Of the same voxels in the same units as `Result.histogram`, which are those of the negative where the scan is
        stored inverted. Its bins may have another width.
    """
    region = result.stages.region
    data = orient(scan)[0].data[region.box]
    return typical_histogram(result.stages.signal(data[region.box_mask]), LEVELS[1])
