"""Files made to harm: bombs, lies, cuts and traps, each small on disk."""

import gzip
import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np

from tests.corpus import AFFINE, SHAPE, voxels
from tests.helpers import encoded, nifti

Source = bytes | Path | list[tuple[str, bytes]]
ZEROS = 1_000_000_000  # what a bomb unpacks to
BLOCK = 10_000_000


def _deflated(start: bytes, zeros: int = ZEROS, container: str = "gzip") -> bytes:
    """Some bytes and many zeros, packed at about 1000 : 1; the checksum that no reader may reach is wrong."""
    packer = zlib.compressobj(9, wbits=-15)
    first = packer.compress(start) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(BLOCK)) + packer.flush(zlib.Z_FULL_FLUSH)  # the same wherever it stands
    packed = first + block * (zeros // BLOCK) + packer.flush()
    before, after = {"gzip": (b"\x1f\x8b\x08" + bytes(6) + b"\xff", 8), "zlib": (b"\x78\xda", 4), "zip": (b"", 0)}[
        container
    ]
    return before + packed + bytes(after)


def _zip_of(start: bytes, copies: int = 1) -> bytes:
    """An archive whose members unpack to a gigabyte each, all from the same packed bytes said once."""
    packed = _deflated(start, container="zip")
    crc, size = 0, len(start) + ZEROS
    stream, directory = io.BytesIO(), b""
    stream.write(struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 0, crc, len(packed), size, 1, 0) + b"x" + packed)
    for _ in range(copies):
        entry = (b"PK\1\2", 20, 20, 0, 8, 0, 0, crc, len(packed), size, 1, 0, 0, 0, 0, 0, 0)
        directory += struct.pack("<4s6H3L5H2L", *entry) + b"x"
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, copies, copies, len(directory), stream.tell(), 0)
    return stream.getvalue() + directory + end


def header(**fields: object) -> bytes:
    """A NIfTI header that says what it should not, and no voxels."""
    said = nibabel.Nifti1Header()
    said.set_data_shape(SHAPE)
    said.set_data_dtype("<i2")
    said["vox_offset"], said["sform_code"] = 352, 1
    for field, value in fields.items():
        said[field] = value
    return said.binaryblock + bytes(4)


