"""Scans to try the page and the command line with, offline: one average of real brains, the rest simulated.

The simulated ones come with the truth that they were made from, so that a segmentation of them can be scored.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Literal

import numpy as np

from mriseg.core.scan import Scan, picture, volume
from mriseg.core.tissue import Contrast
from mriseg.datasets.phantom import Phantom, make_phantom, simulate
from mriseg.registration.atlas import template

HEAD_MM = 1.5  # voxel side of the simulated heads: made, found and segmented within seconds
SLICE_MM = 1.0
SLICE_HEIGHT_MM = 12.0  # MNI height of the slice, through the lateral ventricles
NOISE, BIAS = 3.0, 30.0  # percent, those of a good scan at 1.5 T
PICTURE_WHITE = 99.8  # percentile of the slice that becomes white, as a viewer's default window would have it


@dataclass(frozen=True)
class Sample:
    """A scan that mriseg can make.

    Attributes
    ----------
    name : str
        As on the command line.
    title : str
        As on the page.
    description : str
        One sentence on what it is and where it comes from.
    kind : {"picture", "volume"}
    make : callable
        Returns the scan, and its true labels on the scan's grid or None where nobody knows them.

    Examples
    --------
    >>> list(SAMPLES)
    ['slice-t1', 'slice-t2', 'mni152-t1', 'head-t1', 'head-t2', 'head-pd', 'head-flair']
    >>> scan, truth = SAMPLES["slice-t1"].make()
    >>> scan.kind, scan.data.shape == truth.shape
    ('picture', True)
    """

    name: str
    title: str
    description: str
    kind: Literal["picture", "volume"]
    make: Callable[[], tuple[Scan, np.ndarray | None]]


def _average() -> tuple[Scan, None]:
    image = template("t1")
    return volume(np.asarray(image.dataobj), image.affine), None


@lru_cache(maxsize=1)
def _head() -> Phantom:
    return make_phantom(spacing=HEAD_MM)


def _simulated_head(contrast: Contrast) -> tuple[Scan, np.ndarray]:
    phantom = _head()
    return simulate(phantom, contrast, NOISE, BIAS), phantom.truth


def _simulated_slice(contrast: Contrast) -> tuple[Scan, np.ndarray]:
    phantom = make_phantom(spacing=SLICE_MM, heights=(SLICE_HEIGHT_MM, SLICE_HEIGHT_MM + SLICE_MM))
    data, truth = (
        # As a radiologist hangs it: front at the top, the patient's left at the right.
        array[::-1, ::-1, 0].T
        for array in (simulate(phantom, contrast, NOISE, BIAS).data, phantom.truth)
    )
    levels = np.rint(255 * np.clip(data / np.percentile(data, PICTURE_WHITE), 0, 1))
    return picture(levels), truth


# The first of them is what the page opens on, so it must be segmented within the first second.
_ALL = (
    *(
        Sample(
            name=f"slice-{contrast.setting}",
            title=f"Simulated slice, {contrast.suffix}",
            description=f"An axial picture of a simulated head, {SLICE_MM:g} mm pixels; its truth is known.",
            kind="picture",
            make=partial(_simulated_slice, contrast),
        )
        for contrast in (Contrast.T1, Contrast.T2)
    ),
    Sample(
        name="mni152-t1",
        title="Average of 152 brains, T1w",
        description="The MNI ICBM152 average brain (2009a), skull-stripped, 1 mm, from the nilearn package.",
        kind="volume",
        make=_average,
    ),
    *(
        Sample(
            name=f"head-{contrast.setting}",
            title=f"Simulated head, {contrast.suffix}",
            description=f"A simulated head with skull, {NOISE:g} % noise, {BIAS:g} % bias, {HEAD_MM:g} mm; "
            "its truth is known.",
            kind="volume",
            make=partial(_simulated_head, contrast),
        )
        for contrast in (Contrast.T1, Contrast.T2, Contrast.PD, Contrast.FLAIR)
    ),
)

SAMPLES = {sample.name: sample for sample in _ALL}
