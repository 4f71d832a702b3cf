"""Ways to find the brain, each run in a process of its own by `brain.py`.

    python benchmarks/brain_methods.py METHOD SCAN OUT

Writes a mask on the scan's grid to OUT (.npy). To compare another method, add a function to `METHODS`.
"""

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import nibabel
import numpy as np
import table  # noqa: F401 puts the checkout on the path


def own(scan: Path) -> np.ndarray:
    """The package here."""
    import mriseg
    from mriseg.brain.extraction import extract
    from mriseg.image.orientation import orient, restore

    canonical, orientation = orient(mriseg.read(scan))
    return restore(extract(canonical.data, canonical.spacing).mask, orientation)


def median_otsu(scan: Path) -> np.ndarray:
    """DIPY's median_otsu with the settings of its tutorial for structural scans."""
    from dipy.segment.mask import median_otsu as dipy_median_otsu

    data = np.squeeze(np.asarray(nibabel.nifti1.load(scan).dataobj, np.float32))
    _, mask = dipy_median_otsu(data, median_radius=2, numpass=1)
    return mask.astype(bool)


def bet(scan: Path) -> np.ndarray:
    """FSL's BET as the package brainextractor has it in Python."""
    from brainextractor import BrainExtractor

    image = nibabel.nifti1.load(scan)
    data = np.squeeze(np.asarray(image.dataobj, np.float32))
    extractor = BrainExtractor(img=nibabel.nifti1.Nifti1Image(data, image.affine))
    with redirect_stdout(sys.stderr):  # it counts its thousand iterations aloud
        extractor.run()
    return np.asarray(extractor.compute_mask()) > 0


METHODS: dict[str, Callable[[Path], np.ndarray]] = {
    "mriseg": own,
    "DIPY median_otsu": median_otsu,
    "brainextractor (BET)": bet,
}


if __name__ == "__main__":
    method, scan, out = sys.argv[1:]
    np.save(out, METHODS[method](Path(scan)))
