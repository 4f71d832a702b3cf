"""Abnormal tissue: what is found of it, what is taken for it in healthy heads, and what it does to the rest.

    python benchmarks/lesions.py [--data ../shared/data] [--simulator ../shared/tools/simulate_head.py]
        [--parts patients slices pictures healthy simulated cost] [--split tuning test] [--without]

Tables, scans for tuning and for testing apart (the rule stands in `lesion_scans.py`): Dice of the lesion in each scan
of a patient, glioma (all parts of the tumor) and MS, by each contrast alone and by T1 and FLAIR jointly, beside a
threshold as published ones have it; the sensitivity by the size of a lesion; mL that are false in healthy heads; what
gray matter, white matter and fluid gain and lose outside of a lesion by its presence, against the same scan without it
(heads, and BrainWeb at 2 mm, four contrasts, lesions of known shape, see `lesion_simulation.py`); single slices; how
often the contrast is named rightly and how surely wrongly; cost. `--without` measures all with
`Settings(lesions=False)`.

Peers: no package of PyPI segments lesions of any contrast without a network's weights to be fetched apart (LST-AI,
BraTS, SAMSEG with its FreeSurfer), so the peer is the plain rule that the first of them begin with: brighter than the
brightest of three Gaussians by two of its standard deviations, in parts of at least 0.01 mL. Takes 25 minutes.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import scipy
from lesion_scans import Case, head_paths, head_split, healthy, patients, pictures, slices
from lesion_simulation import CONTRASTS, KINDS, Kind, Planted, planted_brainweb, planted_head
from naming import simulator_tool
from split import Split
from table import DATA, ROOT, print_table, run_measured

import mriseg
from mriseg.core.scan import Scan
from mriseg.core.tissue import ABNORMAL, Contrast, Tissue

SEEN = 0.25  # of a part's voxels: it is then seen
SIZES_ML = (0.0, 0.1, 1.0, 5.0, np.inf)  # classes of parts
ALLOWED_ML = {1: 3.0, 5: 5.0}  # that may be false in a healthy head, by the thickness of slices, mm
SURE = 0.9
PEER_SDS, PEER_LEAST_ML = 2.0, 0.01
MM3_PER_ML = 1000
WHOLE_NEIGHBORHOOD = np.ones((3, 3, 3), bool)  # parts that touch at a corner are one
PARTS = ("patients", "slices", "pictures", "healthy", "simulated", "cost")
COST_RUNS = {"head": 2, "tumor": 2, "slice": 20}

# Runs in a process of its own. Start and reading are the same with and without, and fall out of the difference.
CHILD = """
import sys
sys.path.insert(0, sys.argv[1])
import mriseg
scan, settings = mriseg.read(sys.argv[2]), mriseg.Settings(lesions=sys.argv[3] == "1")
for _ in range(int(sys.argv[4])):
    mriseg.segment(scan, settings)
"""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of one case: a result, or the reason why there is none."""

    case: Case
    result: mriseg.Result | None
    refusal: str = ""

    @property
    def found(self) -> np.ndarray:
        """Where the label is that of a lesion."""
        return self.result.labels == ABNORMAL.number if self.result else np.zeros(self.case.scan.data.shape, bool)

    @property
    def is_named_rightly(self) -> bool:
        return self.result is not None and self.result.contrast is self.case.contrast

    @property
    def is_sure_and_wrong(self) -> bool:
        return self.result is not None and not self.is_named_rightly and self.result.contrast_confidence >= SURE

    @property
    def named(self) -> str:
        """The contrast and how sure it is, or that the scan was refused."""
        if self.result is None:
            return "refused: " + self.refusal.split(".")[0]
        return f"{self.result.contrast.suffix} {self.result.contrast_confidence:.2f}"


Row = tuple[object, ...]
Named = tuple[Split, str, bool, bool, bool]  # kind; right, sure and wrong, refused


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--simulator", type=Path)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--split", nargs="+", type=Split, default=list(Split), help="tuning, test")
    parser.add_argument("--without", action="store_true", help="with Settings(lesions=False)")
    options = parser.parse_args()
    tool = simulator_tool(options.simulator or options.data.parent / "tools" / "simulate_head.py")
    settings = mriseg.Settings(lesions=not options.without)
    named: list[Named] = []
    for part in options.parts:
        print(f"\n## {part}\n")
        if part == "cost":
            print_costs(options.data, tool)
        elif part == "simulated":
            named += print_simulated(options.data, tool, options.split, settings)
        else:
            cases = healthy(options.data, tool) if part == "healthy" else CASES[part](options.data)
            wanted = (case for case in cases if case.split in options.split)
            named += PRINTED[part](outcome(case, settings) for case in wanted)
    if named:
        print("\n## contrasts\n")
        print_names(named)


