"""Scans to try the page and the command line with, offline: one average of real brains, the rest simulated.

The simulated ones come with the truth that they were made from, so that a segmentation of them can be scored.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Literal

import numpy as np

from mriseg.core.scan import Scan, picture, volume
from mriseg.core.settings import Settings
from mriseg.core.tissue import Contrast
from mriseg.datasets.phantom import Phantom, make_phantom, simulate
from mriseg.datasets.realistic_slice import PIXEL_MM, make_slice, simulate_slice
from mriseg.registration.atlas import template

HEAD_MM = 1.5  # voxel side of the simulated heads: made, found and segmented within seconds
SLICE_MM = 1.0
SLICE_HEIGHT_MM = 12.0  # MNI height of the slice, through the lateral ventricles
NOISE, BIAS = 3.0, 30.0  # percent, those of a good scan at 1.5 T
PICTURE_WHITE = 99.8  # percentile of the slice that becomes white, as a viewer's default window would have it
REALISTIC_SEED, REALISTIC_WHITE = 9, 99.0  # one that looks well; the scalp's fat may be white, as in most pictures
TRUTH = "ground truth available"


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
    pixel_mm : float or None
        Side of a picture's pixel, which a picture does not say itself; None of a volume.

    Examples
    --------
    >>> list(SAMPLES)[:5]
    ['axial-t1', 'axial-t2', 'slice-t1', 'slice-t2', 'mni152-t1']
    >>> scan, truth = SAMPLES["slice-t1"].make()
    >>> scan.kind, scan.data.shape == truth.shape
    ('picture', True)
    >>> SAMPLES["slice-t1"].settings.pixel_size
    1.0
    """

    name: str
    title: str
    description: str
    kind: Literal["picture", "volume"]
    make: Callable[[], tuple[Scan, np.ndarray | None]]
    pixel_mm: float | None = None

    @property
    def settings(self) -> Settings:
        """What it is segmented with unless other settings are chosen: the defaults, and what is known of it."""
        return Settings(pixel_size=self.pixel_mm)


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
    return picture(_levels(data, PICTURE_WHITE)), truth


def _realistic_slice(contrast: Contrast) -> tuple[Scan, np.ndarray]:
    anatomy = make_slice(REALISTIC_SEED)
    return picture(_levels(simulate_slice(anatomy, contrast), REALISTIC_WHITE)), anatomy.truth


def _levels(image: np.ndarray, white: float) -> np.ndarray:
    """Gray levels 0 to 255 of an image of which this percentile becomes white."""
    return np.rint(255 * np.clip(image / np.percentile(image, white), 0, 1))


# The first of them is what the page opens on, so it must be segmented within the first second.
_ALL = (
    *(
        Sample(
            name=f"axial-{contrast.setting}",
            title=f"Axial slice, {contrast.setting.upper()}-weighted",
            description="Simulated from the average brain MNI152 (nilearn) with folds, vessels, texture, noise and "
            f"bias of its own, {PIXEL_MM:g} mm pixels; {TRUTH}.",
            kind="picture",
            make=partial(_realistic_slice, contrast),
            pixel_mm=PIXEL_MM,
        )
        for contrast in (Contrast.T1, Contrast.T2)
    ),
    *(
        Sample(
            name=f"slice-{contrast.setting}",
            title=f"Digital phantom, a slice, {contrast.setting.upper()}-weighted",
            description=f"An axial picture of a phantom with uniform tissues, {SLICE_MM:g} mm pixels; {TRUTH}.",
            kind="picture",
            make=partial(_simulated_slice, contrast),
            pixel_mm=SLICE_MM,
        )
        for contrast in (Contrast.T1, Contrast.T2)
    ),
    Sample(
        name="mni152-t1",
        title="Average of 152 brains, T1-weighted",
        description="The MNI ICBM152 average brain (2009a), skull-stripped, 1 mm, from the nilearn package.",
        kind="volume",
        make=_average,
    ),
    *(
        Sample(
            name=f"head-{contrast.setting}",
            title=f"Digital phantom, a head, {weighting}",
            description=f"A phantom of a head with skull, {NOISE:g} % noise, {BIAS:g} % bias, {HEAD_MM:g} mm voxels; "
            f"{TRUTH}.",
            kind="volume",
            make=partial(_simulated_head, contrast),
        )
        for contrast, weighting in (
            (Contrast.T1, "T1-weighted"),
            (Contrast.T2, "T2-weighted"),
            (Contrast.PD, "proton density-weighted"),
            (Contrast.FLAIR, "FLAIR"),
        )
    ),
)

SAMPLES = {sample.name: sample for sample in _ALL}
