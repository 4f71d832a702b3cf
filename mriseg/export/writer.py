"""What a segmentation becomes on disk: images on the input's own grid, named as BIDS derivatives are, and figures.

Nothing that names a person or a file goes into any of them.

References
----------
Gorgolewski et al.: The brain imaging data structure. Sci Data 3, 2016; derivatives as in the specification 1.10,
"Imaging data types" (dseg, probseg, mask and their lookup table).
"""

import json
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from mriseg.core.errors import WriteError
from mriseg.core.scan import Scan
from mriseg.core.tissue import Tissue
from mriseg.export.images import encode_nifti, encode_png, encode_posterior
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
    encode, ending = (encode_png, ".png") if scan.kind == "picture" else (partial(encode_nifti, scan), ".nii.gz")
    files: dict[str, Callable[[], bytes]] = {f"_dseg{ending}": lambda: encode(result.labels)}
    for channel, tissue in enumerate(Tissue):
        files[f"_label-{tissue.abbreviation}_probseg{ending}"] = partial(encode_posterior, encode, result, channel)
    files[f"_desc-brain_mask{ending}"] = lambda: encode(result.mask)
    files["_desc-tissue_stats.json"] = lambda: (json.dumps(stats(result), indent=2, allow_nan=False) + "\n").encode()
    files["_dseg.tsv"] = lambda: lookup_table().encode()
    return files


def write(
    scan: Scan,
    result: Result,
    folder: Path,
    name: str,
    *,
    more: Mapping[str, Callable[[], bytes]] | None = None,
) -> list[Path]:
    """Write all files of a segmentation, or none: they appear under their names once all are complete.

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

    Returns
    -------
    list of Path

    Raises
    ------
    WriteError
        If the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".mriseg-", dir=folder) as staging:
            contents = outputs(scan, result) | dict(more or {})
            for suffix, content in contents.items():
                (Path(staging) / f"{name}{suffix}").write_bytes(content())
            for suffix in contents:
                os.replace(Path(staging) / f"{name}{suffix}", folder / f"{name}{suffix}")
    except OSError as error:
        raise WriteError(
            f"The results cannot be written: {error.strerror or 'unknown reason'}. Choose another folder with --out."
        ) from error
    return [folder / f"{name}{suffix}" for suffix in contents]
