"""What can be trusted in a segmentation and what not, in a clinician's words, and what to do about it.

Nothing is measured here: each finding follows from what the scan and the result hold.

Limits were set where overlap with the truth falls on simulated T1 and T2 heads. Against a signal to noise of 20, one of
14 costs 2 points of Dice of gray matter, 11 costs 5, 8 costs 13 and 6 costs 29. A shading of 60 % costs less than 1,
one of 100 % costs 2, one of 165 to 200 % 5 to 10.
"""

from collections.abc import Iterator

import numpy as np

from mriseg.core.decimals import decimal, percent
from mriseg.core.findings import Finding, FindingCode, Level
from mriseg.core.scan import Scan, Space
from mriseg.core.tissue import Contrast, Tissue
from mriseg.quality.metrics import brain_parenchymal_fraction
from mriseg.segmentation.abnormal_findings import abnormal_findings
from mriseg.segmentation.brain_size import FACES, cut, cut_away, size
from mriseg.segmentation.gray_levels import clipped_share, gray_levels, unevenness
from mriseg.segmentation.names import certainty, names
from mriseg.segmentation.plausibility import implausible_shares
from mriseg.segmentation.result import Result
from mriseg.segmentation.told_settings import moved_border, told_settings

SURE_MASK = 0.8  # confidence of a mask that nobody need look at
MUCH_RIM_ML = 5.0  # of voxels left out at the rim: fewer change no volume by 1 %
NOISY, TOO_NOISY = 12.0, 6.0  # signal to noise, mean of the tissues
WEAK_CONTRAST = 1.0  # gray and white matter closer than their spread: the border between them is a guess
LITTLE_CONTRAST = 1.5  # between gray and white matter: by brightness alone one voxel in seven would be named wrongly
# Of the brain, cut off at one value. Of a T1, 10 % cost up to 5 points of Dice, 20 % up to 11, 30 % up to 20, 40 % all.
CLIPPED, MUCH_CLIPPED = 0.05, 0.2
CLIPPED_LEVELS = 3.0  # and as many times what a level holds on average: where there are few, each holds much
EQUALIZED = 0.08  # distance of all intensities from equally many: equalized pictures 0.02 to 0.05, others 0.12 and more
FEW_LEVELS, TOO_FEW_LEVELS = 24, 16  # 32 of a T1 cost up to 2 points of Dice; with 16 the names of tissues may be wrong
# Between fluid and gray matter, where the overlap of fluid with the truth falls on simulated heads: a Dice of .7 to
# .9 above 3, .5 to .75 between 2 and 3, less than .5 below 2. In a picture no average brain says which of the dark is
# pure fluid, so that good ones go down to 1.9: there only what none of them has is told.
WEAK_FLUID_CONTRAST, LITTLE_FLUID_CONTRAST, WEAK_FLUID_OF_PICTURES = 2.0, 3.0, 1.5
STRONG_SHADING = 0.8  # of the brightest over the darkest place of one tissue
MANY_MIXED = 0.55  # share of the voxels: 0.3 to 0.5 at 1 to 1.5 mm
THICK_MM = 2.5  # cortex is that thick
# Of the voxels, beyond what chance misplaces: by whole scans and slices as they were taken 0.2 to 1.5 %, by pictures of
# 16 gray levels 3 to 25 %, of 8 levels 20 % and more.
MISSED, MUCH_MISSED = 0.05, 0.15
MISSED_WHERE = {
    "misfit_below": "darker than all tissues",
    "misfit_between": "between the tissues",
    "misfit_above": "brighter than all tissues",
}
# Logarithm of the ratio of gray or white matter without the average brain to that with it. Of 29 scans of all contrasts
# 28 have at most 0.25, a T2 of 5 mm 0.42.
MUCH_POSITION = 0.35
SPACES = {Space.TALAIRACH: "Talairach's", Space.MNI: "the MNI's", Space.TEMPLATE: "another template's"}


