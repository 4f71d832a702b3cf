"""Every file and series of the data folder: segmented, or refused with a reason.

    python benchmarks/every_file.py [--data ../shared/data]

Takes 10 minutes.
"""

import argparse
import time
from pathlib import Path

from table import DATA, print_table

import mriseg
from mriseg.core.tissue import Tissue
from mriseg.io.catalog import best
from mriseg.io.reader import contents

NO_SCANS = {".md", ".txt", ""}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    rows = []
    for source in sources(options.data):
        began = time.process_time()
        items, said = 0, ""
        try:
            listed = contents(source)
            items = len(listed)
            scan = best(listed).load()
            said = str(scan)
            result = mriseg.segment(scan)
            shares = " ".join(f"{tissue.abbreviation} {result.fractions[tissue]:.0%}" for tissue in Tissue)
            doubt = ", mask doubtful" if result.brain.doubtful else ""
            end = f"{result.contrast.suffix}, {shares}{doubt}"
        except mriseg.MrisegError as error:
            end = f"REFUSED: {error}"
        rows.append((source.relative_to(options.data), items, said, end, f"{time.process_time() - began:.1f}"))
        print(*rows[-1], sep=" | ", flush=True)
    print()
    print_table(("source", "scans", "read as", "end", "CPU s"), rows)


def sources(folder: Path) -> list[Path]:
    """The folders of DICOM series, and every other file that is to be a scan."""
    found = {path.parent if path.suffix == ".dcm" else path for path in folder.rglob("*") if path.is_file()}
    return sorted(path for path in found if path.is_dir() or path.suffix not in NO_SCANS)


if __name__ == "__main__":
    main()
