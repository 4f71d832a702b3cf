"""The histogram mixture against scikit-learn's on one million voxels: time and likelihood of each, in one run.

Both estimators get the same values, the same number of components and the same tolerance, and are scored on the same
values. Seconds are CPU seconds of `fit` alone, imports and making the data left out; of the fast fits the least of
several. "with partial volume" is the engine's own fit, which has more to estimate: three classes, the voxels mixed of
each two, and outliers.

    python benchmarks/mixture.py [--data ../shared/data] [--tolerance 1e-6] [--voxels 1000000]

Needs scikit-learn. With BrainWeb's scan in the data folder, the voxels of its brain are fitted too. Takes 1 to 3
minutes, nearly all of it scikit-learn's.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
from sklearn.mixture import GaussianMixture
from table import DATA, print_table

from mriseg import HistogramGaussianMixture
from mriseg.mixture.fit import FLUID_DARK, fit
from mriseg.mixture.histogram import Cells, histogram
from mriseg.mixture.model import Mixture

COMPONENTS = 3
REPEATS = 7
# Fluid, gray and white matter of a T1-weighted scan of 12 bits: share of the voxels, mean and standard deviation.
SHARES, MEANS, SDS = (0.2, 0.45, 0.35), (700.0, 1600.0, 2200.0), (180.0, 200.0, 140.0)
MIXED = 0.25  # share of the voxels that hold part of the next tissue too


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--tolerance", type=float, default=1e-6)
    parser.add_argument("--voxels", type=int, default=1_000_000)
    options = parser.parse_args()
    rows: list[tuple[object, ...]] = []
    for title, values in samples(options.data, options.voxels).items():
        rows += compared(title, values, options.tolerance)
    head = ("voxels", "fit", "iterations", "log likelihood per voxel", "CPU ms", "times as fast")
    print_table(head, rows)


def samples(folder: Path, size: int) -> dict[str, np.ndarray]:
    """Intensities to fit, by title."""
    rng = np.random.default_rng(0)
    part = rng.choice(COMPONENTS, size, p=SHARES)
    other = np.where(rng.random(size) < 0.5, part - 1, part + 1).clip(0, COMPONENTS - 1)
    fraction = rng.random(size) * (rng.random(size) < MIXED)
    values = rng.normal(np.array(MEANS)[part], np.array(SDS)[part])
    values += fraction * (np.array(MEANS)[other] - np.array(MEANS)[part])
    by_title = {"simulated, 12 bits": np.clip(np.rint(values), 0, 4095), "simulated, floating point": values}
    scan = folder / "brainweb" / "t1_1mm_pn3_rf20.nii.gz"
    if scan.exists():
        every_other = read(scan)[::2, ::2, ::2]
        truth = sum(read(scan.with_name(f"truth_2mm_{tissue}_fraction.nii.gz")) for tissue in ("csf", "gm", "wm"))
        common = tuple(slice(0, min(sizes)) for sizes in zip(every_other.shape, np.shape(truth), strict=True))
        brain = every_other[common][np.asarray(truth)[common] > 0.5]
        by_title["BrainWeb's brain"] = rng.choice(brain, size)
    return by_title


def read(path: Path) -> np.ndarray:
    """The values of a NIfTI file, without axes of length one."""
    return np.squeeze(np.asarray(nibabel.nifti1.load(path).dataobj, np.float64))


def compared(title: str, values: np.ndarray, tolerance: float) -> list[tuple[object, ...]]:
    """Rows of the table: scikit-learn, this estimator, this engine."""
    column = values[:, None]
    peer = GaussianMixture(COMPONENTS, tol=tolerance, max_iter=10_000, random_state=0)
    slow = seconds(lambda: peer.fit(column), 1)
    own = HistogramGaussianMixture(COMPONENTS, tol=tolerance)
    fast = seconds(lambda: own.fit(column), REPEATS)

    def whole_fit() -> Mixture:
        return fit(Cells.of(histogram(values)), FLUID_DARK, tolerance=tolerance)

    whole, mixture = seconds(whole_fit, REPEATS), whole_fit()
    with_partial_volume = float(np.log(mixture.density(values)).mean())
    lines = (
        ("scikit-learn", peer.n_iter_, peer.score(column), slow),
        ("histogram", own.n_iter_, own.score(column), fast),
        ("histogram, with partial volume", mixture.iterations, with_partial_volume, whole),
    )
    return [
        (title, name, iterations, f"{likelihood:.6f}", f"{1000 * spent:.1f}", f"{slow / spent:.0f}")
        for name, iterations, likelihood, spent in lines
    ]


def seconds(work: Callable[[], object], repeats: int) -> float:
    """CPU seconds of the quickest of some runs."""
    spent = []
    for _ in range(repeats):
        since = time.process_time()
        work()
        spent.append(time.process_time() - since)
    return min(spent)


if __name__ == "__main__":
    main()