def assess(scan: Scan, result: Result) -> tuple[Finding, ...]:
    """Judge a result by what it holds.

    Parameters
    ----------
    scan : Scan
        That was segmented.
    result : Result
        Its own findings are not read.

    Returns
    -------
    tuple of Finding
        The worst first, else in the order in which they should be read; never empty.
    """
    findings = [
        *_mask(result),
        *_rim(scan, result),
        *names(result),
        *_echo_planar(result),
        *_missing_tissues(result),
        *_gray_against_white(result),
        *_levels(scan, result),
        *_fluid_against_gray(result),
        *_noise(result),
        *_mixed(result),
        *_thickness(result),
        *size(scan, result),
        *_header_geometry(scan),
        *_head_direction(result),
        *cut(result),
        *cut_away(result),
        *implausible_shares(scan, result),
        *abnormal_findings(result),
        *_shading(result),
        *told_settings(result),
        *_single_slice(result),
        *_fit(result),
        *_histogram(result),
        *_position(result),
        *_stated_contrast(scan, result),
        *_inverted(result),
    ]
    return tuple(sorted(findings, key=lambda finding: -finding.level))


def _mask(result: Result) -> Iterator[Finding]:
    brain = result.brain
    yield from brain.doubts
    yield from moved_border(result)
    if brain.doubts:
        return
    if brain.given and brain.confidence >= SURE_MASK:
        says = f"The given brain mask was used and is plausible ({certainty(brain.confidence)} confidence)."
        yield Finding(FindingCode.MASK_GIVEN, Level.GOOD, says)
        return
    why = f"({certainty(brain.confidence)} confidence)."
    look = "Check the outline; shrink or grow it, or give a mask of your own, where it is wrong."
    if brain.doubtful:
        says = f"The region found may not be a brain {why}"
        yield Finding(FindingCode.MASK_DOUBTFUL, Level.NOT, says, look)
    elif brain.confidence < SURE_MASK:
        says = f"The brain outline may be wrong in places {why}"
        yield Finding(FindingCode.MASK_UNSURE, Level.CARE, says, look)
    else:
        yield Finding(FindingCode.MASK_PLAUSIBLE, Level.GOOD, f"The brain outline is plausible {why}")


def _rim(scan: Scan, result: Result) -> Iterator[Finding]:
    """What was named white matter at the rim, and left out because none can be there."""
    region = result.stages.region.mask
    if scan.spacing is None or region.ndim != len(FACES):
        return
    left_out = np.count_nonzero(region) - np.count_nonzero(result.mask)
    rim_ml = left_out * float(np.prod(scan.spacing)) / 1000
    if result.contrast is Contrast.T1 and left_out:
        yield Finding(
            FindingCode.VESSELS_LEFT_OUT,
            Level.CARE,
            f"{rim_ml:.0f} mL at the edge of the brain are far brighter than white matter, like vessels, sinuses and "
            "dura with contrast agent. They were left out.",
            "Vessels inside the brain still count as white matter; for volumes use a scan without contrast agent.",
        )
    elif result.brain.stripped and rim_ml > MUCH_RIM_ML:
        yield Finding(
            FindingCode.RIM_LEFT_OUT,
            Level.GOOD,
            f"{rim_ml:.0f} mL at the edge of the brain have the intensity of white matter where none can be (bone, or "
            "voxels that are partly background). They were left out.",
        )


def _echo_planar(result: Result) -> Iterator[Finding]:
    if result.stages.tissues.assignment.echo_planar:
        yield Finding(
            FindingCode.ECHO_PLANAR,
            Level.NOT,
            "This looks like an echo-planar image (functional or diffusion series), whose contrast is not known here: "
            "its voxels are large and the fat of the scalp is dark. Such images are distorted and lose signal above "
            "the sinuses, so tissue volumes would be meaningless.",
            "Segment an anatomical scan of the same head.",
        )


