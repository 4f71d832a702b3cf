"""How often tissues and contrasts are named rightly, whether the confidence keeps its word, and what names stand on.

Every scan is segmented with its brain searched; with the brain given; inverted; in slices of 5 mm where it was
simulated; and as single slices in three planes. The names are right if the order of the tissues is the contrast's.
The first two tables are the medians and spreads from which the expectations in `mriseg/segmentation/contrast.py` were
set; the subjects in `HELD_OUT` had no part in them and are reported apart. Single slices are named by a table that
`benchmarks/slice_naming.py` fits.

    python benchmarks/naming.py [--data ../shared/data] [--simulator ../shared/tools/simulate_head.py]
        [--sources phantom simulated real]

The package's own phantom needs nothing else. With the data folder, real scans are read (BrainWeb, IBSR, slabs of
children, clinical T1, T2 and FLAIR, Colin27), and with the simulator, heads of other anatomy in four contrasts. Takes
15 minutes on one core, a third of it for each source.
"""

import argparse
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import scipy
from table import DATA, print_table

import mriseg
from mriseg.brain.background import background_level
from mriseg.core.scan import Scan, picture, volume
from mriseg.core.tissue import Contrast, Tissue
from mriseg.datasets.phantom import make_phantom, simulate
from mriseg.image.orientation import orient
from mriseg.segmentation.contrast import observations

HELD_OUT = (
    *("phantom 5", "phantom 6", "head_13", "head_17", "IBSR_11", "IBSR_13"),
    *("slab_48", "slab_55", "ms12", "ch2", "ch2bet"),
)
PHANTOMS = range(1, 7)
NOISE, BIAS = (3, 5, 7, 9), (20, 40, 60)  # percent; each scan gets one of each
CUTS = (0.3, 0.45, 0.6)  # heights of the slices in the brain, of its extent
# Planes that nobody would show as a picture are left out: those across thick slices, and those of a slab's edge.
LEAST_SQUARE, LEAST_WIDTH_MM = 2.0, 100.0
THICK_MM = 5.0  # of a thick slice
REAL = {
    Contrast.T1: (
        "brainweb/t1_1mm_pn3_rf20",
        "ibsr/IBSR_??",
        "slabs/slab_*_t1",
        "clinical/ms07_stripped_T1",
        "clinical/ms12_T1W",
        "colin27/ch2*",
    ),
    Contrast.T2: ("clinical/ms07_stripped_T2", "clinical/ms12_T2W"),
    Contrast.FLAIR: ("clinical/ms07_stripped_FLAIR", "clinical/ms12_FLAIR"),
}
CONFIDENCES = (0.0, 0.6, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0)


@dataclass(frozen=True, eq=False)
class Source:
    """A scan of a subject in a known contrast, and its brain where it was simulated."""

    subject: str
    contrast: Contrast
    scan: Scan
    brain: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of one case."""

    subject: str
    contrast: Contrast
    kind: str
    signals: np.ndarray
    locations: np.ndarray
    names_right: bool
    named: Contrast
    confidence: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--simulator", type=Path)
    parser.add_argument(
        "--sources", nargs="+", choices=("phantom", "simulated", "real"), default=["phantom", "simulated", "real"]
    )
    options = parser.parse_args()
    simulator = options.simulator or options.data.parent / "tools" / "simulate_head.py"
    makers = {
        "phantom": phantoms,
        "simulated": lambda: heads(options.data / "heads", simulator),
        "real": lambda: real_scans(options.data),
    }
    outcomes: list[Outcome] = []
    for source in options.sources:
        for scan in makers[source]():
            outcomes += cases(scan)
            print(f"{len(outcomes)} cases", end="\r", file=sys.stderr)
    print_expectations([outcome for outcome in outcomes if outcome.subject not in HELD_OUT])
    print_rates(outcomes)
    print_calibration(outcomes)


def phantoms() -> Iterator[Source]:
    """The package's phantoms in four contrasts."""
    for seed in PHANTOMS:
        phantom = make_phantom(seed)
        for shift, contrast in enumerate((Contrast.T1, Contrast.T2, Contrast.PD, Contrast.FLAIR)):
            noise, bias = NOISE[(seed + shift) % len(NOISE)], BIAS[(seed + 2 * shift) % len(BIAS)]
            scan = simulate(phantom, contrast, noise, bias, seed)
            yield Source(f"phantom {seed}", contrast, scan, phantom.truth > 0)


