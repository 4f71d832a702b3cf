"""The results of a study as BIDS derivatives: what lies in the folder, and how it gets there whole or not at all.

A scan's files are written elsewhere in the folder and moved to their names one by one; its record is moved last, so
that where it lies all others do. The same scan, settings and version give the same bytes: times are in the log only.

References
----------
Gorgolewski et al.: The brain imaging data structure. Sci Data 3, 2016; derivatives as in the specification 1.10,
"Imaging data types" (dseg, probseg, mask) and "Derived dataset and pipeline description".
"""

import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mriseg.core.errors import TakenError, WriteError
from mriseg.core.scan import Scan
from mriseg.core.tissue import Tissue
from mriseg.core.version import DISCLAIMER, __version__
from mriseg.export import atomic_files, confined
from mriseg.export.atomic_files import FOLDER, LOCKS
from mriseg.export.confined import OWN
from mriseg.export.names import SUFFIX
from mriseg.export.statistics import stats
from mriseg.export.writer import outputs
from mriseg.plotting import mosaic
from mriseg.segmentation.result import Result
from mriseg.study.bids import ENTITIES, StudyScan
from mriseg.study.record import Record, from_plain, text, to_plain

BIDS_VERSION = "1.10.0"
RECORDS = f"{OWN}/records"
# What a record that is not this version's raises, or that somebody else made.
DAMAGED = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
MOST_RECORD_BYTES = 1_000_000  # a record has some 10 kB
RAW = "raw"  # what links to the study's own files begin with
MOSAIC = "_desc-tissues_mosaic.jpg"
TABLE, DICTIONARY, REPORT, LOGS = "tissue_volumes.tsv", "tissue_volumes.json", "group_report.html", "logs"
DESCRIPTION, READ_ME, IGNORE = "dataset_description.json", "README.md", ".bidsignore"
WHOLE_STUDY = (READ_ME, IGNORE, TABLE, DICTIONARY, REPORT)  # what a run writes beside the results of each scan
TAKEN = (
    "{} lies in OUT_DIR and no record says that mriseg wrote it, so it is kept. Move it away, give another OUT_DIR, or "
    "write over it with --overwrite."
)
# What no rule of BIDS foresees.
IGNORED = (f"{OWN}/", f"{LOGS}/", TABLE, DICTIONARY, REPORT, "figures", "*_stats.json", "*.png")
README = f"""# Tissue segmentation

Gray matter, white matter and cerebrospinal fluid, by mriseg {__version__}.
{DISCLAIMER}

- `sub-*/[ses-*/]anat/*_dseg.nii.gz`: labels, 1 gray matter, 2 white matter, 3 cerebrospinal fluid, 7 what is
  unlike any of these (no diagnosis), 0 everything else
- `*_label-GM_probseg.nii.gz`, `label-WM`, `label-CSF`: probability of each tissue
- `*_desc-brain_mask.nii.gz`: the cranial cavity
- `*_desc-tissue_stats.json`: all figures of a scan; what each means is in mriseg's README
- `tissue_volumes.tsv`: the figures of all scans, explained in `tissue_volumes.json`
- `group_report.html`: their distributions, outliers, and a picture of each segmentation
"""


def cached_record(study: Path, scan: StudyScan, identity: Mapping[str, Any]) -> Record | None:
    """What an earlier run recorded of a scan, if of the same bytes, settings and version and if all files lie there.

    Parameters
    ----------
    study : Path
        The folder of results.
    scan : StudyScan
    identity : mapping
        From `mriseg.study.fingerprint`.

    Returns
    -------
    Record or None
    """
    try:
        stored = _stored(study, scan.name)
        record = from_plain(str(scan.path), stored["record"])
        if stored["of"] != identity or not record.is_final:
            return None
        for name, size in stored["files"].items():
            found = confined.status(study, name) if _is_of(scan.name, name) else None
            if found is None or not stat.S_ISREG(found.st_mode) or found.st_size != size:
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
    for file in confined.names(study, RECORDS):
        name = file.removesuffix(".json")
        if name == file or not ENTITIES.fullmatch(name):
            continue
        try:
            stored = _stored(study, name)
            source = text(stored["of"]["source"])
            yield name, source, from_plain(source, stored["record"])
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
    for name in confined.names(study, RECORDS):
        found = confined.status(study, f"{RECORDS}/{name}")
        if found is not None:  # another run may replace it now
            times.add((name, found.st_mtime_ns))
    return frozenset(times)


