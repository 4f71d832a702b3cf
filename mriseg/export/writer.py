"""What a segmentation becomes on disk: images on the input's own grid, named as BIDS derivatives are, and figures.

Nothing that names a person or a file goes into any of them.

References
----------
Gorgolewski et al.: The brain imaging data structure. Sci Data 3, 2016; derivatives as in the specification 1.10,
"Imaging data types" (dseg, probseg, mask and their lookup table).
"""

import gzip
import io
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nibabel
import numpy as np

from mriseg.core.errors import WriteError
from mriseg.core.scan import Scan
from mriseg.core.tissue import Tissue
from mriseg.core.version import __version__
from mriseg.mixture.model import Mixture, pairs
from mriseg.mixture.model_selection import criteria
from mriseg.registration.affine import Registration
from mriseg.segmentation.result import Result
from mriseg.segmentation.verdict import verdict

COMPRESSION = 4  # of 9: past it posteriors shrink by 2 % for twice the time
FULL_16_BIT = 65535
# Of formats whose files are packed, or whose ending has two parts.
DOUBLE_ENDINGS = (".nii.gz", ".img.gz", ".hdr.gz", ".mgh.gz", ".mnc.gz")


def stem(path: Path) -> str:
    """The name of a scan's file without what says its format, `foo` for `foo.nii.gz`; of a folder its whole name."""
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
    encode, ending = (_png, ".png") if scan.kind == "picture" else (partial(_nifti, scan), ".nii.gz")
    files: dict[str, Callable[[], bytes]] = {f"_dseg{ending}": lambda: encode(result.labels)}
    for channel, tissue in enumerate(Tissue):
        files[f"_label-{tissue.abbreviation}_probseg{ending}"] = partial(_posterior, encode, result, channel)
    files[f"_desc-brain_mask{ending}"] = lambda: encode(result.mask)
    files["_desc-tissue_stats.json"] = lambda: (json.dumps(stats(result), indent=2, allow_nan=False) + "\n").encode()
    files["_dseg.tsv"] = lambda: lookup_table().encode()
    return files


