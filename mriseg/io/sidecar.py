"""Which files belong together: a header and its voxels, by their names."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from mriseg.io.file import File

# Formats in two halves: what the headers are called, and what their voxels.
HEADERS, VOXELS = (".hdr", ".mhd", ".nhdr", ".par"), (".img", ".raw", ".zraw", ".rec")


def partner(file: File, among: Sequence[File], *endings: str) -> File | None:
    """The file that is called as another but for its ending, such as the .img of a .hdr.

    Parameters
    ----------
    file : File
    among : sequence of File
    *endings : str
        In lower case, with their dot; the first that is found counts.

    Returns
    -------
    File or None
    """
    return next(filter(None, (called(f"{base_name(file.name)}{ending}", file, among) for ending in endings)), None)


def halves(path: Path) -> list[Path]:
    """The files beside a header that may hold its voxels: of its name or, where the header says which, any such.

    Parameters
    ----------
    path : Path
        Of the header.

    Returns
    -------
    list of Path
    """
    ending = Path(path.name.lower().removesuffix(".gz")).suffix
    if ending not in HEADERS:
        return []
    files = []
    for other in sorted(path.parent.iterdir()):
        is_of_voxels = Path(other.name.lower().removesuffix(".gz")).suffix in VOXELS
        if (
            is_of_voxels
            and (ending in (".mhd", ".nhdr") or base_name(other.name) == base_name(path.name))
            and other.is_file()
        ):
            files.append(other)
    return files


def called(name: str, beside: File, among: Sequence[File]) -> File | None:
    """The file of a name in the folder of another. Of a name with folders only the last part counts.

    Parameters
    ----------
    name : str
        As a header writes it.
    beside : File
        In whose folder it must lie.
    among : sequence of File
        Where it is looked for.

    Returns
    -------
    File or None
    """
    wanted = PurePosixPath(name.replace("\\", "/")).name.lower()
    for file in among:
        if file.folder == beside.folder and file.name.lower() == wanted:
            return file
    return None


def base_name(name: str) -> str:
    base = name[: -len(name.rpartition(".")[2]) - 1] if name.lower().endswith((".gz", ".bz2")) else name
    return base.rpartition(".")[0] or base
