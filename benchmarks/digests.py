"""Digests of every file that `segment`, `cohort` and the report write: proof that a change of code changed no result.

    python benchmarks/digests.py > before.txt
    git switch CHANGE
    python benchmarks/digests.py | diff before.txt -

Seconds and versions are blanked first; all else counts to the byte. Takes a minute or two.
"""

import argparse
import gzip
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from table import DATA, ROOT

from mriseg.core.version import __version__

# One of each kind: pictures, a figure of several planes, slabs, whole heads, stripped brains, thick slices, DICOM.
SCANS = (
    "seed/sagittal_t2.png",
    "seed/axial_t2_png_named.jpg",
    "slices/brainweb_three_plane_panel.png",
    "slabs/slab_1_t1.nii.gz",
    "brainweb/t1_1mm_pn3_rf20.nii.gz",
    "ibsr/IBSR_05.nii.gz",
    "clinical/ms12_FLAIR.nii.gz",
    "clinical/ms07_stripped_T2.nii.gz",
    "consistency/fs01_T1w.mgz",
    "cases/10_mp2rage_uni_2mm.nii.gz",
    "dicom/enhanced_xa30",
)
JOINT = ("clinical/ms07_stripped_T1.nii.gz", "clinical/ms07_stripped_T2.nii.gz")
STUDY = ("clinical/ms12_T1W.nii.gz", "ibsr/IBSR_01.nii.gz", "slabs/slab_1_t1.nii.gz")
SECONDS = re.compile(rb'"seconds": \{[^}]*\}')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    data = parser.parse_args().data
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        for number, scan in enumerate(SCANS):
            run("segment", data / scan, "--out", out / f"{number:02}", "--report")
        run("segment", data / JOINT[0], "--channel", data / JOINT[1], "--out", out / "joint")
        (out / "scans").mkdir()
        for scan in STUDY:
            shutil.copy(data / scan, out / "scans")
        run("cohort", out / "scans", out / "study", "--workers", "1")
        shutil.rmtree(out / "scans")
        for path in sorted(path for path in out.rglob("*") if path.is_file() and path.suffix != ".log"):
            print(digest(path, out), path.relative_to(out))


def run(*arguments: str | Path) -> None:
    """Call the command line of this checkout."""
    subprocess.run([sys.executable, "-m", "mriseg", *arguments], cwd=ROOT, check=True, stdout=sys.stderr)


def digest(path: Path, out: Path) -> str:
    """SHA-256 of what a file holds, without what differs from run to run."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    content = content.replace(__version__.encode(), b"VERSION")
    return hashlib.sha256(SECONDS.sub(b"", content)).hexdigest()


if __name__ == "__main__":
    main()
