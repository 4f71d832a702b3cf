"""The results of a study as BIDS derivatives: what lies in the folder, and how it gets there whole or not at all.

A scan's files are written elsewhere in the folder and moved to their names one by one; its record is moved last, so
that where it lies all others do. The same scan, settings and version give the same bytes: times are in the log only.

References
----------
Gorgolewski et al.: The brain imaging data structure. Sci Data 3, 2016; derivatives as in the specification 1.10,
"Imaging data types" (dseg, probseg, mask) and "Derived dataset and pipeline description".
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from mriseg.core.errors import ReadError, WriteError
from mriseg.core.scan import Scan
from mriseg.core.settings import Settings
from mriseg.core.tissue import Tissue
from mriseg.core.version import DISCLAIMER, __version__
from mriseg.export.statistics import stats
from mriseg.export.writer import outputs
from mriseg.io.sidecar import halves
from mriseg.plotting import mosaic
from mriseg.segmentation.result import Result
from mriseg.study import atomic_files
from mriseg.study.atomic_files import OWN
from mriseg.study.bids import StudyScan
from mriseg.study.record import Record, from_plain, to_plain

BIDS_VERSION = "1.10.0"
RECORDS = f"{OWN}/records"
DAMAGED = (ValueError, KeyError, TypeError, AttributeError)  # what a record that is not this version's raises
RAW = "raw"  # what links to the study's own files begin with
MOSAIC = "_desc-tissues_mosaic.jpg"
TABLE, DICTIONARY, REPORT, LOGS = "tissue_volumes.tsv", "tissue_volumes.json", "group_report.html", "logs"
# What no rule of BIDS foresees.
IGNORED = (f"{OWN}/", f"{LOGS}/", TABLE, DICTIONARY, REPORT, "figures", "*_stats.json", "*.png")
README = f"""# Tissue segmentation

Gray matter, white matter and cerebrospinal fluid, by mriseg {__version__}.
{DISCLAIMER}

