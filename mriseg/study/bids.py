"""Which scans a study's folder holds: by the names of the Brain Imaging Data Structure, or those of a plain folder.

Of BIDS a strict subset is read: `sub-<label>[/ses-<label>]/anat/` and the file names in it. `.bidsignore` is not.

References
----------
Gorgolewski et al.: The brain imaging data structure. Sci Data 3, 2016; file names as in the specification 1.10.
"""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mriseg.core.errors import ReadError
from mriseg.export.confined import OWN
from mriseg.io.archive import is_litter
from mriseg.io.folder import is_segmentation

LABEL = "[0-9A-Za-z+]+"
SUBJECT = re.compile(f"sub-({LABEL})")
SESSION = re.compile(f"ses-({LABEL})")
ENTITIES = re.compile(f"sub-{LABEL}(_[a-z]+-{LABEL})*")
SUFFIXES = ("T1w", "T2w", "PDw", "FLAIR")
IMAGES = (".nii.gz", ".nii")
# No signal's magnitude, or made from a scan.
NO_SCAN = ("_part-phase", "_part-real", "_part-imag", "_desc-", "_space-", "_label-", "_res-", "_den-")
# What a file of a plain folder must end in to be a scan of its own; others together are a DICOM study.
VOLUMES = (".nii", ".nii.gz", ".hdr", ".mgh", ".mgz", ".nrrd", ".nhdr", ".mha", ".mhd", ".mnc", ".par")
PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif")
OWN_SCANS = (*VOLUMES, *PICTURES, ".zip")
# Halves of a scan that are read with their headers, and tables and notes: no scans, and no DICOM.
NO_SCANS = (".img", ".img.gz", ".raw", ".zraw", ".rec", ".json", ".tsv", ".csv", ".txt", ".md", ".html", ".pdf")
DIGITS_OF_TWINS = 6  # of a digest, hexadecimal, that tell scans apart whose names differ in signs only
LEFT_OUT = "{} cannot be read ({}) and is left out. Check who may read it if it holds scans."
LONGEST_LABEL = 100  # characters; a file system takes 255 with all that follows


@dataclass(frozen=True)
class StudyScan:
    """One scan of a study.

    Attributes
    ----------
    path : Path
        Of its file or, for DICOM, its folder.
    name : str
        What the names of its derivatives begin with, such as `sub-01_ses-2_run-1`.
    folder : str
        Where its derivatives lie, such as `sub-01/ses-2/anat`.
    source : str
        Its path in the study.
    is_bids : bool
        Whether the study names it by BIDS.
    refusal : str or None
        Why it cannot be segmented, where its location says so.
    """

    path: Path
    name: str
    folder: str
    source: str
    is_bids: bool
    refusal: str | None = None

    @property
    def participant(self) -> str:
        """Such as `sub-01`."""
        return self.name.partition("_")[0]

    @property
    def session(self) -> str | None:
        """Such as `ses-2`; None where the study has no sessions."""
        return next((part for part in self.name.split("_")[1:] if part.startswith("ses-")), None)


def is_bids(study: Path) -> bool:
    """Whether a folder has participants as BIDS names them, or says that it is a BIDS dataset.

    Parameters
    ----------
    study : Path

    Returns
    -------
    bool
    """
    return (study / "dataset_description.json").is_file() or any(True for _ in _folders(study, SUBJECT, ()))