def _missing_tissues(result: Result) -> Iterator[Finding]:
    mixture = result.mixture
    missing = [tissue.title.lower() for tissue in Tissue if tissue not in mixture.tissues]
    if missing:
        yield Finding(
            FindingCode.MISSING_TISSUE,
            Level.CARE,
            f"With {mixture.classes} classes none was found that looks like {' or '.join(missing)}, so no volume is "
            "given for it.",
            'Set "Classes" to 3.',
        )


def _gray_against_white(result: Result) -> Iterator[Finding]:
    contrast = result.quality.get("tissue_contrast")
    if contrast is None:
        return
    why = f"Contrast-to-spread ratio {contrast:.1f}"
    if result.contrast is Contrast.T1 and result.labels.ndim == len(FACES):
        why += " (usually 2 to 6 in T1-weighted volumes)"
    if not result.gray_white_apart:
        both = brain_parenchymal_fraction(result.fractions)
        yield Finding(
            FindingCode.GRAY_WHITE_ONE,
            Level.CARE,
            f"Gray and white matter cannot be separated in this scan (contrast-to-spread ratio {contrast:.1f}). "
            f"Together they are {percent(both, 1)} of the intracranial volume; the split between them is not reliable.",
            "Use brain tissue and fluid only. For gray and white matter use a T1-weighted scan.",
        )
    elif contrast < WEAK_CONTRAST:
        yield Finding(
            FindingCode.GRAY_WHITE_ALIKE,
            Level.CARE,
            f"Gray and white matter hardly differ here (contrast-to-spread ratio {contrast:.1f}), so the border "
            "between them is not reliable.",
            "Use their sum rather than each.",
        )
    elif contrast < LITTLE_CONTRAST:
        yield Finding(
            FindingCode.GRAY_WHITE_CLOSE,
            Level.CARE,
            f"Gray and white matter differ little, so the border between them is approximate. {why}.",
            "Their sum is more reliable than each"
            + ("." if result.contrast is Contrast.T1 else "; a T1-weighted scan shows both better."),
        )
    else:
        yield Finding(FindingCode.GRAY_WHITE_APART, Level.GOOD, f"Gray and white matter are well separated. {why}.")


def _levels(scan: Scan, result: Result) -> Iterator[Finding]:
    """Whether an export left too little of the intensities. Pictures have a window: only a very narrow one is told."""
    share, levels = clipped_share(scan, result), gray_levels(scan, result)
    if share > max(CLIPPED if scan.kind == "volume" else MUCH_CLIPPED, CLIPPED_LEVELS / levels):
        yield Finding(
            FindingCode.CLIPPED,
            Level.NOT if share > MUCH_CLIPPED else Level.CARE,
            "The scan was cut off at its brightest or darkest value, and gray and white matter with it: the border "
            f"between them is shifted to one side. {percent(share)} of the brain has that one value.",
            "Export the scan again without a window, or with a wider one.",
        )
    if unevenness(scan) < EQUALIZED:
        yield Finding(
            FindingCode.EQUALIZED,
            Level.NOT,
            "The histogram of this image was equalized by a program. The tissues no longer have peaks in it, so the "
            "mixture cannot be fitted reliably.",
            "Export the scan without histogram equalization.",
        )
    if levels < FEW_LEVELS:
        yield Finding(
            FindingCode.FEW_LEVELS,
            Level.NOT if levels < TOO_FEW_LEVELS else Level.CARE,
            f"The brain has only {levels} gray levels, too few for a reliable fit.",
            "Export the scan again in 8 or 16 bits.",
        )