def outcome(case: Case, settings: mriseg.Settings) -> Outcome:
    """Segment, and say on the terminal how it went."""
    try:
        made = Outcome(case, mriseg.segment(case.scan, settings, channels=case.channels))
    except mriseg.MrisegError as error:
        made = Outcome(case, None, str(error))
    print(case.split.value, case.kind, case.title, made.named, file=sys.stderr, flush=True)
    return made


def name(made: Outcome) -> Named:
    return made.case.split, made.case.kind, made.is_named_rightly, made.is_sure_and_wrong, made.result is None


def print_patients(outcomes: Iterator[Outcome]) -> list[Named]:
    """Dice, missed and false mL of each scan; their means; the sensitivity by size."""
    rows, named, overlaps, seen = [], [], {}, {}
    for made in outcomes:
        case, found = made.case, made.found
        ml = voxel_ml(case.scan)
        own, peer = overlap(found, case.lesion), overlap(threshold(made), case.lesion)
        false, missed = (np.count_nonzero(a & ~b) * ml for a, b in ((found, case.lesion), (case.lesion, found)))
        sizes = f"{np.count_nonzero(case.lesion) * ml:.1f}", f"{np.count_nonzero(found) * ml:.1f}"
        said = made.result.abnormal if made.result else None
        interval = said and said.interval_ml
        rows.append(
            (
                case.split.value,
                case.title,
                made.named,
                *sizes,
                "" if not interval else f"{interval[0]:.1f} to {interval[1]:.1f}",
                f"{own:.3f}",
                f"{peer:.3f}",
                f"{false:.1f}",
                f"{missed:.1f}",
            )
        )
        overlaps.setdefault((case.split.value, case.kind), []).append((own, peer))
        for size, is_seen in parts_seen(case.lesion, found, ml):
            seen.setdefault((case.split.value, case.kind, size), []).append(is_seen)
        named.append(name(made))
    print_table(
        (
            "split",
            "scan",
            "named",
            "true mL",
            "found mL",
            "interval",
            "Dice",
            "Dice of the threshold",
            "false mL",
            "missed mL",
        ),
        rows,
    )
    print()
    means = [
        (*key, len(pairs), *(f"{value:.3f}" for value in (*np.mean(pairs, 0), np.min(pairs, 0)[0])))
        for key, pairs in sorted(overlaps.items())
    ]
    print_table(("split", "kind", "n", "mean Dice", "of the threshold", "worst Dice"), means)
    print()
    print_seen(seen)
    return named


def print_seen(seen: dict[tuple[str, str, int], list[bool]]) -> None:
    """Which share of the parts of a lesion is seen, by their size."""
    rows = []
    for (split, kind, size), each in sorted(seen.items()):
        low, high = SIZES_ML[size : size + 2]
        title = f"over {low:g} mL" if np.isinf(high) else f"{low:g} to {high:g} mL"
        rows.append((split, kind, title, len(each), sum(each), f"{np.mean(each):.0%}"))
    print_table(("split", "kind", "parts", "n", f"seen ({SEEN:.0%} of the voxels)", "share"), rows)


def print_slices(outcomes: Iterator[Outcome]) -> list[Named]:
    """Dice and share of single slices, and how their contrast is named."""
    rows, named, overlaps = [], [], {}
    for made in outcomes:
        case, found = made.case, made.found
        brain = np.count_nonzero(made.result.mask) if made.result else 0
        own = overlap(found, case.lesion)
        true_share, found_share = (np.count_nonzero(mask) / max(brain, 1) for mask in (case.lesion, found))
        rows.append(
            (
                case.split.value,
                case.title,
                case.contrast.suffix,
                made.named,
                f"{true_share:.1%}",
                f"{found_share:.1%}",
                f"{own:.3f}",
            )
        )
        overlaps.setdefault((case.split.value, case.kind), []).append((own, found_share))
        named.append(name(made))
    print_table(("split", "slice", "contrast", "named", "true share", "found share", "Dice"), rows)
    print()
    means = []
    for key, each in sorted(overlaps.items()):
        dices, shares = zip(*each, strict=True)
        means.append((*key, len(each), f"{np.mean(dices):.3f}", f"{min(dices):.3f}", f"{max(shares):.1%}"))
    print_table(("split", "kind", "n", "mean Dice", "worst Dice", "largest found share"), means)
    return named