def find(
    study: Path,
    suffix: str = "T1w",
    *,
    participants: Sequence[str] = (),
    sessions: Sequence[str] = (),
    leave_out: Path | None = None,
    warn: Callable[[str], None] = lambda sentence: None,
) -> tuple[StudyScan, ...]:
    """List the scans of a study in the order of their names; nothing is opened.

    What is called as results are, labels or masks, is no scan.

    Parameters
    ----------
    study : Path
    suffix : {"T1w", "T2w", "PDw", "FLAIR"}
        Of the files in a BIDS dataset. Of a plain folder every scan is taken.
    participants, sessions : sequence of str
        Only these, with or without `sub-` and `ses-`; all if empty.
    leave_out : Path, optional
        A folder in the study that holds results.
    warn : callable, optional
        Told of each folder of a plain folder that cannot be read and is left out.

    Returns
    -------
    tuple of StudyScan

    Raises
    ------
    ReadError
        If there is no such folder, no such participant or session, or no scan in it.
    """
    if not study.is_dir():
        raise ReadError("There is no such folder. Give the folder of the study.")
    wanted = tuple(label.removeprefix("sub-") for label in participants)
    visits = tuple(label.removeprefix("ses-") for label in sessions)
    try:
        if is_bids(study):
            scans = _checked_unique(_of_bids(study, suffix, wanted, visits))
        else:
            if visits:
                raise ReadError("A plain folder has no sessions. Leave --session-label out, or name the study by BIDS.")
            named = _named(study, sorted(_of_folder(study, leave_out, warn)))
            scans = tuple(scan for scan in named if not wanted or scan.participant[4:] in wanted)
    except OSError as error:
        raise ReadError(f"The folder of the study cannot be read: {error.strerror}.") from error
    _check_complete(study, suffix, scans, wanted=wanted, visits=visits)
    if leave_out is not None and any(leave_out.resolve().is_relative_to(scan.path.resolve()) for scan in scans):
        raise ReadError("OUT_DIR lies in the folder of a scan and would be read with it. Give a folder beside it.")
    return scans


def _check_complete(
    study: Path, suffix: str, scans: Sequence[StudyScan], *, wanted: tuple[str, ...], visits: tuple[str, ...]
) -> None:
    """Refuse a study without a scan, or without one that was asked for."""
    missing = set(wanted) - {scan.participant[4:] for scan in scans}
    absent = [label for label in sorted(missing) if not (study / f"sub-{label}").is_dir()]
    if absent or (missing and not scans):
        raise ReadError(f"There is no {suffix} scan of sub-{min(missing)}. Check --participant-label and --suffix.")
    unknown = set(visits) - {scan.session[4:] for scan in scans if scan.session}
    if unknown:
        raise ReadError(f"There is no {suffix} scan of ses-{min(unknown)}. Check --session-label and --suffix.")
    if not scans:
        raise ReadError(
            f"There is no scan in it: no sub-*/anat/*_{suffix}.nii.gz as BIDS has it, and no image and no folder "
            "of DICOM files as a plain folder has them. Check the path and --suffix."
        )


def _folders(parent: Path, kind: re.Pattern[str], labels: Sequence[str]) -> Iterator[Path]:
    for folder in sorted(parent.iterdir()):
        match = kind.fullmatch(folder.name)
        if match and (not labels or match[1] in labels) and folder.is_dir():
            yield folder


def _of_bids(study: Path, suffix: str, participants: Sequence[str], sessions: Sequence[str]) -> Iterator[StudyScan]:
    for subject in _folders(study, SUBJECT, participants):
        try:
            yield from list(_of_subject(study, subject, suffix, sessions))
        except OSError as error:
            why = f"The folder of the participant cannot be read: {error.strerror}. Check who may read it."
            yield StudyScan(
                subject,
                name=subject.name,
                folder=f"{subject.name}/anat",
                source=subject.name,
                is_bids=True,
                refusal=why,
            )


def _of_subject(study: Path, subject: Path, suffix: str, sessions: Sequence[str]) -> Iterator[StudyScan]:
    visits = list(_folders(subject, SESSION, sessions))
    for visit in [*([] if sessions else [subject]), *visits]:
        anatomy = visit / "anat"
        if not anatomy.is_dir():
            continue
        folder = visit.relative_to(study).as_posix()
        begins = folder.replace("/", "_") + "_"
        for file in sorted(anatomy.iterdir()):
            name = _stem(file.name, suffix)
            has_visit = visit != subject or "_ses-" not in file.name
            if name and f"{name}_".startswith(begins) and has_visit:
                source = file.relative_to(study).as_posix()
                yield StudyScan(file, name=name, folder=f"{folder}/anat", source=source, is_bids=True)


def _checked_unique(scans: Iterable[StudyScan]) -> tuple[StudyScan, ...]:
    """The scans, once it is sure that no two have results of one name, which some file systems read without capitals.

    Raises
    ------
    ReadError
        If there are such scans.
    """
    by_name: dict[str, StudyScan] = {}
    for scan in scans:
        other = by_name.setdefault(scan.name.lower(), scan)
        if other is not scan:
            raise ReadError(
                f"{other.source} and {scan.source} would have results of the same name. Rename or remove one of them."
            )
    return tuple(by_name.values())