- `sub-*/[ses-*/]anat/*_dseg.nii.gz`: labels, 1 gray matter, 2 white matter, 3 cerebrospinal fluid, 0 everything else
- `*_label-GM_probseg.nii.gz`, `label-WM`, `label-CSF`: probability of each tissue
- `*_desc-brain_mask.nii.gz`: the cranial cavity
- `*_desc-tissue_stats.json`: all figures of a scan; what each means is in mriseg's README
- `tissue_volumes.tsv`: the figures of all scans, explained in `tissue_volumes.json`
- `group_report.html`: their distributions, outliers, and a picture of each segmentation
"""


def digest(path: Path) -> str:
    """What tells the content of a scan from others: of every byte, and of the names in a folder or of several files.

    Parameters
    ----------
    path : Path
        Of a file or folder.

    Returns
    -------
    str

    Raises
    ------
    OSError, ReadError
        If it cannot be read.
    """
    hashed = hashlib.blake2b(digest_size=16)
    if path.is_dir():
        below = sorted(Path(folder) / name for folder, _, names in os.walk(path) for name in names)
        files = [file for file in below if file.is_file()]
    else:
        if path.exists() and not path.is_file():
            raise ReadError("This is neither a file nor a folder. Choose the scan itself.")
        files = [path, *halves(path)]
    for file in files:
        if file != path:
            hashed.update(os.fsencode(os.path.relpath(file, path)) + b"\0")
        with file.open("rb") as stream:
            hashed.update(hashlib.file_digest(stream, partial(hashlib.blake2b, digest_size=16)).digest())
    return hashed.hexdigest()


def identity(scan: StudyScan, settings: Settings) -> dict[str, Any]:
    """On what the results of a scan depend: where these are equal, nothing need be done anew.

    Parameters
    ----------
    scan : StudyScan
    settings : Settings

    Returns
    -------
    dict
        Path in the study, digest of the content, settings and version of mriseg.

    Raises
    ------
    ReadError
        If the scan cannot be opened.
    """
    try:
        content = digest(scan.path)
    except OSError as error:
        raise ReadError(f"The file cannot be opened: {error.strerror}.") from error
    return {"source": scan.source, "digest": content, "settings": asdict(settings), "version": __version__}


def cached_record(study: Path, scan: StudyScan, identity: Mapping[str, Any]) -> Record | None:
    """What an earlier run recorded of a scan, if of the same bytes, settings and version and if all files lie there.

    Parameters
    ----------
    study : Path
        The folder of results.
    scan : StudyScan
    identity : mapping
        As the function of this name returns it.

    Returns
    -------
    Record or None
    """
    try:
        stored = json.loads((study / _record_file(scan.name)).read_bytes())
        record = from_plain(str(scan.path), stored["record"])
        if (
            stored["of"] != identity
            or not record.is_final
            or any((study / file).stat().st_size != size for file, size in stored["files"].items())
        ):
            return None
        return record
    except (OSError, *DAMAGED):  # there is none, or it is another version's
        return None


def records(study: Path) -> Iterator[tuple[str, str, Record]]:
    """All scans that were recorded in a folder of results: name, path in the study, record; in the order of names.

    Parameters
    ----------
    study : Path
        The folder of results.

    Yields
    ------
    (str, str, Record)
    """
    for file in sorted((study / RECORDS).glob("*.json")):
        try:
            stored = json.loads(file.read_bytes())
            yield file.stem, stored["of"]["source"], from_plain(stored["of"]["source"], stored["record"])
        except (OSError, *DAMAGED):
            continue


def state(study: Path) -> frozenset[tuple[str, int]]:
    """What tells whether a scan was recorded meanwhile: the records and when each was written.

    Parameters
    ----------
    study : Path
        The folder of results.

    Returns
    -------
    frozenset of (str, int)
        Names of the records' files, and nanoseconds.
    """
    times = set()
    for file in (study / RECORDS).glob("*.json"):
        try:
            times.add((file.name, file.stat().st_mtime_ns))
        except OSError:  # another run replaces it now
            continue
    return frozenset(times)


def write(staging: Path, scan: StudyScan, image: Scan, result: Result) -> dict[str, int]:
    """Write all files of a segmentation where nobody looks for them.

    Parameters
    ----------
    staging : Path
        From `atomic_files.staging_path`.
    scan : StudyScan
    image : Scan
        That was segmented.
    result : Result

    Returns
    -------
    dict of str to int
        How many bytes each file has, by its path in the folder of results.
    """
    sizes = {}
    for name, content in _contents(scan, image, result).items():
        made = content()
        atomic_files.write(staging / name, made)
        sizes[name] = len(made)
    return sizes


def finish(
    study: Path,
    scan: StudyScan,
    record: Record,
    *,
    identity: Mapping[str, Any],
    staging: Path,
    files: Mapping[str, int],
) -> None:
    """Put the files of a scan in place of those of an earlier run, and record what became of it.

    Killed within, it leaves a record that names the files and is of no scan: the next run begins anew.

    Parameters
    ----------
    study : Path
        The folder of results.
    scan : StudyScan
    record : Record
    identity : mapping
        As the function of this name returns it; less where that could not be found out.
    staging : Path
        Where `write` put the files.
    files : mapping of str to int
        From `write`; none if there are none.
    """
    _forget(study, scan.name)
    stored = {"source": scan.source, "files": dict(files), "record": to_plain(record)}
    if files:
        atomic_files.replace(study, _record_file(scan.name), _json({"of": None, **stored}))
    for name in files:
        atomic_files.move(staging / name, study / name)
    atomic_files.replace(study, _record_file(scan.name), _json({"of": dict(identity), **stored}))


def _forget(study: Path, name: str) -> None:
    """Remove what an earlier run wrote of a scan, its record last."""
    file = study / _record_file(name)
    try:
        files = json.loads(file.read_bytes())["files"]
    except (OSError, *DAMAGED):
        files = ()
    for other in files:
        (study / other).unlink(missing_ok=True)
    file.unlink(missing_ok=True)


def _contents(scan: StudyScan, image: Scan, result: Result) -> dict[str, Callable[[], bytes]]:
    begin = f"{scan.folder}/{scan.name}"
    files = {f"{begin}{suffix}": content for suffix, content in outputs(image, result).items()}
    # How long it took is in the log: the same scan, settings and version give the same bytes.
    figures = {key: value for key, value in stats(result).items() if key != "seconds"}
    files[f"{begin}_desc-tissue_stats.json"] = lambda: _json(figures)
    source = f"bids:{RAW}:{scan.source}" if scan.is_bids else None
    origin = {"SpatialReference": source or "orig", **({"Sources": [source]} if source else {})}
    sidecars = {"_dseg": {"Description": "Tissue with the largest probability, by number.", "Manual": False}}
    for tissue in Tissue:
        text = f"Probability that a voxel is mostly {tissue.title.lower()}."
        sidecars[f"_label-{tissue.abbreviation}_probseg"] = {"Description": text, "Manual": False}
    sidecars["_desc-brain_mask"] = {"Description": "The cranial cavity: brain and fluid.", "Type": "Brain"}
    for suffix, plain in sidecars.items() if image.kind == "volume" else ():  # BIDS knows no PNG, and no sidecar of one
        files[f"{begin}{suffix}.json"] = partial(_json, plain | origin)
    files[picture(scan.name)] = lambda: mosaic.jpeg(image, result)
    return files


def picture(name: str) -> str:
    """Where the picture of a segmentation lies in the folder of results.

    Parameters
    ----------
    name : str
        Of the scan.

    Returns
    -------
    str

    Examples
    --------
    >>> picture("sub-01_ses-2")
    'sub-01/ses-2/figures/sub-01_ses-2_desc-tissues_mosaic.jpg'
    """
    parts = name.split("_")
    visit = [part for part in parts[1:] if part.startswith("ses-")]
    return "/".join([parts[0], *visit, "figures", f"{name}{MOSAIC}"])


def check(study: Path, source: Path) -> None:
    """Whether results may be written to a folder.

    Parameters
    ----------
    study : Path
        The folder of results.
    source : Path
        That of the study itself.

    Raises
    ------
    WriteError
        If it is that of the study itself, or holds what somebody else described.
    """
    if study.resolve() == source.resolve():
        raise WriteError("OUT_DIR is the study itself. Give another folder, such as one in its derivatives.")
    try:
        description = json.loads((study / "dataset_description.json").read_bytes())
        makers = {maker["Name"] for maker in description["GeneratedBy"]}
    except FileNotFoundError:
        return
    except (OSError, *DAMAGED):
        makers = set()
    if "mriseg" not in makers:
        raise WriteError("OUT_DIR holds another dataset, whose description would be lost. Give another folder.")


def is_of_another(study: Path, scan: StudyScan) -> bool:
    """Whether the results that have a scan's name are those of another one, such as of another contrast.

    Parameters
    ----------
    study : Path
        The folder of results.
    scan : StudyScan

    Returns
    -------
    bool
    """
    try:
        source = json.loads((study / _record_file(scan.name)).read_bytes())["source"]
    except (OSError, *DAMAGED):
        return False
    return bool(source.partition(".")[0] != scan.source.partition(".")[0])


def is_done(study: Path, scan: StudyScan) -> bool:
    """Whether an earlier run segmented a scan of this name, whatever its bytes were then.

    Parameters
    ----------
    study : Path
        The folder of results.
    scan : StudyScan

    Returns
    -------
    bool
    """
    try:
        stored = json.loads((study / _record_file(scan.name)).read_bytes())
        return stored["of"] is not None and stored["record"]["failure"] is None
    except (OSError, *DAMAGED):
        return False


def describe(study: Path, source: Path, is_bids: bool) -> None:
    """Write what says that a folder holds BIDS derivatives, and whose.

    Parameters
    ----------
    study : Path
        The folder of results.
    source : Path
        That of the study itself.
    is_bids : bool
        Whether the study is named by BIDS.
    """
    description: dict[str, Any] = {
        "Name": "mriseg",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "mriseg", "Version": __version__}],
    }
    if is_bids:
        try:
            link = Path(os.path.relpath(source.resolve(), study.resolve())).as_posix()
        except ValueError:  # on another drive of Windows
            link = source.resolve().as_uri()
        description["DatasetLinks"] = {RAW: link}
    atomic_files.replace(study, "dataset_description.json", _json(description))
    atomic_files.replace(study, "README.md", README.encode())
    atomic_files.replace(study, ".bidsignore", "".join(f"{pattern}\n" for pattern in IGNORED).encode())


def _record_file(name: str) -> str:
    return f"{RECORDS}/{name}.json"


def _json(plain: Mapping[str, Any]) -> bytes:
    return (json.dumps(plain, indent=2, allow_nan=False) + "\n").encode()