def print_pictures(outcomes: Iterator[Outcome]) -> list[Named]:
    """How the contrast of web pictures is named, and the share that is said to be abnormal."""
    rows, named = [], []
    for made in outcomes:
        case = made.case
        shown: Row = ("", "")
        if made.result:
            place = made.result.mixture.tissues.index(Tissue.CSF)
            share = np.count_nonzero(made.found) / np.count_nonzero(made.result.mask)
            shown = ("yes" if place == case.contrast.dark_to_bright.index(Tissue.CSF) else "NO", f"{share:.1%}")
        rows.append((case.split.value, case.title, case.contrast.suffix, made.named, *shown))
        named.append(name(made))
    print_table(("split", "picture", "contrast", "named", "fluid right", "abnormal share"), rows)
    return named


def print_healthy(outcomes: Iterator[Outcome]) -> list[Named]:
    """How many mL are said to be abnormal in heads that are healthy."""
    false: dict[tuple[str, str], list[float]] = {}
    named = []
    for made in outcomes:
        ml = np.count_nonzero(made.found) * voxel_ml(made.case.scan)
        false.setdefault((made.case.split.value, made.case.kind), []).append(ml)
        named.append(name(made))
    rows = [
        (
            *key,
            len(each),
            f"{np.median(each):.1f}",
            f"{max(each):.1f}",
            sum(ml > ALLOWED_ML[5 if key[1].endswith("5 mm") else 1] for ml in each),
        )
        for key, each in sorted(false.items())
    ]
    for split in Split:
        every = [ml for (of, _), each in false.items() if of == split.value for ml in each]
        if every:
            over = sum(row[-1] for row in rows if row[0] == split.value)
            rows.append((split.value, "all", len(every), f"{np.median(every):.1f}", f"{max(every):.1f}", over))
    print_table(("split", "kind", "n", "median false mL", "largest", "over 3 mL (5 mL on thick slices)"), rows)
    return named


def print_simulated(data: Path, tool: Any, splits: Sequence[Split], settings: mriseg.Settings) -> list[Named]:
    """Dice of simulated lesions; and what the tissues gain or lose outside of them by their presence."""
    rows, named, changes = [], [], {}
    for split, place, kind, contrast, planted in planted_scans(data, tool, splits):
        case = Case(split, f"{kind.title}, {contrast.name}", place, contrast, planted.scan, planted.lesion)
        made = outcome(case, settings)
        reference = outcome(Case(split, "without", place, contrast, planted.without, None), settings)
        own = overlap(made.found, planted.lesion)
        change = np.full(len(Tissue), np.nan)
        if made.result and reference.result:
            change = outside(made.result, planted.lesion) / outside(reference.result, planted.lesion) - 1
        rows.append(
            (
                split.value,
                place,
                kind.title,
                contrast.name,
                made.named,
                reference.named,
                f"{own:.3f}",
                *(f"{part:+.1%}" for part in change),
            )
        )
        changes.setdefault((split.value, kind.title, contrast.name), []).append((own, *np.abs(change)))
        named.append(name(made))
    tissues = [tissue.abbreviation for tissue in Tissue]
    print_table(("split", "head", "lesion", "contrast", "named", "without it", "Dice", *tissues), rows)
    print()
    means = [
        (*key, len(each), f"{np.mean(each, 0)[0]:.3f}", *(f"{part:.1%}" for part in np.max(each, 0)[1:]))
        for key, each in sorted(changes.items())
    ]
    print_table(("split", "lesion", "contrast", "n", "mean Dice", *(f"largest change of {t}" for t in tissues)), means)
    return named


