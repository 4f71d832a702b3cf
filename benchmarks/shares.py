"""Of slices in every plane and at every level: how much fluid they hold, and how gray matter compares with white.

The least and the largest in heads whose tissues are known, anatomical label maps of adults of all ages, some with much
atrophy. From those for tuning (see `split.py`) the ranges in `mriseg/segmentation/plausibility.py` were set; of
the others it is counted how many slices lie outside them.

    python benchmarks/shares.py [--data ../shared/data] [--simulator ../shared/tools/simulate_head.py]

Needs the data folder and the simulator. Takes a minute.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import nibabel
import numpy as np
from naming import simulator_tool
from split import Split, belonging
from table import DATA, print_table

from mriseg.core.tissue import Tissue
from mriseg.registration.slice import SliceLevel
from mriseg.segmentation.plausibility import BRAIN_MM, Range, plausible_slice, region_of_slice

EVERY_MM = 3
LEAST_MM2 = 1500.0  # of brain and fluid: less is no picture that anybody segments
PLANES = ("sagittal", "coronal", "axial")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--simulator", type=Path)
    options = parser.parse_args()
    simulator = options.simulator or options.data.parent / "tools" / "simulate_head.py"
    tool = simulator_tool(simulator)
    found: dict[tuple[str, str], dict[bool, list[tuple[float, float]]]] = {}
    outside = {True: [], False: []}
    paths = list((options.data / "heads").glob("head_??.nii.gz"))
    for_test = belonging(paths, Split.TEST)
    for path in sorted(paths):
        image = nibabel.as_closest_canonical(nibabel.load(path))
        truth = tool.simulate(np.asanyarray(image.dataobj).astype(np.int16), "t1")[1]
        is_test = path in for_test
        for axis, level, fluid, ratio in slices(truth):
            region = region_of_slice(axis, level)
            found.setdefault((PLANES[axis], region.name), {True: [], False: []})[is_test].append((fluid, ratio))
            of_fluid, of_ratio = plausible_slice(SliceLevel(axis, level, pixel_mm=1.0))
            outside[is_test].append((not holds(of_fluid, fluid), not holds(of_ratio, ratio)))
    rows = []
    for (plane, region), of in sorted(found.items()):
        for is_test in (False, True):
            fluid, ratio = np.array(of[is_test]).T
            rows.append(
                (plane, region, "test" if is_test else "tuning", len(fluid), *extremes(fluid), *extremes(ratio))
            )
    print_table(("plane", "region", "heads", "slices", "fluid from", "to", "gray / white from", "to"), rows)
    print()
    for is_test, flags in outside.items():
        fluid, ratio = np.mean(flags, 0)
        heads = "test" if is_test else "tuning"
        print(f"{heads}: of {len(flags)} slices {fluid:.1%} lie outside the range of fluid, {ratio:.1%} of the ratio.")


def slices(truth: np.ndarray) -> Iterator[tuple[int, float, float, float]]:
    """Axis, level in mm of the average brain, share of fluid and ratio of gray to white matter, slice by slice."""
    solid = np.isin(truth, (Tissue.GM.number, Tissue.WM.number))
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        filled = np.flatnonzero(solid.any(others))
        low, high = BRAIN_MM[axis]
        for index in range(filled[0], filled[-1] + 1, EVERY_MM):
            gray, white, fluid = (np.count_nonzero(truth.take(index, axis) == tissue.number) for tissue in Tissue)
            if gray + white + fluid >= LEAST_MM2 and white:
                level = low + (high - low) * (index - filled[0]) / (filled[-1] - filled[0])
                yield axis, level, fluid / (gray + white + fluid), gray / white


def holds(within: Range, value: float) -> bool:
    """Whether a value lies in a range."""
    return within[0] <= value <= within[1]


def extremes(values: np.ndarray) -> tuple[str, str]:
    """The least and the largest as they are printed."""
    return f"{values.min():.2f}", f"{values.max():.2f}"


if __name__ == "__main__":
    main()