def _fluid_against_gray(result: Result) -> Iterator[Finding]:
    contrast = result.quality.get("fluid_contrast")
    is_volume = result.labels.ndim == len(FACES)
    if contrast is None or contrast >= (LITTLE_FLUID_CONTRAST if is_volume else WEAK_FLUID_OF_PICTURES):
        return
    why = f"Contrast-to-spread ratio {contrast:.1f} (reliable from {LITTLE_FLUID_CONTRAST:g} on)."
    do = (
        "The sum of fluid and gray matter is more reliable than each; T1, T2 and FLAIR show fluid better than proton "
        "density."
    )
    if contrast < WEAK_FLUID_CONTRAST:
        says = "Fluid and gray matter hardly differ here, so much of one may be labeled as the other."
        yield Finding(FindingCode.FLUID_GRAY_ALIKE, Level.CARE, f"{says} {why}", do)
    else:
        says = f"Fluid and gray matter differ little, so the border between them is approximate. {why}"
        yield Finding(FindingCode.FLUID_GRAY_CLOSE, Level.CARE, says, do)


def _noise(result: Result) -> Iterator[Finding]:
    signal = result.quality.get("snrd_total")
    if signal is None:
        return
    why = f"Signal-to-noise ratio {signal:.0f}."
    do = "Raise the smoothing if the labels look speckled; do not compare volumes with those of a less noisy scan."
    if signal < TOO_NOISY:
        says = f"The scan is so noisy that fluid and the border of gray and white matter are not reliable. {why}"
        yield Finding(FindingCode.TOO_NOISY, Level.NOT, says, do)
    elif signal < NOISY:
        says = f"The scan is noisy, so cortex and thin layers of fluid are approximate. {why}"
        yield Finding(FindingCode.NOISY, Level.CARE, says, do)
    else:
        yield Finding(FindingCode.NOISE_HARMLESS, Level.GOOD, f"Noise does not limit this segmentation. {why}")


def _mixed(result: Result) -> Iterator[Finding]:
    share = result.quality["mixed_share"]
    if share > MANY_MIXED:
        yield Finding(
            FindingCode.MOSTLY_MIXED,
            Level.CARE,
            f"{percent(share)} of the voxels hold two tissues (30 to 50 % at 1 mm), so labels are coarse; volumes "
            "count the parts of each voxel.",
            "Use the volumes rather than the labels, and smaller voxels if available.",
        )


def _thickness(result: Result) -> Iterator[Finding]:
    sides = [result.quality[key] for key in ("spacing_x", "spacing_y", "spacing_z") if key in result.quality]
    if sides and max(sides) > THICK_MM:
        yield Finding(
            FindingCode.THICK_SLICES,
            Level.CARE,
            "Cortex and sulcal fluid are thinner than a slice, so their volumes are approximate. "
            f"Voxel size {' x '.join(decimal(side, 2) for side in sides)} mm.",
            "Compare with scans of the same protocol only; for absolute volumes use voxels of about 1 mm.",
        )


def _header_geometry(scan: Scan) -> Iterator[Finding]:
    """What the header says of where the voxels lie that the figures or the sides cannot be trusted for."""
    if scan.space.is_template:
        yield Finding(
            FindingCode.TEMPLATE_SPACE,
            Level.CARE,
            f"According to its header the scan is in {SPACES[scan.space]} space, where brains are scaled to a common "
            "size: volumes are those of that space, not of the person.",
            "Use the original scan for volumes, or use the shares alone.",
        )
    conflict = scan.geometry_conflict
    if conflict is None:
        return
    if conflict.resizes:
        yield Finding(
            FindingCode.TWO_VOXEL_SIZES,
            Level.CARE,
            "The header states two sizes of the voxels. By the other one all volumes would be "
            f"{conflict.volume_ratio:.2f} times as large.",
            "Find out which is right before you use a volume, and write the file again with it.",
        )
    if conflict.exchanges_sides:
        yield Finding(
            FindingCode.TWO_ORIENTATIONS,
            Level.CARE,
            "The header states two orientations that contradict each other, so left and right may be exchanged and the "
            "planes may be others than they are called. Letters of the sides are not shown.",
            "Convert the scan again from its source, or write it with one orientation.",
        )


