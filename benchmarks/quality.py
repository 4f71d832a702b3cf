"""The figures of quality of every scan in the data folder, and the verdict on each.

    python benchmarks/quality.py [--data ../shared/data] [SCAN ...]

Needs the data folder, or scans. Takes 5 minutes.
"""

import argparse
from pathlib import Path

from table import DATA, print_table

import mriseg
from mriseg.quality.definitions import FIGURES
from mriseg.segmentation.verdict import verdict

GROUPS = ("brainweb", "colin27", "slabs", "ibsr", "clinical", "slices", "seed", "dicom")
NO_SCANS = ("seg", "truth", "label", "mask", "README", "LICENSE", "COPYRIGHT")
SHOWN = [figure for figure in FIGURES if not figure.key.startswith("spacing")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("scans", nargs="*", type=Path)
    options = parser.parse_args()
    rows, verdicts = [], []
    for path in options.scans or scans(options.data):
        try:
            result = mriseg.segment(mriseg.read(path))
        except mriseg.MrisegError as error:
            verdicts.append((path.name, "refused", str(error)))
            continue
        figures = (f"{result.quality[figure.key]:.3g}" if figure.key in result.quality else "" for figure in SHOWN)
        rows.append((path.name, result.contrast.suffix, *figures))
        judged = verdict(result)
        findings = " ".join(finding.text for finding in judged.doubts)
        verdicts.append((path.name, judged.level.name.lower(), findings))
    print_table(("scan", "contrast", *(figure.key for figure in SHOWN)), rows)
    print()
    print_table(("scan", "verdict", "why"), verdicts)


def scans(folder: Path) -> list[Path]:
    """Every scan in the groups of the data folder."""
    paths = (path for group in GROUPS for path in sorted((folder / group).glob("*")))
    return [path for path in paths if not any(word in path.name for word in NO_SCANS)]


if __name__ == "__main__":
    main()