def simulator_tool(simulator: Path) -> Any:
    """The simulator as a module."""
    specification = importlib.util.spec_from_file_location("simulate_head", simulator)
    if specification is None or specification.loader is None:
        raise FileNotFoundError(simulator)
    tool = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(tool)
    return tool


def heads(folder: Path, simulator: Path) -> Iterator[Source]:
    """Heads of the label maps in a folder, as another simulator scans them."""
    tool = simulator_tool(simulator)
    rng = np.random.default_rng(1)
    for path in sorted(folder.glob("head_??.nii.gz")):
        image = nibabel.as_closest_canonical(nibabel.load(path))
        labels = np.asanyarray(image.dataobj).astype(np.int16)
        for contrast in (Contrast.T1, Contrast.T2, Contrast.PD, Contrast.FLAIR):
            noise, bias, seed = rng.choice(NOISE), rng.choice(BIAS), int(rng.integers(1000))
            data, _, cavity = tool.simulate(labels, contrast.setting, float(noise), float(bias), seed)
            yield Source(path.name[:7], contrast, volume(data, image.affine), cavity == 1)


def real_scans(folder: Path) -> Iterator[Source]:
    """Real scans whose contrast is known, and BrainWeb's."""
    for contrast, patterns in REAL.items():
        for pattern in patterns:
            for path in sorted(folder.glob(pattern + ".nii.gz")):
                subject = path.name.removesuffix(".nii.gz").removesuffix("_t1")
                subject = subject[:4] if subject.startswith("ms") else subject
                yield Source(subject, contrast, mriseg.read(path))