def write(
    scan: Scan, result: Result, folder: Path, name: str, more: Mapping[str, Callable[[], bytes]] | None = None
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
        with TemporaryDirectory(prefix=".mriseg-", dir=folder) as unfinished:
            contents = outputs(scan, result) | dict(more or {})
            for suffix, content in contents.items():
                (Path(unfinished) / f"{name}{suffix}").write_bytes(content())
            for suffix in contents:
                os.replace(Path(unfinished) / f"{name}{suffix}", folder / f"{name}{suffix}")
    except OSError as error:
        raise WriteError(
            f"The results cannot be written: {error.strerror or 'unknown reason'}. Choose another folder with --out."
        ) from error
    return [folder / f"{name}{suffix}" for suffix in contents]


def stats(result: Result) -> dict[str, Any]:
    """All figures of a segmentation as plain numbers, lists and strings, ready for JSON."""
    mixture = result.mixture
    named = mixture.tissues
    volumes = result.volumes_ml
    found = verdict(result)
    return {
        "contrast": result.contrast.suffix,
        "contrast_confidence": result.contrast_confidence,
        "volumes_ml": volumes and {tissue.abbreviation: volume for tissue, volume in volumes.items()},
        "volume_intervals_ml": result.volume_intervals_ml
        and {tissue.abbreviation: list(between) for tissue, between in result.volume_intervals_ml.items()},
        "fractions": {tissue.abbreviation: share for tissue, share in result.fractions.items()},
        "brain_ml": result.brain_ml,
        "mask_confidence": result.brain.confidence,
        "mask_doubtful": result.brain.doubtful,
        "registration": _registration(result.brain.registration),
        "mixture": {
            "tissues": [tissue.abbreviation for tissue in named],
            "means": mixture.means.tolist(),
            "sds": mixture.sds.tolist(),
            # Each class with its half of the mixed voxels, so that the weights sum to 1.
            "weights": mixture.shares.tolist(),
            "pure_weights": mixture.weights.tolist(),
            "mixed_weights": _mixed_weights(mixture),
            "mixed_sd": mixture.mixed_sd,
            "deep_gray": mixture.deep_gray and dict(zip(("weight", "mean", "sd"), mixture.deep_gray, strict=True)),
            "outliers": mixture.outliers,
            "thresholds": mixture.thresholds().tolist(),
            "log_likelihood": mixture.log_likelihood,
            # Of all channels, in the order of the classes; deep gray matter last where it has a Gaussian of its own.
            "channel_means": mixture.parameters.means.tolist(),
            "channel_covariances": mixture.parameters.covariances.tolist(),
            "iterations": mixture.iterations,
            "converged": mixture.converged,
        },
        "model_selection": None
        if result.settings.classes == len(Tissue)
        else [asdict(criterion) for criterion in criteria(result.histogram)],
        "quality": result.quality,
        "verdict": found.headline,
        "findings": [
            {"about": finding.about, "level": finding.level.name, "says": str(finding)} for finding in found.findings
        ],
        "warnings": list(result.warnings),
        "notes": list(result.notes),
        "settings": asdict(result.settings),
        "seconds": {stage: round(seconds, 3) for stage, seconds in result.seconds.items()},
        "version": __version__,
    }


def _mixed_weights(mixture: Mixture) -> dict[str, float]:
    """Share of the voxels that two tissues share, by their names; classes of one tissue add up."""
    found: dict[str, float] = {}
    for (a, b), weight in zip(pairs(mixture.classes), mixture.mixed_weights, strict=True):
        key = f"{mixture.tissues[a].abbreviation}-{mixture.tissues[b].abbreviation}"
        found[key] = found.get(key, 0.0) + float(weight)
    return found


def _registration(found: Registration | None) -> dict[str, Any] | None:
    """Where the average brain lies: from MNI mm to mm along canonical axes, counted from the first voxel's centre."""
    if found is None:
        return None
    return {"affine": found.affine.tolist(), "agreement": found.agreement, "coverage": found.coverage}


def volumes_table(result: Result) -> str:
    """The volumes and fractions as CSV; a picture without a pixel size has no volumes, so their column is empty."""
    rows = ["tissue,name,volume_ml,fraction"]
    for tissue in Tissue:
        volume = "" if result.volumes_ml is None else f"{result.volumes_ml[tissue]:.3f}"
        rows.append(f"{tissue.abbreviation},{tissue.title},{volume},{result.fractions[tissue]:.5f}")
    return "\n".join(rows) + "\n"


def lookup_table() -> str:
    """Which number is which tissue, as BIDS asks for it beside a segmentation."""
    rows = ["index\tname\tabbreviation\tcolor", "0\tBackground\tBG\t#000000"]
    rows += [f"{tissue.number}\t{tissue.title}\t{tissue.abbreviation}\t{tissue.colour}" for tissue in Tissue]
    return "\n".join(rows) + "\n"


def encode_scan(scan: Scan) -> bytes:
    """The scan itself, as gzipped NIfTI or, for a picture, as PNG of 8 or 16 bits."""
    if scan.kind == "volume":
        return _nifti(scan, scan.data)
    return _png(np.rint(scan.data).astype(np.uint8 if scan.data.max() <= 255 else np.uint16))


def _posterior(encode: Callable[[np.ndarray], bytes], result: Result, channel: int) -> bytes:
    posterior = np.zeros(result.labels.shape, np.float32)
    posterior[result.mask] = result.brain_posteriors[:, channel]
    return encode(posterior)


def _nifti(scan: Scan, data: np.ndarray) -> bytes:
    """A gzipped NIfTI with the scan's geometry, codes and units."""
    data = data.astype(np.uint8) if data.dtype == bool else data
    if scan.header is None:
        image = nibabel.Nifti1Image(data, scan.affine)
        image.header.set_xyzt_units("mm")
    else:
        of_its_kind = nibabel.Nifti2Image if isinstance(scan.header, nibabel.Nifti2Header) else nibabel.Nifti1Image
        image = of_its_kind(data, scan.header.get_best_affine(), scan.header)  # in the file's own unit
    image.set_data_dtype(data.dtype)
    return gzip.compress(image.to_bytes(), COMPRESSION, mtime=0)


def _png(data: np.ndarray) -> bytes:
    """A gray PNG: labels as they are, a mask as black and white, floating point from 0 to 1 in 16 bits."""
    import PIL.Image

    if data.dtype == bool:
        data = data * np.uint8(255)
    elif data.dtype.kind == "f":
        data = np.rint(data * FULL_16_BIT).astype(np.uint16)
    stream = io.BytesIO()
    PIL.Image.fromarray(data).save(stream, "PNG")
    return stream.getvalue()
