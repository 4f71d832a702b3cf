"""A study without its engine: files of a scan are made from its bytes at once, so that only what carries them is tried.

Run as a program it takes the folder of the study, that of the results, the number of workers and a size in bytes.
"""

import hashlib
import sys
from functools import partial
from pathlib import Path
from unittest.mock import patch

from mriseg import Contrast, Settings, Tissue
from mriseg.core.findings import Level
from mriseg.export import atomic_files
from mriseg.study import bids, derivatives
from mriseg.study import run as cohort
from mriseg.study.executors import in_processes
from mriseg.study.record import Record

ENDINGS = ("_dseg.nii.gz", "_desc-brain_mask.nii.gz", "_label-GM_probseg.nii.gz", "_dseg.json")
REFUSED = b"refused"


def make_study(folder: Path, count: int, size: int = 100) -> Path:
    """A BIDS dataset of so many scans, each of other bytes."""
    for number in range(count):
        anatomy = folder / f"sub-{number:05d}" / "anat"
        anatomy.mkdir(parents=True)
        (anatomy / f"sub-{number:05d}_T1w.nii").write_bytes(number.to_bytes(4, "big") * (size // 4))
    return folder


def attempt(path, settings, *, use):
    """Stands in for the engine: figures from the digest of the bytes."""
    content = path.read_bytes()
    if content.startswith(REFUSED):
        return Record(str(path), "Nothing in it.")
    use(content, None)
    share = hashlib.blake2b(content, digest_size=1).digest()[0] / 1000
    fractions = {Tissue.GM: 0.4 + share, Tissue.WM: 0.4 - share, Tissue.CSF: 0.2}
    volumes = {tissue: 1500 * fraction for tissue, fraction in fractions.items()}
    return Record(
        str(path),
        contrast=Contrast.T1,
        contrast_confidence=0.99,
        mask_confidence=0.9,
        volumes_ml=volumes,
        volume_intervals_ml={tissue: (0.9 * volume, 1.1 * volume) for tissue, volume in volumes.items()},
        fractions=fractions,
        brain_ml=1500.0,
        quality={"cjv": 0.5 + share},
        verdict="Fine.",
        level=Level.GOOD,
    )


def content_of(scan_bytes: bytes, ending: str, size: int) -> bytes:
    """What one result of a scan holds."""
    return hashlib.shake_256(scan_bytes + ending.encode()).digest(size)


def write(study, staging, *, scan, image, result, size=2_000):
    """Stands in for `derivatives.write`."""
    sizes = {}
    for ending in ENDINGS:
        name = f"{scan.folder}/{scan.name}{ending}"
        atomic_files.write(study, f"{staging}/{name}", content_of(image, ending, size))
        sizes[name] = size
    return sizes


def segment_one(task, size=2_000):
    """What a worker does, with the engine replaced."""
    with patch.object(cohort, "try_segment", attempt), patch.object(derivatives, "write", partial(write, size=size)):
        return cohort.segment_one(task)


def one_after_the_other(_, tasks):
    """Does the tasks here."""
    for task in tasks:
        yield task, segment_one(task)


def run(study: Path, out: Path, do=one_after_the_other, settings: Settings | None = None) -> list[cohort.Outcome]:
    """Go through a study as the command line does."""
    settings = settings or Settings()
    outcomes = list(cohort.segment_study(bids.find(study), out, settings, do))
    cohort.summarize(out, study, settings, is_bids=True)
    return outcomes


def main(study: str, out: str, workers: str, size: str) -> None:
    """Go through a study in processes; results of a scan have so many bytes."""
    work = partial(segment_one, size=int(size))
    run(Path(study), Path(out), lambda _, tasks: in_processes(work, tasks, int(workers)))


if __name__ == "__main__":
    main(*sys.argv[1:])
