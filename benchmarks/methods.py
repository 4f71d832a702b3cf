"""Ways to segment a scan, each run in a process of its own by `tissues.py`.

    python benchmarks/methods.py METHOD SCAN BRAIN CONTRAST OUT

Writes to OUT (.npz) labels on the scan's grid and, of our own methods, the fit, the histogram that it is of, and the
volumes with their intervals. To compare another method, add a function to `METHODS`. The peers get
the brain and the contrast from the truth and see the scan cropped to the brain, which changes no label of theirs
and saves them half of their time; the settings are their defaults or those of their tutorials.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nibabel
import numpy as np
import table  # noqa: F401 puts the checkout on the path

from mriseg.core.tissue import Contrast, Tissue
from mriseg.image.morphology import bounding_box

if TYPE_CHECKING:
    import mriseg

Arrays = dict[str, np.ndarray]


def values(path: Path) -> np.ndarray:
    """What a NIfTI file holds, without axes of length one."""
    return np.squeeze(np.asanyarray(nibabel.nifti1.load(path).dataobj))


def own(scan: Path, brain: Path, contrast: Contrast) -> Arrays:
    """The package here, with the brain searched."""
    import mriseg

    return _arrays(mriseg.segment(mriseg.read(scan)))


def own_with_brain(scan: Path, brain: Path, contrast: Contrast) -> Arrays:
    """The package here, with the brain given."""
    import mriseg

    return _arrays(mriseg.segment(mriseg.read(scan), mask=values(brain) == 1))


def _arrays(result: "mriseg.Result") -> Arrays:
    """Labels, fit, bars, and volumes with their intervals, which are those of a volume with a voxel size."""
    assert result.volumes_ml is not None
    assert result.volume_intervals_ml is not None
    return {
        "labels": result.labels,
        "fit": np.array([result.quality["misfit"], result.quality["misfit_by_chance"]]),
        "levels": result.histogram.levels,
        "counts": result.histogram.counts,
        "volumes": np.array([result.volumes_ml[tissue] for tissue in Tissue]),
        "intervals": np.array([result.volume_intervals_ml[tissue] for tissue in Tissue]),
    }


def gaussian_mixture(scan: Path, brain: Path, contrast: Contrast) -> Arrays:
    """Scikit-learn's mixture of three Gaussians with its defaults, in the brain."""
    cut = Cut(scan, brain)
    return cut.labels(_plain_mixture(cut.data[cut.inside]), contrast)


def n4_gaussian_mixture(scan: Path, brain: Path, contrast: Contrast) -> Arrays:
    """SimpleITK's N4 with its defaults on the scan shrunk by 4, as its tutorial has it; then the plain mixture."""
    import SimpleITK

    cut = Cut(scan, brain)
    image = SimpleITK.GetImageFromArray(cut.data)
    image.SetSpacing(cut.spacing[::-1])
    mask = SimpleITK.GetImageFromArray(cut.inside.astype(np.uint8))
    mask.CopyInformation(image)
    corrector = SimpleITK.N4BiasFieldCorrectionImageFilter()
    shrink = [max(1, min(4, n // 8)) for n in image.GetSize()]
    corrector.Execute(SimpleITK.Shrink(image, shrink), SimpleITK.Shrink(mask, shrink))
    field = SimpleITK.GetArrayFromImage(corrector.GetLogBiasFieldAsImage(image))
    return cut.labels(_plain_mixture(cut.data[cut.inside] / np.exp(field[cut.inside])), contrast)


def atropos(scan: Path, brain: Path, contrast: Contrast) -> Arrays:
    """ANTsPy's Atropos: k-means start, the Markov field of its default (0.2, radius 1), five iterations."""
    import ants

    cut = Cut(scan, brain)
    image, mask = cut.in_ants()
    found = ants.atropos(a=image, x=mask, i="Kmeans[3]", m="[0.2,1x1x1]", c="[5,0]")["segmentation"]
    return cut.labels(found.numpy()[cut.inside].astype(int) - 1, contrast)


def n4_atropos(scan: Path, brain: Path, contrast: Contrast) -> Arrays:
    """ANTsPy's N4 with its defaults, then Atropos."""
    import ants

    cut = Cut(scan, brain)
    image, mask = cut.in_ants()
    image = ants.n4_bias_field_correction(image, mask=mask)
    found = ants.atropos(a=image, x=mask, i="Kmeans[3]", m="[0.2,1x1x1]", c="[5,0]")["segmentation"]
    return cut.labels(found.numpy()[cut.inside].astype(int) - 1, contrast)


def dipy_hmrf(scan: Path, brain: Path, contrast: Contrast) -> Arrays:
    """DIPY's hidden Markov random field with the settings of its tutorial."""
    from dipy.segment.tissue import TissueClassifierHMRF

    cut = Cut(scan, brain)
    data = np.where(cut.inside, cut.data, 0).astype(np.float64)
    _, found, _ = TissueClassifierHMRF(verbose=False).classify(data, 3, 0.1)
    return cut.labels(np.maximum(found[cut.inside].astype(int) - 1, 0), contrast)


class Cut:
    """A scan and its brain, cropped to the brain, and the way back."""

    def __init__(self, scan: Path, brain: Path) -> None:
        image = nibabel.nifti1.load(scan)
        mask = values(brain) == 1
        self.box = bounding_box(mask, margin=2)
        self.shape = mask.shape
        self.inside = mask[self.box]
        self.data = values(scan).astype(np.float32)[self.box]
        self.spacing = [float(side) for side in image.header.get_zooms()[:3]]

    def in_ants(self) -> tuple[Any, Any]:
        import ants

        return tuple(
            ants.from_numpy(array.astype(np.float32), spacing=self.spacing) for array in (self.data, self.inside)
        )

    def labels(self, classes: np.ndarray, contrast: Contrast) -> Arrays:
        """Labels on the scan's grid of classes from dark to bright, 0 to 2, of the voxels inside."""
        numbers = np.array([tissue.number for tissue in contrast.dark_to_bright], np.uint8)
        labels = np.zeros(self.shape, np.uint8)
        labels[self.box][self.inside] = numbers[classes]
        return {"labels": labels}


def _plain_mixture(intensities: np.ndarray) -> np.ndarray:
    """Classes from dark to bright, 0 to 2."""
    from sklearn.mixture import GaussianMixture

    model = GaussianMixture(3, random_state=0)
    classes = model.fit_predict(intensities.astype(float)[:, None])
    return np.argsort(np.argsort(model.means_[:, 0]))[classes]


METHODS: dict[str, Callable[[Path, Path, Contrast], Arrays]] = {
    "mriseg": own,
    "mriseg, brain given": own_with_brain,
    "scikit-learn GaussianMixture": gaussian_mixture,
    "SimpleITK N4 + GaussianMixture": n4_gaussian_mixture,
    "DIPY HMRF": dipy_hmrf,
    "ANTsPy Atropos": atropos,
    "ANTsPy N4 + Atropos": n4_atropos,
}


if __name__ == "__main__":
    method, scan, brain, contrast, out = sys.argv[1:]
    np.savez(out, **METHODS[method](Path(scan), Path(brain), Contrast[contrast]))
