"""How often the verdict is good where a segmentation is wrong, and how often it is not good where one is right.

Scans with a known truth are segmented as they are, and with everything that users say and exports do: another contrast
told, another mask, its border moved, the bias correction switched off, other numbers of classes; few gray levels, other
gammas, equalized, cut off, drowned in noise. A segmentation is wrong where the Dice of gray or of white matter is below
0.6, right where both are above 0.8 and that of fluid above 0.5; what lies between counts as neither. Of fruit, bottles,
phantoms of gel and noise nothing can be right.

    python benchmarks/verdict.py [--data ../shared/data] [--simulator ../shared/tools/simulate_head.py]
        [--part tuning|test] [--sources pictures slices volumes others] [--each]

Which scans are for tuning and which for the test is in `split.py`. Takes about 5 minutes for each source and part.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import nibabel
import numpy as np
import skimage
from naming import simulator_tool
from split import FIRST_TEST_SEED, Split, belonging
from table import DATA, print_table

import mriseg
from mriseg.core.errors import MrisegError
from mriseg.core.findings import Level
from mriseg.core.scan import Scan, picture, volume
from mriseg.core.settings import Settings
from mriseg.core.tissue import Contrast, Tissue
from mriseg.evaluation.agreement import dice
from mriseg.image.morphology import offset_mask
from mriseg.segmentation.verdict import verdict
from tests.not_heads import NO_ANATOMY, OTHERS

WRONG, RIGHT, RIGHT_FLUID = 0.6, 0.8, 0.5  # Dice of gray and of white matter, and of fluid
CONTRASTS = (Contrast.T1, Contrast.T2, Contrast.PD, Contrast.FLAIR)
HEADS = (  # noise and bias in percent
    (Contrast.T1, 3.0, 20.0),
    (Contrast.T2, 5.0, 40.0),
    (Contrast.FLAIR, 3.0, 20.0),
    (Contrast.PD, 3.0, 20.0),
)
STRONG_BIAS = 120.0  # percent
CUTS = ((2, 0.55), (1, 0.5), (0, 0.4))  # axis, and where along the brain
BLOCK = 2  # simulated volumes are averaged to voxels of 2 mm
# Kinds of what `exports` makes. Of some of them a low verdict is wanted however well the tissues come out.
EXPORTS = (
    *("two values", "8 gray levels", "16 gray levels", "gamma changed", "equalized", "thresholded", "cut off"),
    *("noise of 10%", "noise of 30%"),
)


@dataclass(frozen=True, eq=False)
class Source:
    """A scan with its truth.

    Attributes
    ----------
    title : str
    scan : Scan
    truth : ndarray of uint8, or None
        0 outside the brain, 1 gray matter, 2 white matter, 3 fluid, 255 not scored; None of what is no brain.
    contrast : Contrast
    """

    title: str
    scan: Scan
    truth: np.ndarray | None
    contrast: Contrast


@dataclass(frozen=True)
class Outcome:
    """What came of one segmentation; level None where it was refused, right None where it is neither."""

    kind: str
    title: str
    right: bool | None
    level: Level | None
    overlap: tuple[float, ...]
    codes: tuple[str, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--simulator", type=Path)
    parser.add_argument("--part", choices=list(Split), type=Split, default=Split.TEST)
    parser.add_argument("--sources", nargs="+", choices=SOURCES, default=list(SOURCES))
    parser.add_argument("--each", action="store_true", help="print every wrong verdict too")
    options = parser.parse_args()
    simulator = options.simulator or options.data.parent / "tools" / "simulate_head.py"
    outcomes: list[Outcome] = []
    for name in options.sources:
        for source in SOURCES[name](options.data, simulator, options.part):
            outcomes += list(variations(source))
            print(source.title, len(outcomes), file=sys.stderr, flush=True)
    if options.each:
        print_wrong_verdicts(outcomes)
    print_rates(outcomes)


def pictures(data: Path, simulator: Path, split: Split) -> Iterator[Source]:
    """Real axial slices of children, T1-weighted."""
    for path in belonging((data / "slices").glob("jlf??_labels_csf1_gm2_wm3.png"), split):
        scan = mriseg.read(path.with_name(f"{path.name[:5]}_t1_axial_8bit.png"))
        truth = np.array([0, 3, 1, 2, 1], np.uint8)[mriseg.read(path).data.astype(int)]
        yield Source(path.name[:5], scan, truth, Contrast.T1)


def slices(data: Path, simulator: Path, split: Split) -> Iterator[Source]:
    """Slices of simulated heads, the plane another for each."""
    for number, (title, scan, truth, contrast) in enumerate(simulated(data, simulator, split)):
        axis, at = CUTS[number % len(CUTS)]
        filled = np.flatnonzero(np.isin(truth, (1, 2)).any(tuple(a for a in range(3) if a != axis)))
        index = int(filled[0] + at * (filled[-1] - filled[0]))
        image, labels = (values.take(index, axis).T[::-1] for values in (scan, truth))
        top = np.percentile(image, 99.7)
        gray = np.clip(np.rint(255 * image / top), 0, 255).astype(np.float32)
        yield Source(f"{title} across {'xyz'[axis]}", picture(gray), np.ascontiguousarray(labels), contrast)


def volumes(data: Path, simulator: Path, split: Split) -> Iterator[Source]:
    """Simulated heads at 2 mm, the truth that of a corner of each voxel."""
    for title, scan, truth, contrast in simulated(data, simulator, split):
        shape = [n // BLOCK for n in scan.shape]
        inner = scan[tuple(slice(0, n * BLOCK) for n in shape)]
        mean = inner.reshape([k for n in shape for k in (n, BLOCK)]).mean((1, 3, 5))
        every = tuple(slice(BLOCK // 2, n * BLOCK, BLOCK) for n in shape)
        yield Source(title, volume(mean, np.diag([BLOCK, BLOCK, BLOCK, 1.0])), truth[every], contrast)


def simulated(data: Path, simulator: Path, split: Split) -> Iterator[tuple[str, np.ndarray, np.ndarray, Contrast]]:
    """Heads at 1 mm, T1-weighted and in another contrast, one of them strongly shaded."""
    tool = simulator_tool(simulator)
    first_seed = FIRST_TEST_SEED if split is Split.TEST else 0
    for number, path in enumerate(belonging((data / "heads").glob("head_??.nii.gz"), split)):
        labels = np.asanyarray(nibabel.as_closest_canonical(nibabel.load(path)).dataobj).astype(np.int16)
        for k in (0, 1 + number % 3):
            contrast, noise, bias = HEADS[k]
            shading = STRONG_BIAS if number == 1 and k == 0 else bias
            scan, truth, _ = tool.simulate(labels, contrast.setting, noise, shading, first_seed + 10 * number + k)
            yield f"{path.name[:7]} {contrast.suffix}", scan, truth, contrast


def others(data: Path, simulator: Path, split: Split) -> Iterator[Source]:
    """What is no head, as a volume and as a slice."""
    made: dict[str, Callable[[], tuple[np.ndarray, tuple[float, ...]]]] = {
        **{name: (lambda make=make: (make(), (2.0, 2.0, 2.0))) for name, make in OTHERS.items()},
        **NO_ANATOMY,
    }
    for name in sorted(made)[1 if split is Split.TEST else 0 :: 2]:
        values, spacing = made[name]()
        yield Source(name, volume(values, np.diag([*spacing, 1.0])), None, Contrast.T1)
        yield Source(f"{name}, a slice", picture(values[:, :, values.shape[2] // 2].T[::-1]), None, Contrast.T1)


def variations(source: Source) -> Iterator[Outcome]:
    """All that users say of a scan, and all that exports make of it."""
    plain = source.scan
    automatic = judge("as it is", source, plain, Settings())
    yield automatic[0]
    earlier = automatic[1]
    for contrast in CONTRASTS:
        kind = "contrast told rightly" if contrast is source.contrast else "contrast told wrongly"
        yield judge(kind, source, plain, Settings(contrast=contrast.setting), earlier=earlier)[0]
    for mask in ("all", "none"):
        yield judge(f"mask '{mask}'", source, plain, Settings(mask=mask))[0]
    if source.truth is None:
        return
    for classes in (2, 4, 5, 6):
        yield judge("classes", source, plain, Settings(classes=classes), earlier=earlier)[0]
    yield judge("no bias correction", source, plain, Settings(correct_bias=False), earlier=earlier)[0]
    for margin in (-8.0, 8.0):
        yield judge("border moved", source, plain, Settings(margin=margin), earlier=earlier)[0]
    for kind, mask in masks(source):
        yield judge(kind, source, plain, Settings(), mask=mask)[0]
    if plain.kind == "picture":
        for kind, data in exports(plain.data):
            yield judge(kind, source, replace(plain, data=data.astype(np.float32)), Settings())[0]


def masks(source: Source) -> Iterator[tuple[str, np.ndarray]]:
    """Masks that users give: right ones and wrong ones."""
    assert source.truth is not None
    right = source.truth > 0
    sides = source.scan.spacing or (1.0,) * right.ndim
    yield "mask given, right", right
    yield "mask given, 10 mm too far out", offset_mask(right, 10.0, sides)
    yield "mask given, of the head", source.scan.data > 0.15 * np.percentile(source.scan.data, 99)
    yield "mask given, upside down", right[:, ::-1] if right.ndim == 3 else right[::-1]
    half = right.copy()
    half[: half.shape[0] // 2] = False
    yield "mask given, half", half


def exports(data: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """What programs make of a picture on its way."""
    low, high = np.percentile(data, [0.5, 99.8])
    shares = np.clip((data - low) / (high - low), 0, 1)
    typical = float(np.percentile(shares, 98))
    yield "two values", 255.0 * (shares > skimage.filters.threshold_otsu(shares))
    for levels in (8, 16):
        yield f"{levels} gray levels", np.rint(shares * (levels - 1)) * (255 / (levels - 1))
    for gamma in (0.35, 0.5, 2.0, 3.0):
        yield "gamma changed", np.rint(255 * shares**gamma)
    yield "equalized", np.rint(255 * skimage.exposure.equalize_hist(shares))
    for share in (0.4, 0.7):
        yield "thresholded", 255 * np.where(shares > share * typical, shares, 0)
        yield "cut off", 255 * np.minimum(shares, share * typical)
    for noise in (0.1, 0.3):
        real, imaginary = noise * np.random.default_rng(0).standard_normal((2, *shares.shape))
        yield f"noise of {noise:.0%}", np.rint(255 * np.clip(np.hypot(shares + real, imaginary), 0, 1))


SOURCES: dict[str, Callable[[Path, Path, Split], Iterator[Source]]] = {
    "pictures": pictures,
    "slices": slices,
    "volumes": volumes,
    "others": others,
}


def judge(
    kind: str,
    source: Source,
    scan: Scan,
    settings: Settings,
    *,
    mask: np.ndarray | None = None,
    earlier: mriseg.Result | None = None,
) -> tuple[Outcome, mriseg.Result | None]:
    """Segment, and hold the verdict beside the truth."""
    if source.truth is None:
        kind = f"no brain, {kind}"
    try:
        result = mriseg.segment(scan, settings, mask=mask, earlier=earlier)
    except MrisegError:
        return Outcome(kind, source.title, None, None, (), ()), None
    judged, right, overlap = verdict(result), False, ()
    if source.truth is not None:
        scored = source.truth != 255
        overlaps = dice(result.labels[scored], source.truth[scored])
        overlap = tuple(round(value, 2) for value in overlaps.values())
        gray, white = overlaps[Tissue.GM], overlaps[Tissue.WM]
        is_right = min(gray, white) > RIGHT and overlaps[Tissue.CSF] > RIGHT_FLUID
        right = True if is_right else False if min(gray, white) < WRONG else None
    codes = tuple(finding.code.value for finding in judged.doubts)
    return Outcome(kind, source.title, right, judged.level, overlap, codes), result


def print_rates(outcomes: list[Outcome]) -> None:
    """How often the verdict is wrong, by kind and of all."""
    kinds = {kind: [o for o in outcomes if o.kind == kind] for kind in dict.fromkeys(o.kind for o in outcomes)}
    rows = []
    exported = [o for o in outcomes if o.kind in EXPORTS]
    others = [o for o in outcomes if o.kind not in EXPORTS]
    for kind, group in {**kinds, "all as scanned": others, "all exports": exported}.items():
        wrong, right = ([o for o in group if o.right is which and o.level is not None] for which in (False, True))
        refused = sum(o.level is None for o in group)
        rows.append(
            (
                kind,
                len(group),
                refused,
                len(wrong),
                share(wrong, lambda o: o.level is Level.GOOD),
                share(wrong, lambda o: o.level is Level.NOT),
                len(right),
                share(right, lambda o: o.level is not Level.GOOD),
                share(right, lambda o: o.level is Level.NOT),
            )
        )
    head = ("kind", "n", "refused", "wrong", "good", "do not use", "right", "not good", "do not use")
    print_table(head, rows)


def share(group: list[Outcome], holds: Callable[[Outcome], bool]) -> str:
    """Of a group, how many a condition holds of, in percent and counted."""
    count = sum(map(holds, group))
    return f"{count / len(group):.0%} ({count})" if group else ""


def print_wrong_verdicts(outcomes: list[Outcome]) -> None:
    """Each that is wrong and good, or right and not good."""
    rows = []
    for o in outcomes:
        is_good = o.level is Level.GOOD
        if o.level is not None and ((o.right is False and is_good) or (o.right and not is_good)):
            of_which = "right" if o.right else "wrong"
            rows.append((o.kind, o.title, of_which, o.level.name, o.overlap, " ".join(o.codes)))
    if rows:
        print_table(("kind", "scan", "is", "verdict", "Dice", "findings"), rows)
        print()


if __name__ == "__main__":
    main()
