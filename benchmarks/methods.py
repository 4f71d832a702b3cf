"""Ways to segment a scan, each run in a process of its own by `tissues.py`.

    python benchmarks/methods.py METHOD SCAN BRAIN CONTRAST OUT

Writes labels on the scan's grid to OUT (.npy). To compare another method, add a function to `METHODS`.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import table  # noqa: F401 puts the checkout on the path

import mriseg
from mriseg.tissue import Contrast


def values(path: Path) -> np.ndarray:
    """What a NIfTI file holds, without axes of length one."""
    return np.squeeze(np.asanyarray(nibabel.nifti1.load(path).dataobj))


def own(scan: Path, brain: Path, contrast: Contrast) -> np.ndarray:
    """The package here, with the brain searched."""
    return mriseg.segment(mriseg.read(scan)).labels


def own_with_brain(scan: Path, brain: Path, contrast: Contrast) -> np.ndarray:
    """The package here, with the brain given."""
    return mriseg.segment(mriseg.read(scan), mask=values(brain) == 1).labels


def gaussian_mixture(scan: Path, brain: Path, contrast: Contrast) -> np.ndarray:
    """Scikit-learn's mixture of three Gaussians with its defaults, in the brain; which class is which it is told."""
    from sklearn.mixture import GaussianMixture

    inside = values(brain) == 1
    intensities = values(scan)[inside].astype(float)[:, None]
    model = GaussianMixture(3, random_state=0)
    classes = model.fit_predict(intensities)
    numbers = np.empty(3, np.uint8)
    numbers[np.argsort(model.means_[:, 0])] = [tissue.number for tissue in contrast.dark_to_bright]
    labels = np.zeros(inside.shape, np.uint8)
    labels[inside] = numbers[classes]
    return labels


METHODS: dict[str, Callable[[Path, Path, Contrast], np.ndarray]] = {
    "mriseg": own,
    "mriseg, brain given": own_with_brain,
    "GaussianMixture, brain given": gaussian_mixture,
}


if __name__ == "__main__":
    method, scan, brain, contrast, out = sys.argv[1:]
    np.save(out, METHODS[method](Path(scan), Path(brain), Contrast[contrast]))