def write(study: Path, staging: str, *, scan: StudyScan, image: Scan, result: Result) -> dict[str, int]:
    """Write all files of a segmentation where nobody looks for them.

    Parameters
    ----------
    study : Path
        The folder of results.
    staging : str
        From `atomic_files.staging_name`.
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
        atomic_files.write(study, f"{staging}/{name}", made)
        sizes[name] = len(made)
    return sizes


def finish(
    study: Path,
    scan: StudyScan,
    record: Record,
    *,
    identity: Mapping[str, Any],
    staging: str,
    files: Mapping[str, int],
    overwrite: bool = False,
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
        From `mriseg.study.fingerprint`; less where that could not be found out.
    staging : str
        Where `write` put the files.
    files : mapping of str to int
        From `write`; none if there are none.
    overwrite : bool
        Whether files that no record lists give way.

    Raises
    ------
    TakenError
        If a file has the name of a new one and no record lists it; nothing is then changed.
    """
    earlier = _listed(study, scan.name)
    taken = [name for name in files if name not in earlier and confined.status(study, name)]
    if taken and not overwrite:
        raise TakenError(TAKEN.format(taken[0]))
    _forget(study, scan.name, earlier)
    stored = {"source": scan.source, "files": dict(files), "record": to_plain(record)}
    if files:
        atomic_files.replace(study, _record_file(scan.name), _json({"of": None, **stored}))
    for name in files:
        confined.move(study, f"{staging}/{name}", name)
    atomic_files.replace(study, _record_file(scan.name), _json({"of": dict(identity), **stored}))


def _listed(study: Path, name: str) -> list[str]:
    """The files that the record of a scan lists and that can be its results; whoever wrote the record."""
    try:
        files = list(_stored(study, name)["files"])
    except (OSError, *DAMAGED):
        return []
    return [file for file in files if _is_of(name, file)]


def _forget(study: Path, name: str, files: Sequence[str]) -> None:
    """Remove what an earlier run wrote of a scan, its record last."""
    for other in files:
        confined.remove(study, other)
    confined.remove(study, _record_file(name))


def _is_of(name: str, file: object) -> bool:
    """Whether a path in the folder of results can be that of a result of a scan."""
    if not isinstance(file, str):
        return False
    folder, _, last = file.rpartition("/")
    visit = picture(name).rpartition("/figures/")[0]
    is_there = folder in (f"{visit}/anat", f"{visit}/figures")
    return is_there and last.startswith(name) and SUFFIX.fullmatch(last[len(name) :]) is not None


def _stored(study: Path, name: str) -> dict[str, Any]:
    """What was recorded of a scan; nothing of it is to be trusted.

    Raises
    ------
    OSError, ValueError, TypeError, RecursionError
        If there is nothing or it is damaged.
    """
    stored = json.loads(confined.read(study, _record_file(name), MOST_RECORD_BYTES))
    if not isinstance(stored, dict):
        raise TypeError("no record")
    return stored


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


def check(study: Path, source: Path, overwrite: bool = False) -> None:
    """Whether results may be written to a folder.

    Parameters
    ----------
    study : Path
        The folder of results.
    source : Path
        That of the study itself.
    overwrite : bool
        Whether files of a whole study that mriseg did not describe give way.

    Raises
    ------
    WriteError
        If it is that of the study itself, holds what somebody else described or wrote, or leads elsewhere by links.
    """
    with atomic_files.translate_os_errors():
        if study.resolve() == source.resolve() or (study.exists() and source.exists() and study.samefile(source)):
            raise WriteError("OUT_DIR is the study itself. Give another folder, such as one in its derivatives.")
        if not study.exists():
            return
        for folder in (RECORDS, FOLDER, LOCKS, LOGS):
            confined.check_folder(study, folder)
        makers = _makers(study)
        if makers is not None and "mriseg" not in makers:
            raise WriteError("OUT_DIR holds another dataset, whose description would be lost. Give another folder.")
        others = [name for name in WHOLE_STUDY if makers is None and confined.status(study, name)]
        if others and not overwrite:
            raise TakenError(TAKEN.format(others[0]))


def _makers(study: Path) -> set[str] | None:
    """Which programs a folder of results says it is by; None where it says nothing, nobody where that is damaged."""
    try:
        description = json.loads(confined.read(study, DESCRIPTION, MOST_RECORD_BYTES))
        return {text(maker["Name"]) for maker in description["GeneratedBy"]}
    except FileNotFoundError:
        return None
    except (OSError, *DAMAGED):
        return set()


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
        source = text(_stored(study, scan.name)["source"])
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
        stored = _stored(study, scan.name)
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
    atomic_files.replace(study, DESCRIPTION, _json(description))
    atomic_files.replace(study, READ_ME, README.encode())
    atomic_files.replace(study, IGNORE, "".join(f"{pattern}\n" for pattern in IGNORED).encode())


def _record_file(name: str) -> str:
    return f"{RECORDS}/{name}.json"


def _json(plain: Mapping[str, Any]) -> bytes:
    return (json.dumps(plain, indent=2, allow_nan=False) + "\n").encode()