def _zipped(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return stream.getvalue()


def _link() -> zipfile.ZipInfo:
    link = zipfile.ZipInfo("scan.nii.gz")
    link.external_attr = 0o120777 << 16
    return link


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    said = struct.pack(">IIBBBBB", width, height, 16, 6, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", said)
        + chunk(b"IDAT", _deflated(b"", 10**8, "zlib"))
        + chunk(b"IEND", b"")
    )


def _tiff(width: int, height: int) -> bytes:
    """A header of one strip that unpacks to a gigabyte."""
    strip = _deflated(b"", container="zlib")
    tags = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 8), (262, 3, 1), (273, 4, 8), (277, 3, 1),
            (278, 4, height), (279, 4, len(strip))]  # fmt: skip
    directory = struct.pack("<H", len(tags)) + b"".join(
        struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags
    )
    return b"II*\0" + struct.pack("<I", 8 + len(strip)) + strip + directory + bytes(4)


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _numbers(value: float) -> bytes:
    data = voxels("<f4")
    data[: SHAPE[0] // 2] = value
    return nifti(data, AFFINE)


def _nrrd(sizes: str, encoding: str, data: bytes, more: str = "") -> bytes:
    text = f"NRRD0004\ntype: float\ndimension: 3\nsizes: {sizes}\nencoding: {encoding}\nendian: little\n{more}\n"
    return text.encode() + data


def _metaimage(sizes: str, data: bytes, where: str = "LOCAL", packed: bool = True) -> bytes:
    return (
        f"ObjectType = Image\nNDims = 3\nDimSize = {sizes}\nElementSpacing = 1 1 1\nElementType = MET_DOUBLE\n"
        f"CompressedData = {packed}\nElementDataFile = {where}\n"
    ).encode() + data


def _mgh(*shape: int) -> bytes:
    return struct.pack(">7ih", 1, *shape, 1, 3, 0, 0) + bytes(254)


def _dicom(**said: int) -> bytes:
    """A slice whose header says other sizes than it has."""
    from tests import dicom_files

    tags = {"Rows": (0x28, 0x10), "Columns": (0x28, 0x11)}
    ((_, content),) = dicom_files.series(voxels()[:, :, 9:10].repeat(4, 0).repeat(4, 1))
    for keyword, value in said.items():
        entry = struct.pack("<HH2sH", *tags[keyword], b"US", 2)
        at = content.index(entry) + len(entry)
        content = content[:at] + struct.pack("<H", value) + content[at + 2 :]
    return content


def _dicom_code() -> bytes:
    """A slice in JPEG 2000 whose code announces 60 000 x 60 000 pixels."""
    from tests import dicom_files

    ((_, content),) = dicom_files.series(voxels()[:, :, 9:10].repeat(4, 0).repeat(4, 1), syntax="jpeg 2000")
    at = content.index(b"\xff\x4f\xff\x51") + 8
    return content[:at] + struct.pack(">II", 60_000, 60_000) + content[at + 8 :]


def _dicom_deflated() -> bytes:
    """A deflated file that unpacks to a gigabyte."""
    from tests import dicom_files

    ((_, content),) = dicom_files.series(voxels()[:, :, 9:10].repeat(4, 0).repeat(4, 1), syntax="deflated")
    meta = 144 + struct.unpack_from("<L", content, 140)[0]
    element = struct.pack("<HH2sHL", 0x0009, 0x0010, b"OB", 0, ZEROS)
    return content[:meta] + _deflated(element, container="zip")


def _body(shape: tuple[int, ...], sides: tuple[float, ...]) -> bytes:
    """An ellipsoid that nearly fills a volume, brighter to its middle."""
    axes = np.ogrid[tuple(slice(-1, 1, n * 1j) for n in shape)]
    radius = sum(axis.astype(np.float32) ** 2 for axis in axes)
    data = np.maximum(1000 * (0.9 - radius), 0).astype("<i2")
    return gzip.compress(nifti(data, np.diag([*sides, 1.0])), 1)


def _noise_volume(sides: tuple[float, ...], shape: tuple[int, ...] = (200, 200, 200)) -> bytes:
    data = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    return nifti(data, np.diag([*sides, 1.0]))


def _small_head() -> bytes:
    """A head whose centimeters are written as millimeters."""
    from mriseg import Contrast
    from mriseg.datasets.phantom import make_phantom, simulate

    scan = simulate(make_phantom(spacing=3.0), Contrast.T1)
    return nifti(scan.data, np.diag([0.3, 0.3, 0.3, 1.0]))


def _many(folder: Path) -> Path:
    for number in range(10_000):
        (folder / f"{number}.dcm").write_bytes(b"x")
    return folder


def _loop(folder: Path) -> Path:
    (folder / "round").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    (folder / "nowhere").symlink_to(folder / "gone")
    return folder


# What each is; a function of an empty folder that makes it; what its refusal must say.
HOSTILE: dict[str, tuple[Callable[[Path], Source], str]] = {
    "gzip bomb of zeros": (lambda _: _deflated(b""), "empty"),
    "gzip bomb behind a header of 4000^3 voxels": (
        lambda _: _deflated(header(dim=[3, 4000, 4000, 4000, 1, 1, 1, 1])), "million"),
    "gzip bomb behind a header of 340^3 doubles": (
        lambda _: _deflated(header(dim=[3, 340, 340, 340, 1, 1, 1, 1], datatype=64, bitpix=64)), "same value"),
    "gzip bomb in a gzip bomb": (lambda _: gzip.compress(_deflated(b"")), "packed twice"),
    "zip bomb of zeros": (lambda _: _zip_of(b""), "empty"),
    "zip bomb of 4000 members that share their bytes": (lambda _: _zip_of(b"x", 4000), "image that can be read"),
    "zip bomb behind the start of a DICOM file": (lambda _: _zip_of(bytes(128) + b"DICM"), "longer than any"),
    "zip bomb behind a PNG's magic number": (lambda _: _zip_of(b"\x89PNG\r\n\x1a\n"), "larger than any"),
    "zip bomb in a zip": (lambda _: _zipped(("inner.zip", _zip_of(b""))), "zip"),
    "zip with a link": (lambda _: _zipped((_link(), b"/etc/passwd")), "no file"),
    "zip with a path that leads out": (lambda _: _zipped(("../../../elsewhere/scan.nii", b"x")), "not of that kind"),
    "zip of 10 000 small files": (lambda _: _zipped(*((f"{n}.dcm", b"x") for n in range(10_000))), "files"),
    "folder of 10 000 small files": (_many, "files"),
    "folder with a link to itself and a pipe": (_loop, "no file"),
    "PNG of 30 000 x 30 000 pixels": (lambda _: _png(30_000, 30_000), "million"),
    "PNG of 60 pixels with 100 MB of them": (lambda _: _png(6, 10), "24 x 24"),
    "TIFF of 40 000 x 40 000 pixels": (lambda _: _tiff(40_000, 40_000), "million"),
    "TIFF strip that unpacks to 1 GB": (lambda _: _tiff(1000, 1000), "damaged"),
    "NIfTI cut short": (lambda _: _cut(nifti(voxels(), AFFINE)), "cut short"),
    "NIfTI cut short, gzip": (lambda _: _cut(gzip.compress(nifti(voxels(), AFFINE))), "damaged"),
    "PNG cut short": (lambda _: _cut(encoded(voxels("u1")[:, :, 9].repeat(4, 0).repeat(4, 1))), "damaged"),
    "zip cut short": (lambda _: _cut(_zipped(("x.nii", nifti(voxels(), AFFINE)))), "zip"),
    "NIfTI of 32 000^3 voxels": (lambda _: header(dim=[3, 32000, 32000, 32000, 1, 1, 1, 1]), "million"),
    "NIfTI of -5 voxels": (lambda _: header(dim=[3, -5, 20, 20, 1, 1, 1, 1]), "no voxels"),
    "NIfTI with its voxels at 1e30": (lambda _: header(vox_offset=1e30), "cut short"),
    "half of the voxels NaN": (lambda _: _numbers(np.nan), "not numbers"),
    "half of the voxels infinite": (lambda _: _numbers(np.inf), "not numbers"),
    "NRRD gzip bomb": (lambda _: _nrrd("340 340 340", "gzip", _deflated(b"")), "same value"),
    "NRRD of 1e9^3 voxels": (lambda _: _nrrd("1000000000 1000000000 1000000000", "raw", b""), "million"),
    "NRRD that names a file elsewhere": (
        lambda _: _nrrd("9 9 9", "raw", b"", "data file: ../../../../etc/passwd"), "another folder"),
    "MetaImage zlib bomb": (lambda _: _metaimage("340 340 340", _deflated(b"", container="zlib")), "same value"),
    "MetaImage that names a file elsewhere": (
        lambda _: _metaimage("9 9 9", b"", "/etc/passwd", packed=False), "another folder"),
    "MGH of 2e9^3 voxels": (lambda _: _mgh(2**31 - 1, 2**31 - 1, 2**31 - 1), "million"),
    "DICOM of 65 535 x 65 535 pixels": (lambda _: _dicom(Rows=65535, Columns=65535), "million"),
    "DICOM of more rows than it holds": (lambda _: _dicom(Rows=4000), "cut short"),
    "DICOM whose JPEG 2000 code says 60 000 x 60 000": (lambda _: _dicom_code(), "compressed in a way"),
    "ball of 1.2 m in 31 million voxels": (lambda _: _body((315, 315, 315), (4.0, 4.0, 4.0)), "far larger than a head"),
    "whole body": (lambda _: _body((224, 168, 370), (2.23, 2.23, 3.0)), "far larger than a head"),
    "a meter of noise": (lambda _: _noise_volume((5.0, 5.0, 5.0)), "far larger than a head"),
    "centimeters written as millimeters": (lambda _: _small_head(), "far smaller than a head"),
    "voxels of a micrometer": (lambda _: _noise_volume((1e-3,) * 3, (60, 60, 60)), "far smaller than a head"),
    "deflated DICOM bomb": (lambda _: _dicom_deflated(), "longer than any"),
}  # fmt: skip
