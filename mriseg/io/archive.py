"""Zip archives: their members as files, nothing unpacked to disk."""

import io
import stat
import zipfile
from functools import partial
from typing import BinaryIO

from mriseg.core import limits
from mriseg.core.errors import ReadError, TooLargeError
from mriseg.io.file import File
from mriseg.io.streams import DAMAGED

ZIP_MAGIC = b"PK\x03\x04"
# What operating systems leave in folders and archives.
LITTER = ("__macosx", ".ds_store", "thumbs.db", "desktop.ini")
# Pack methods whose memory is known beforehand; LZMA lets an archive ask for gigabytes of it.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 0x1  # bit of a member's flags


def unzipped(file: File) -> list[File]:
    """The members of an archive, or the file itself if it is none.

    Parameters
    ----------
    file : File
        An archive, or any other.

    Returns
    -------
    list of File
    """
    with file.content() as stream:
        if stream.read(len(ZIP_MAGIC)) != ZIP_MAGIC:
            return [file]
    try:
        content = _Archive(file.content())  # type: ignore[arg-type]
        archive = zipfile.ZipFile(content)
        content.is_listed = True
    except ReadError:
        raise
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise ReadError("The zip archive is damaged or of an unusual kind. Pack or download it again.") from error
    members = [member for member in archive.infolist() if _is_wanted(member)]
    check_file_count(len(members))
    files = []
    for member in sorted(members, key=lambda member: member.filename):
        if member.flag_bits & ENCRYPTED:
            raise ReadError("The zip archive is protected by a password. Unpack it and drop the folder inside.")
        if member.compress_type not in METHODS:
            raise ReadError("The zip archive is packed in an unusual way. Pack it again as an ordinary zip.")
        *folder, name = member.filename.replace("\\", "/").split("/")
        files.append(File(name, member.file_size, partial(_member, archive, member), tuple(folder)))
    return files


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> BinaryIO:
    try:
        return archive.open(member)  # type: ignore[return-value]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError) as error:
        raise ReadError(DAMAGED) from error


def _is_wanted(member: zipfile.ZipInfo) -> bool:
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    is_folder = member.filename.endswith("/") or not member.filename
    return not is_folder and not is_link and not any(map(is_litter, member.filename.split("/")))


def is_litter(name: str) -> bool:
    """Whether a file or folder of this name is what operating systems leave behind.

    Parameters
    ----------
    name : str
        Of a file or folder, without its path.
    """
    return name.lower() in LITTER or name.startswith("._")


def check_file_count(count: int) -> None:
    if count > limits.MAX_FILES:
        raise TooLargeError(
            f"There are more than {limits.MAX_FILES} files in it. Give the folder or archive of one series."
        )


class _Archive(io.BufferedReader):
    """An archive whose list of contents is not read if it is longer than `limits.MAX_FILES` entries can be.

    `zipfile` reads that list in one piece and makes an object of each entry, before anyone can ask how many there are.
    """

    is_listed = False

    def read(self, size: int | None = -1, /) -> bytes:
        if self.is_listed:
            return super().read(size)
        if size is None or size < 0:  # what is behind the list, at the end of the file
            size = limits.MAX_ZIP_DIRECTORY_BYTES
        if size > limits.MAX_ZIP_DIRECTORY_BYTES:
            raise TooLargeError(
                f"The archive lists more than {limits.MAX_FILES} files. Give the archive of one series."
            )
        return super().read(size)
