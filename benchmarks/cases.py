"""Scans that went wrong in public reports, and what is right for each: names, volumes, or a refusal of the true cause.

    python benchmarks/cases.py [--only NAME ...] [--generated]

Each file of `../shared/data/cases` is segmented by the command line in a process of its own and held against what is
right; with `--generated` also scans of the same kinds that are made from others, so that no case is mended alone.
Rule of the choice: made are the kinds whose input follows from any scan (z-score, NaN, a mark, padding, an offset,
broken voxels, turned headers, wrong voxel sizes), from IBSR_05 (stripped) and the T1 of ms12 (a whole head), neither of
which any threshold was set by. Takes 5 minutes, and 10 with those that are made.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from table import DATA, ROOT, print_table

CASES = DATA / "cases"
TOLERANCE = 0.05  # of a volume


@dataclass(frozen=True)
class Outcome:
    """What the command line did.

    Attributes
    ----------
    refusal : str
        Why it refused; empty where there is a result.
    statistics : dict
        What `_desc-tissue_stats.json` holds.
    mb, seconds : float
        Peak memory, and CPU time.
    """

    refusal: str
    statistics: dict
    mb: float
    seconds: float

    @property
    def codes(self) -> set[str]:
        """Of the findings that ask for care."""
        return {finding["code"] for finding in self.statistics.get("findings", ()) if finding["level"] != "GOOD"}

    @property
    def is_doubted(self) -> bool:
        """Whether it was refused, or is not to be used."""
        return bool(self.refusal) or any(f["level"] == "NOT" for f in self.statistics["findings"])

    def __str__(self) -> str:
        if self.refusal:
            return f"refused: {self.refusal[:90]}"
        of = self.statistics
        volumes = " ".join(f"{tissue} {ml:.0f}" for tissue, ml in (of["volumes_ml"] or {}).items())
        return f"{of['contrast']} {of['contrast_confidence']:.2f}, {volumes}, {' '.join(sorted(self.codes))}"


Judge = Callable[[Outcome], bool]


def tissues(contrast: str, *codes: str, without: tuple[str, ...] = ("inverted",), **volumes_ml: float) -> Judge:
    """A result with these names, volumes and findings, and not with others, that nothing forbids to use."""

    def judge(outcome: Outcome) -> bool:
        of = outcome.statistics
        return (
            not outcome.is_doubted
            and of["contrast"] == contrast
            and set(codes) <= outcome.codes
            and not set(without) & outcome.codes
            and all(abs(of["volumes_ml"][t] - ml) <= TOLERANCE * ml for t, ml in volumes_ml.items())
        )

    return judge


def total(brain_ml: float) -> Judge:
    """A result whose brain has this volume, not taken for stripped."""
    return lambda outcome: not outcome.refusal and abs(outcome.statistics["brain_ml"] - brain_ml) < TOLERANCE * brain_ml


def finding(*codes: str) -> Judge:
    """One of these findings, or a refusal."""
    return lambda outcome: bool(outcome.refusal) or bool(set(codes) & outcome.codes)


def refused(*words: str) -> Judge:
    """A refusal that holds one of these words, at little cost."""
    return lambda outcome: any(word in outcome.refusal for word in words)


def doubted(outcome: Outcome) -> bool:
    """Refused or not to be used."""
    return outcome.is_doubted


def cheap(outcome: Outcome) -> bool:
    """Doubted, in less than a head of 1 mm takes."""
    return outcome.is_doubted and outcome.mb < 700 and outcome.seconds < 15


def not_labels(outcome: Outcome) -> bool:
    """Segmented, or refused for another reason than being a map of labels."""
    return "map of labels" not in outcome.refusal


HANDED: dict[str, Judge] = {
    "01_memory_vox4mm_ball": cheap,
    "02_zscore_bg0_colin2mm": tissues("T1w", GM=938, WM=642),
    "03_map_cope1": refused("estimate"),
    "04_phantom_synthetic_sphere": doubted,
    "07_epi_fslmean": doubted,
    "08_header_turned180": finding("header-axes-wrong", "mask-misfit"),
    "08_header_wrong_axes_LIA": finding("header-axes-wrong"),
    "08_sform_qform_flip": finding("two-orientations"),
    "09_nan_background": tissues("T1w", GM=938, WM=642, CSF=156),
    "10_mp2rage_uni_2mm": tissues("T1w"),
    "15_wm_clipped_refused_as_labels": not_labels,
    "16_head_3mm_padded_taken_for_stripped": total(1957),
}


def generated() -> Iterator[tuple[str, nibabel.Nifti1Image, Judge]]:
    """Names, images and judges of scans of the same kinds that are made from others."""
    image = nibabel.load(DATA / "ibsr" / "IBSR_05.nii.gz")
    data, affine = np.squeeze(image.get_fdata(dtype=np.float32)), image.affine
    brain = data != 0
    plain = tissues("T1w", **{t: ml for t, ml in _plain_volumes(data, affine).items() if t != "CSF"})
    scores = (data - data[brain].mean()) / data[brain].std()
    for name, changed in {
        "z-score of the brain": np.where(brain, scores, 0),
        "z-score of the brain, clipped to 3": np.where(brain, np.clip(scores, -3, 3), 0),
        "z-score of all": (data - data.mean()) / data.std(),
        "NaN around the brain": np.where(brain, data, np.nan),
        "z-score, NaN around it": np.where(brain, scores, np.nan),
        "a mark around it": np.where(brain, data, -32768),
        "from -1 to 1": data / data.max() * 2 - 1,
        "an offset of 1000": data + 1000,
        "tiny numbers": data * 1e-30,
        "a hot and a cold voxel": _with_broken(data),
    }.items():
        yield name, nibabel.Nifti1Image(changed.astype(np.float32), affine), plain
    head = nibabel.load(DATA / "clinical" / "ms12_T1W.nii.gz")
    data, affine = head.get_fdata(dtype=np.float32), head.affine
    yield "head in a frame of -1", nibabel.Nifti1Image(np.pad(data, 20, constant_values=-1), affine), tissues("T1w")
    for name, turn in {
        "nose at the back": np.diag([-1.0, -1, 1, 1]),
        "upside down": np.diag([1.0, -1, -1, 1]),
        "axes exchanged": np.array([[0, 1.0, 0, 0], [-1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
    }.items():
        yield name, nibabel.Nifti1Image(data, turn @ affine), finding("header-axes-wrong", "mask-misfit")
    for name, factor in {"centimeters as millimeters": 0.1, "ten times too large": 10.0}.items():
        yield name, nibabel.Nifti1Image(data, np.diag([factor, factor, factor, 1]) @ affine), refused("mm")


def _with_broken(data: np.ndarray) -> np.ndarray:
    broken = data.copy()
    broken[tuple(n // 2 for n in data.shape)], broken[0, 0, 0] = 1e6, -1e6
    return broken


def _plain_volumes(data: np.ndarray, affine: np.ndarray) -> dict[str, float]:
    return _run(nibabel.Nifti1Image(data, affine)).statistics["volumes_ml"]


def _run(scan: Path | nibabel.Nifti1Image) -> Outcome:
    """Segment by the command line, and see what it cost."""
    with tempfile.TemporaryDirectory() as folder:
        path = scan
        if not isinstance(scan, Path):
            path = Path(folder, "scan.nii.gz")
            nibabel.save(scan, path)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-c", CHILD, str(path), "--out", folder + "/out"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        mb = float(done.stdout.strip().splitlines()[-1])
        written = [*Path(folder, "out").glob("*_desc-tissue_stats.json")]
        refusal = "" if written else " ".join(done.stderr.split()).removeprefix(f"mriseg: {path}: ")
        return Outcome(refusal, json.loads(written[0].read_text()) if written else {}, mb, seconds)


CHILD = """
import resource, sys
from mriseg.cli import main
try:
    main(["segment", *sys.argv[1:]])
except SystemExit:
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="cases whose names hold one of these")
    parser.add_argument("--generated", action="store_true", help="also those that are made from other scans")
    arguments = parser.parse_args()
    every: list[tuple[str, Path | nibabel.Nifti1Image, Judge]] = [
        (name, CASES / f"{name}.nii.gz", judge) for name, judge in HANDED.items()
    ]
    if arguments.generated:
        every += generated()
    rows = []
    for name, scan, judge in every:
        if arguments.only and not any(part in name for part in arguments.only):
            continue
        outcome = _run(scan)
        rows.append((name, "right" if judge(outcome) else "WRONG", round(outcome.mb), round(outcome.seconds), outcome))
        print(*rows[-1], file=sys.stderr)
    print_table(("case", "is", "MB", "CPU s", "outcome"), rows)
    print(f"\n{sum(row[1] == 'right' for row in rows)} of {len(rows)} right")


if __name__ == "__main__":
    main()