def planted_scans(
    data: Path, tool: Any, splits: Sequence[Split]
) -> Iterator[tuple[Split, str, Kind, Contrast, Planted]]:
    """Each kind of lesion in each contrast, in one head of each split, which takes its turn, and in BrainWeb."""
    for split in splits:
        heads = [path for path in head_paths(data) if head_split(path) is split]
        for number, (kind, contrast) in enumerate((k, c) for k in KINDS for c in CONTRASTS):
            path = heads[(number + number // len(heads)) % len(heads)]
            yield split, path.name[:7], kind, contrast, planted_head(tool, path, kind, contrast, number)
            if split is Split.TEST:
                planted = planted_brainweb(data / "brainweb", tool, kind, contrast, number)
                yield split, "BrainWeb", kind, contrast, planted


def print_costs(data: Path, tool: Any) -> None:
    """CPU seconds of a segmentation, and peak memory of its process, with lesions and without."""
    lesions = data / "lesions"
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        head = Path(folder, "head.nii.gz")
        planted = planted_head(tool, head_paths(data)[-1], KINDS[0], Contrast.T1, 0)
        nibabel.nifti1.Nifti1Image(planted.without.data, planted.without.affine).to_filename(head)
        scans = {
            "head": head,
            "tumor": lesions / "glioma03_FLAIR.nii.gz",
            "slice": lesions / "glioma_slice_3_085_FLAIR.png",
        }
        for title, path in scans.items():
            runs = COST_RUNS[title]
            costs = [run_measured("-c", CHILD, str(ROOT), str(path), on, str(runs)) for on in ("0", "1")]
            (without, slim), (with_lesions, fat) = costs
            rows.append((title, f"{(with_lesions - without) / runs:+.2f}", f"{slim:.0f}", f"{fat - slim:+.0f}"))
    print_table(("scan", "CPU s more", "peak MB without", "more"), rows)


def print_names(named: list[Named]) -> None:
    """How often the contrast is right, of each kind."""
    rows: list[Row] = []
    for split in dict.fromkeys(split for split, *_ in named):
        of_split = [(kind, flags) for of, kind, *flags in named if of is split]
        for kind in [*dict.fromkeys(kind for kind, _ in of_split), "all"]:
            each = [flags for of, flags in of_split if kind in (of, "all")]
            rows.append((split.value, kind, len(each), *np.sum(each, 0)))
    print_table(("split", "kind", "n", "contrast right", f"wrong and {SURE:.0%} sure", "refused"), rows)


def overlap(found: np.ndarray, truth: np.ndarray) -> float:
    """Dice of two masks, 1 where both are empty."""
    total = np.count_nonzero(found) + np.count_nonzero(truth)
    return 2 * np.count_nonzero(found & truth) / total if total else 1.0


def parts_seen(truth: np.ndarray, found: np.ndarray, ml: float) -> Iterator[tuple[int, bool]]:
    """Of each part of a lesion its class of size, and whether it is seen."""
    parts, number = scipy.ndimage.label(truth, WHOLE_NEIGHBORHOOD)
    sizes = np.bincount(parts[truth], minlength=number + 1)[1:]
    hits = np.bincount(parts[truth & found], minlength=number + 1)[1:]
    for size, hit in zip(sizes, hits, strict=True):
        yield int(np.searchsorted(SIZES_ML, size * ml, side="right")) - 1, hit >= SEEN * size


def threshold(made: Outcome) -> np.ndarray:
    """The peer's lesion, in our brain, on the first scan."""
    from sklearn.mixture import GaussianMixture

    if made.result is None:
        return np.zeros(made.case.scan.data.shape, bool)
    mask, data = made.result.mask, made.case.scan.data
    model = GaussianMixture(3, random_state=0).fit(data[mask][::5, None].astype(float))
    brightest = model.means_[:, 0].argmax()
    limit = model.means_[brightest, 0] + PEER_SDS * np.sqrt(model.covariances_[brightest, 0, 0])
    parts, _ = scipy.ndimage.label(mask & (data > limit), WHOLE_NEIGHBORHOOD)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return (sizes * voxel_ml(made.case.scan) >= PEER_LEAST_ML)[parts]


def outside(result: mriseg.Result, lesion: np.ndarray) -> np.ndarray:
    """Voxels' worth of each tissue outside of a lesion."""
    return result.partial_volumes[~lesion].sum(0, dtype=float)


def voxel_ml(scan: Scan) -> float:
    assert scan.spacing is not None
    return float(np.prod(scan.spacing)) / MM3_PER_ML


CASES = {"patients": patients, "slices": slices, "pictures": pictures}
PRINTED = {"patients": print_patients, "slices": print_slices, "pictures": print_pictures, "healthy": print_healthy}


if __name__ == "__main__":
    main()