def cases(source: Source) -> Iterator[Outcome]:
    """All that is made of one scan."""
    scan, _ = orient(source.scan)
    if scan.affine is None or scan.spacing is None:
        raise TypeError("Only volumes can be cut into slices.")
    yield outcome(source, "volume", scan, None, False)
    if source.brain is None:
        brain = mriseg.segment(scan).mask
    else:
        brain = orient(replace(source.scan, data=source.brain))[0].data
        yield outcome(source, "volume, brain given", scan, brain, False)
    top = scan.data.max()
    yield outcome(source, "volume, inverted", volume(top - scan.data, scan.affine), brain, True)
    if source.brain is not None:
        step = round(THICK_MM / scan.spacing[2])
        thick = scipy.ndimage.uniform_filter1d(scan.data, step, axis=2)[:, :, step // 2 :: step]
        affine = scan.affine @ np.diag([1, 1, step, 1])
        yield outcome(source, "volume, thick slices", volume(thick, affine), brain[:, :, step // 2 :: step], False)
    for axis in range(3):
        sides = [side for other, side in enumerate(scan.spacing) if other != axis]
        widths = [
            n * side for other, (n, side) in enumerate(zip(brain.shape, scan.spacing, strict=True)) if other != axis
        ]
        if max(sides) > LEAST_SQUARE * min(sides) or min(widths) < LEAST_WIDTH_MM:
            continue
        filled = np.flatnonzero(brain.any(tuple(a for a in range(3) if a != axis)))
        for cut in CUTS:
            index = int(filled[0] + cut * (filled[-1] - filled[0]))
            inside, image = brain.take(index, axis), scan.data.take(index, axis)
            if min(np.ptp(np.argwhere(inside), axis=0)) > 25:
                yield outcome(source, "slice", picture(image), inside, False)
                yield outcome(source, "slice, inverted", picture(top - image), inside, True)


def outcome(source: Source, kind: str, scan: Scan, brain: np.ndarray | None, inverted: bool) -> Outcome:
    """Segment, and compare the names with what they should be."""
    result = mriseg.segment(scan, mask=brain)
    # What is expected is read off the fit that was made for the true contrast.
    known = mriseg.segment(scan, mriseg.Settings(contrast=source.contrast.setting), earlier=result)
    tissues = known.mixture.tissues
    signals, locations = observations(
        known.mixture,
        np.moveaxis(known.posteriors[known.box], -1, 0)[[list(Tissue).index(tissue) for tissue in tissues]],
        known.mask[known.box],
        spacing=scan.spacing or (1.0, 1.0),
        histogram=known.histogram,
        background_level=background_level(scan.data, known.mask),
    )
    right = source.contrast.dark_to_bright[:: -1 if inverted else 1]
    return Outcome(
        source.subject,
        source.contrast,
        kind,
        signals,
        locations,
        result.mixture.tissues == right,
        result.contrast,
        result.contrast_confidence,
    )


def print_expectations(outcomes: list[Outcome]) -> None:
    """Median and spread of what the names stand on, for each contrast."""
    signals, locations = [], []
    for contrast in (Contrast.T1, Contrast.T2, Contrast.PD, Contrast.FLAIR):
        of_contrast = [outcome for outcome in outcomes if outcome.contrast is contrast]
        if not of_contrast:
            continue
        signals.append((contrast.suffix, len(of_contrast), *spreads(np.array([o.signals for o in of_contrast]))))
        for tissue, values in zip(
            contrast.dark_to_bright, np.stack([o.locations for o in of_contrast], 1), strict=True
        ):
            locations.append((contrast.suffix, tissue.abbreviation, *spreads(values)))
    print_table(("contrast", "cases", "middle position", "dark / middle", "brightest / middle"), signals)
    print()
    print_table(("contrast", "tissue", "share of brain", "mean depth", "share in outer fifth"), locations)


def spreads(values: np.ndarray) -> list[str]:
    """Median and standard deviation of each column."""
    return [f"{np.median(column):.2f} +- {column.std():.2f}" for column in values.T]


def print_rates(outcomes: list[Outcome]) -> None:
    """How often names and contrasts are right, of each kind of case and of each contrast."""
    rows = []
    for held_out in (False, True):
        apart = [outcome for outcome in outcomes if (outcome.subject in HELD_OUT) == held_out]
        groups = {kind: [o for o in apart if o.kind == kind] for kind in dict.fromkeys(o.kind for o in apart)}
        groups |= {c.suffix: [o for o in apart if o.contrast is c] for c in Contrast}
        for title, group in {**groups, "all": apart}.items():
            if group:
                rates = (
                    np.mean([o.names_right for o in group]),
                    np.mean([o.named is o.contrast for o in group]),
                    np.mean([o.named is Contrast.UNKNOWN for o in group]),
                    np.mean([o.confidence for o in group]),
                )
                rows.append(
                    ("held out" if held_out else "tuned", title, len(group), *(f"{rate:.3f}" for rate in rates))
                )
    print()
    print_table(("subjects", "cases", "n", "names right", "contrast right", "contrast unknown", "confidence"), rows)


def print_calibration(outcomes: list[Outcome]) -> None:
    """How often the names are right where the confidence is so high."""
    rows = []
    for low, high in zip(CONFIDENCES, (*CONFIDENCES[1:-1], 1.1), strict=False):
        for held_out in (False, True):
            group = [o for o in outcomes if low <= o.confidence < high and (o.subject in HELD_OUT) == held_out]
            if group:
                stated, right = np.mean([o.confidence for o in group]), np.mean([o.names_right for o in group])
                title = f"{low:g} to {min(high, 1):g}"
                rows.append((title, "held out" if held_out else "tuned", len(group), f"{stated:.3f}", f"{right:.3f}"))
    print()
    print_table(("confidence", "subjects", "n", "mean confidence", "names right"), rows)


if __name__ == "__main__":
    main()