def _stem(name: str, suffix: str) -> str | None:
    """What comes before the suffix in a file name of BIDS; None if it is not one of an image that shows signal."""
    for ending in IMAGES:
        stem = name.removesuffix(f"_{suffix}{ending}")
        if stem != name and ENTITIES.fullmatch(stem) and not any(part in stem for part in NO_SCAN):
            return stem
    return None


def _of_folder(study: Path, leave_out: Path | None, warn: Callable[[str], None]) -> Iterator[Path]:
    """Scans in a plain folder: each image and archive, and each folder that holds other files, taken for DICOM."""
    loose = False
    entries = sorted(study.iterdir())
    for entry in entries:
        try:
            if _is_passed_over(entry, leave_out):
                continue
            below = list(_files_below(entry, leave_out, warn)) if entry.is_dir() else None
        except OSError as error:
            warn(LEFT_OUT.format(entry.name, error.strerror))
            continue
        if below is not None:
            images = [file for file in below if _is_one(file)]
            if images:
                yield from images
            elif any(map(_may_be_dicom, below)):
                yield entry
        elif _is_one(entry):
            yield entry
        else:
            loose |= _may_be_dicom(entry)
    if loose and not any(map(_is_one, entries)):
        yield study


def _files_below(folder: Path, leave_out: Path | None, warn: Callable[[str], None]) -> Iterator[Path]:
    """The files in a folder and those below, but of folders that hold results or cannot be read.

    Raises
    ------
    OSError
        If the folder itself cannot be read.
    """

    def skip(error: OSError) -> None:
        if error.filename == str(folder):
            raise error
        warn(LEFT_OUT.format(os.path.relpath(error.filename, folder.parent), error.strerror))

    for here, folders, names in os.walk(folder, onerror=skip):
        followed = []
        for name in sorted(folders):
            try:
                if not _is_passed_over(Path(here) / name, leave_out):
                    followed.append(name)
            except OSError as error:
                skip(error)
        folders[:] = followed
        yield from (Path(here) / name for name in sorted(names))


def _is_passed_over(entry: Path, leave_out: Path | None) -> bool:
    """Whether it is hidden, litter, or a folder that holds results of mriseg."""
    if is_litter(entry.name) or entry.name.startswith("."):
        return True
    return entry.is_dir() and (
        (entry / OWN).is_dir() or (leave_out is not None and entry.resolve() == leave_out.resolve())
    )


def _is_one(file: Path) -> bool:
    return file.name.lower().endswith(OWN_SCANS) and not is_litter(file.name) and not is_segmentation(file.name)


def _may_be_dicom(file: Path) -> bool:
    is_other = not file.name.lower().endswith((*OWN_SCANS, *NO_SCANS)) and not is_litter(file.name)
    return is_other and os.path.isfile(file)  # no pipe, and nothing that may not be looked at


def _named(study: Path, paths: Sequence[Path]) -> list[StudyScan]:
    """Names as BIDS has them for scans that have none: their letters and digits, told apart where these are alike."""
    sources = [path.relative_to(study).as_posix() if path != study else study.resolve().name for path in paths]
    labels = [re.sub("[^0-9A-Za-z]", "", _without_ending(source)) or "scan" for source in sources]
    labels = [label[:LONGEST_LABEL] for label in labels]
    alike = Counter(label.lower() for label in labels)
    named = []
    for path, source, label in zip(paths, sources, labels, strict=True):
        if alike[label.lower()] > 1:
            label += hashlib.blake2b(os.fsencode(source)).hexdigest()[:DIGITS_OF_TWINS]
        name = f"sub-{label}"
        named.append(StudyScan(path, name=name, folder=f"{name}/anat", source=source, is_bids=False))
    return named


def _without_ending(source: str) -> str:
    ending = next(
        (ending for ending in sorted(OWN_SCANS, key=len, reverse=True) if source.lower().endswith(ending)), ""
    )
    return source[: len(source) - len(ending)]
