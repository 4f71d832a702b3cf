"""The average brain that nilearn carries: MNI ICBM152 (2009a, nonlinear, symmetric), 1 mm.

The files are read from the installed package without importing it, which would cost a second and 80 MB.

References
----------
Fonov, Evans, Botteron, Almli, McKinstry, Collins: Unbiased average age-appropriate atlases for pediatric studies.
NeuroImage 54, 2011. Copyright McConnell Brain Imaging Center, McGill University; see nilearn's documentation.
"""

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import nibabel
import numpy as np
import scipy

from mriseg.core.errors import MrisegError
from mriseg.core.tissue import Tissue
from mriseg.image.morphology import distance_to_background

ATLAS_MM = 2.0
MARGIN = 8  # voxels of nothing around the atlas, for what lies outside the brain
BRAIN_LEVEL = 5  # of 255 on the T1-weighted average, which is 0 outside the brain
CENTER = np.array([0.0, -20.0, 8.0])  # MNI position, mm: the middle of the brain, about which poses turn

TISSUES = (Tissue.CSF, Tissue.GM, Tissue.WM)  # the order of all expected shares
MEAN_SHARES = (0.23, 0.42, 0.35)  # what is expected of a brain where it is not known which part it is


@dataclass(frozen=True, eq=False)
class Atlas:
    """Tissue maps at 2 mm, axes from left to right, posterior to anterior, inferior to superior.

    Attributes
    ----------
    gray, white, fluid : ndarray of float32
        Share of each tissue, 0 to 1; they sum to 1 in the brain and are 0 outside.
    depth : ndarray of float32
        Distance to the surface of the brain in mm, negative outside.
    origin : ndarray of shape (3,)
        MNI position of the first voxel's center, mm.
    """

    gray: np.ndarray
    white: np.ndarray
    fluid: np.ndarray
    depth: np.ndarray
    origin: np.ndarray


def template(kind: Literal["t1", "gm", "wm"]) -> nibabel.Nifti1Image:
    """The skull-stripped T1-weighted average, or the average map of gray or white matter.

    Parameters
    ----------
    kind : {"t1", "gm", "wm"}

    Returns
    -------
    nibabel.Nifti1Image
        uint8, 1 mm; in the maps 255 stands for a share of 1.

    Raises
    ------
    MrisegError
        If the installed nilearn does not hold it.
    """
    package = find_spec("nilearn")
    folder = Path(package.submodule_search_locations[0]) if package and package.submodule_search_locations else Path()
    path = folder / "datasets" / "data" / f"mni_icbm152_{kind}_tal_nlin_sym_09a_converted.nii.gz"
    if not path.exists():
        raise MrisegError("The average brain is not there. Install nilearn as requirements.txt says and try again.")
    return nibabel.Nifti1Image.from_filename(path)


@cache
def atlas() -> Atlas:
    """The average brain as tissue shares and depth, read once in a process (25 MB).

    Returns
    -------
    Atlas

    Raises
    ------
    MrisegError
        If the installed nilearn does not hold the average brain.
    """
    step = int(ATLAS_MM)
    images = {kind: template(kind) for kind in ("t1", "gm", "wm")}
    t1, gm, wm = (np.pad(np.asarray(image.dataobj)[::step, ::step, ::step], MARGIN) for image in images.values())
    brain = scipy.ndimage.binary_fill_holes(t1 > BRAIN_LEVEL)
    total = np.maximum(gm.astype(np.float32) + wm, 255)
    gray, white = brain * gm / total, brain * wm / total
    inside, outside = (distance_to_background(m, (ATLAS_MM,) * 3, at_border="edge") for m in (brain, ~brain))
    return Atlas(
        gray,
        white,
        fluid=brain - gray - white,
        depth=(inside - outside).astype(np.float32),
        origin=images["t1"].affine[:3, 3] - MARGIN * ATLAS_MM,
    )
