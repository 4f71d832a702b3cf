"""What a segmentation becomes on disk: images on the input's own grid, named as BIDS derivatives are, and figures.

Nothing that names a person or a file goes into any of them.

References
----------
Gorgolewski et al.: The brain imaging data structure. Sci Data 3, 2016; derivatives as in the specification 1.10,
"Imaging data types" (dseg, probseg, mask and their lookup table).
"""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from mriseg import report
from mriseg.core.scan import Scan
from mriseg.core.tissue import Tissue
from mriseg.export import atomic_files, confined
from mriseg.export.atomic_files import BESIDE
from mriseg.export.images import encode_nifti, encode_png, encode_posterior
from mriseg.export.ownership import MOST_STATS_BYTES, STATS, Origin, digest, giving_way, scan_digest, signed
from mriseg.export.statistics import lookup_table, stats
from mriseg.segmentation.result import Result

# Of formats whose files are packed, or whose ending has two parts.
DOUBLE_ENDINGS = (".nii.gz", ".img.gz", ".hdr.gz", ".mgh.gz", ".mnc.gz")


def stem(path: Path) -> str:
    """The name of a scan's file without what says its format, `foo` for `foo.nii.gz`; of a folder its whole name.

    Parameters
    ----------
    path : Path

    Returns
    -------
    str

    Examples
    --------
    >>> stem(Path("scans/foo.nii.gz"))
    'foo'
    """
    if path.is_dir():
        return path.name
    ending = next((ending for ending in DOUBLE_ENDINGS if path.name.lower().endswith(ending)), path.suffix)
    return path.name[: len(path.name) - len(ending)]


def suffixes(scan: Scan) -> list[str]:
    """What follows the stem in the name of each file of a segmentation.

    Parameters
    ----------
    scan : Scan
        That is segmented.

    Returns
    -------
    list of str
    """
    ending = ".png" if scan.kind == "picture" else ".nii.gz"
    posteriors = [f"_label-{tissue.abbreviation}_probseg{ending}" for tissue in Tissue]
    return [f"_dseg{ending}", *posteriors, f"_desc-brain_mask{ending}", STATS, "_dseg.tsv"]


def outputs(scan: Scan, result: Result) -> dict[str, Callable[[], bytes]]:
    """The files of a segmentation: what follows the stem in each name, and a function that makes the content.

    Parameters
    ----------
    scan : Scan
        That was segmented.
    result : Result

    Returns
    -------
    dict of str to callable
        Labels, posteriors (floating point in NIfTI, 16 bits of the range 0 to 1 in PNG), mask, figures and the
        table of labels. Equal results give equal bytes, but for the seconds.
    """
    encode = encode_png if scan.kind == "picture" else partial(encode_nifti, scan)
    labels, *posteriors, mask, figures, table = suffixes(scan)
    files: dict[str, Callable[[], bytes]] = {labels: lambda: encode(result.labels)}
    for channel, posterior in enumerate(posteriors):
        files[posterior] = partial(encode_posterior, encode, result, channel)
    files[mask] = lambda: encode(result.mask)
    files[figures] = lambda: (json.dumps(stats(result), indent=2, allow_nan=False) + "\n").encode()
    files[table] = lambda: lookup_table().encode()
    return files


def check(scan: Scan, folder: Path, name: str, *, more: Iterable[str] = (), overwrite: bool = False) -> None:
    """Refuse to segment a scan whose results `write` would not write.

    Parameters
    ----------
    scan, folder, name, overwrite
        As for `write`.
    more : iterable of str
        What follows the stem in the names of further files.

    Raises
    ------
    TakenError
        If files have the names of results that are not ours, or are of another scan.
    """
    with atomic_files.translate_os_errors():
        giving_way(folder, name, scan=scan_digest(scan), suffixes=[*suffixes(scan), *more], overwrite=overwrite)


def write(
    scan: Scan,
    result: Result,
    folder: Path,
    name: str,
    *,
    more: Mapping[str, Callable[[], bytes]] | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write all files of a segmentation, or none: they appear under their names once all are complete.

    Files that an earlier run wrote of the same scan are replaced, those that are not written this time removed. What
    it takes for such the JSON of the figures says; killed within, that lists what was there and what comes, so that the
    next run goes on.

    Parameters
    ----------
    scan : Scan
    result : Result
    folder : Path
        Made if it does not exist.
    name : str
        How the file names begin.
    more : mapping of str to callable, optional
        Further files, as `outputs` has them.
    overwrite : bool
        Whether files of these names give way that mriseg did not write, that were changed since, or that are of another
        scan.

    Returns
    -------
    list of Path

    Raises
    ------
    WriteError
        If the folder cannot be written to.
    TakenError
        If files have the names of results that are not ours, or are of another scan.
    """
    contents = outputs(scan, result) | dict(more or {})
    staging = atomic_files.staging_name(BESIDE)
    with atomic_files.translate_os_errors():
        folder.mkdir(parents=True, exist_ok=True)
        clear(folder)
        try:
            digests = _stage(folder, staging, contents)
            figures = json.loads(confined.read(folder, f"{staging}/{STATS}", MOST_STATS_BYTES))
            origin = Origin(scan_digest(scan), {suffix: [made] for suffix, made in digests.items() if suffix != STATS})
            with atomic_files.folder_locked(folder):
                # Of a report, all that was written of another scan goes with its labels.
                suffixes = [*contents, *((report.HTML, report.PDF) if overwrite else ())]
                earlier = giving_way(folder, name, scan=origin.scan, suffixes=suffixes, overwrite=overwrite)
                _put(folder, name, staging, figures=figures, origin=origin, earlier=earlier)
        finally:
            confined.remove_tree(folder, staging)
    return [folder / f"{name}{suffix}" for suffix in contents]


def _stage(folder: Path, staging: str, contents: Mapping[str, Callable[[], bytes]]) -> dict[str, str]:
    """Make each file and write it into the staging folder; what tells its content from others, by its suffix."""
    digests = {}
    for suffix, content in contents.items():
        made = content()
        atomic_files.write(folder, f"{staging}/{suffix}", made)
        digests[suffix] = digest(made)
    return digests


def _put(
    folder: Path,
    name: str,
    staging: str,
    *,
    figures: Mapping[str, Any],
    origin: Origin,
    earlier: Mapping[str, str | None],
) -> None:
    """Give new files their names and remove what else there was of an earlier result.

    Killed at any moment it leaves a JSON that lists the old files and the new ones, so that the next run knows both.
    """
    both = {
        suffix: [*origin.files.get(suffix, ()), *filter(None, [earlier.get(suffix)])]
        for suffix in {**origin.files, **earlier}
        if suffix != STATS
    }
    for number, said in enumerate((Origin(origin.scan, both), origin)):
        atomic_files.write(folder, f"{staging}/{number}", signed(figures, said))
    confined.move(folder, f"{staging}/0", f"{name}{STATS}")
    for suffix in earlier.keys() - origin.files.keys() - {STATS}:
        confined.remove(folder, f"{name}{suffix}")
    for suffix in origin.files:
        confined.move(folder, f"{staging}/{suffix}", f"{name}{suffix}")
    confined.move(folder, f"{staging}/1", f"{name}{STATS}")


def clear(folder: Path) -> None:
    """Remove what runs that were killed left unfinished in a folder of results.

    Parameters
    ----------
    folder : Path
    """
    atomic_files.clear(folder, BESIDE)