def _head_direction(result: Result) -> Iterator[Finding]:
    """Whether the axes of the header are other than those of the head."""
    direction = result.head_direction
    if direction is not None and direction.contradicts_header:
        yield Finding(
            FindingCode.HEADER_AXES_WRONG,
            Level.CARE,
            f"The header's axes are wrong: by them the nose points to the {direction.nose} and the crown to the "
            f"{direction.crown}, for the head is turned by {direction.degrees:.0f} degrees. Planes are others than "
            "they are called, and left and right may be exchanged; their names and letters are not shown.",
            "Convert the scan again from its source, or correct the orientation in the header. The labels do not "
            "depend on it, the sides do.",
        )


def _shading(result: Result) -> Iterator[Finding]:
    depth = result.quality["bias_range"]
    if depth > STRONG_SHADING:
        yield Finding(
            FindingCode.STRONG_SHADING,
            Level.CARE,
            "Strong intensity non-uniformity (bias field) was corrected; residual shading may remain at the edges. "
            f"One tissue was up to {percent(depth)} brighter in one place than in another.",
            "Check the labels where the scan is darkest and brightest.",
        )


def _single_slice(result: Result) -> Iterator[Finding]:
    if result.labels.ndim == len(FACES):
        return
    says = "A single slice: its shares are not those of the whole brain."
    if result.volumes_ml is None:
        yield Finding(
            FindingCode.NO_PIXEL_SIZE,
            Level.GOOD,
            f"{says} The pixel size is unknown, so there are no volumes.",
            "Enter the pixel size to get volumes.",
        )
    else:
        yield Finding(FindingCode.SINGLE_SLICE, Level.GOOD, f"{says} Volumes are per mm of slice thickness.")


def _fit(result: Result) -> Iterator[Finding]:
    if not result.mixture.converged:
        yield Finding(
            FindingCode.NOT_CONVERGED,
            Level.CARE,
            "The fit had not converged when its iterations ran out; the numbers may still change slightly.",
        )


def _histogram(result: Result) -> Iterator[Finding]:
    """Whether the curves explain what was counted."""
    missed, by_chance = result.quality.get("misfit"), result.quality.get("misfit_by_chance")
    if missed is None or by_chance is None or missed - by_chance < MISSED:
        return
    where = max(MISSED_WHERE, key=lambda key: result.quality[key])
    yield Finding(
        FindingCode.HISTOGRAM_MISSED,
        Level.NOT if missed - by_chance > MUCH_MISSED else Level.CARE,
        f"The fitted curves do not follow the histogram: {percent(missed)} of the voxels are not explained "
        f"({percent(by_chance)} is expected by chance), most of them {MISSED_WHERE[where]}. This happens when gray "
        "levels were merged, stretched or sharpened after the scan was acquired.",
        "Use the scan as it came from the scanner, without a window or other changes.",
    )


def _position(result: Result) -> Iterator[Finding]:
    """Whether the intensities alone would say something else."""
    weight = result.quality.get("position_weight", 0.0)
    if weight > MUCH_POSITION:
        yield Finding(
            FindingCode.POSITION_DECIDES,
            Level.CARE,
            f"By the intensities alone the volume of gray or white matter would differ by a factor of "
            f"{np.exp(weight):.1f}: where the two overlap, the anatomical prior (MNI152) decides.",
            "Their sum is more reliable than each; do not judge change over time from either.",
        )


def _stated_contrast(scan: Scan, result: Result) -> Iterator[Finding]:
    stated = scan.header_contrast
    if stated is not None and result.contrast is not stated.contrast:
        yield Finding(
            FindingCode.CONTRAST_NOT_AS_STATED,
            Level.CARE,
            f"The header says {stated.contrast.title} ({stated.reason}), but the scan was segmented as "
            f"{result.contrast.title}.",
            "Check the overlay; choose the contrast if the header is right.",
        )


def _inverted(result: Result) -> Iterator[Finding]:
    if result.stages.tissues.assignment.inverted:
        yield Finding(
            FindingCode.INVERTED,
            Level.CARE,
            "The scan is stored inverted (air is bright). Its negative was segmented, and the intensities of the "
            "mixture are those of the negative.",
        )
