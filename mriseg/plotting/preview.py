"""A scan before anything is known of it: its middle slices in gray, side by side."""

import numpy as np

from mriseg.core.scan import Scan
from mriseg.image.orientation import orient
from mriseg.plotting import slices
from mriseg.plotting.slices import AnatomicalPlane, View

HEIGHT, WIDEST = 360, 1400  # pixels
GAP = 6  # pixels between planes
SAMPLED = 100_000  # voxels that say which intensities are shown black and white
DARKEST, BRIGHTEST = 1.0, 99.5  # percentiles that are shown black and white


def preview(scan: Scan) -> bytes:
    """The middle slice of each plane of a scan, or the picture that it is.

    Parameters
    ----------
    scan : Scan

    Returns
    -------
    bytes
        A PNG in gray, at most `HEIGHT` pixels high and all in one scale: axial, coronal and
        sagittal slice from left to right.
    """
    canonical, _ = orient(scan)
    data = canonical.data
    step = max(1, round((data.size / SAMPLED) ** (1 / data.ndim)))
    low, high = np.percentile(data[(slice(None, None, step),) * data.ndim], [DARKEST, BRIGHTEST])
    limits = float(low), float(max(high, low + 1e-6))
    if canonical.spacing is None or scan.kind == "picture":
        return slices.png(slices.enlarge(slices.gray(data, limits), (1.0, 1.0), (HEIGHT, WIDEST), smooth=True))
    views = [View(plane, data.shape[plane.axis] // 2) for plane in AnatomicalPlane]
    cuts = [slices.gray(slices.cut(data, view), limits) for view in views]
    sides = [slices.pixel_sides(canonical.spacing, view) for view in views]
    sizes = [(levels.shape[0] * h, levels.shape[1] * w) for levels, (h, w) in zip(cuts, sides, strict=True)]
    scale = min(HEIGHT / max(height for height, _ in sizes), WIDEST / sum(width for _, width in sizes))
    shown = [
        slices.enlarge(levels, side, (max(1, round(height * scale)), max(1, round(width * scale))), smooth=True)
        for levels, side, (height, width) in zip(cuts, sides, sizes, strict=True)
    ]
    page = np.zeros((max(image.shape[0] for image in shown), sum(image.shape[1] + GAP for image in shown)), np.uint8)
    left = 0
    for image in shown:
        top = (page.shape[0] - image.shape[0]) // 2
        page[top : top + image.shape[0], left : left + image.shape[1]] = image
        left += image.shape[1] + GAP
    return slices.png(page[:, :-GAP])
