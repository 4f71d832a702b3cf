"""DICOM series as scanners write them, in every transfer syntax, and their geometry by the standard's own equation.

Volumes have the axis order of a `Scan`: (column, row, slice). Whoever fuzzes or measures takes its files from here too.
"""

import io
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import imagecodecs
import numpy as np
from pydicom import DataElement, Dataset, FileMetaDataset, dcmread, dcmwrite
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.sequence import Sequence
from pydicom.uid import UID

MR, ENHANCED_MR, SECONDARY_CAPTURE = (f"1.2.840.10008.5.1.4.1.1.{number}" for number in ("4", "4.1", "7"))
SYNTAXES = {
    "implicit": "1.2.840.10008.1.2",
    "explicit": "1.2.840.10008.1.2.1",
    "deflated": "1.2.840.10008.1.2.1.99",
    "big endian": "1.2.840.10008.1.2.2",
    "rle": "1.2.840.10008.1.2.5",
    "jpeg lossless": "1.2.840.10008.1.2.4.70",
    "jpeg-ls": "1.2.840.10008.1.2.4.80",
    "jpeg 2000": "1.2.840.10008.1.2.4.90",
}
PLAIN = ("implicit", "explicit", "deflated", "big endian")
# What a person would be known by; nothing of it may come out again.
PERSON = {
    "PatientName": "DOE^JANE",
    "PatientID": "X4711-77",
    "PatientBirthDate": "19700101",
    "InstitutionName": "Elsewhere",
}
MPRAGE = {
    "ScanningSequence": ["GR", "IR"], "SequenceVariant": ["SP", "MP"],
    "RepetitionTime": 2300, "EchoTime": 3, "InversionTime": 900, "SeriesDescription": "t1_mprage_sag",
}  # fmt: skip
AXIAL, CORONAL, SAGITTAL = (1, 0, 0, 0, 1, 0), (1, 0, 0, 0, 0, -1), (0, 1, 0, 0, 0, -1)


@dataclass(frozen=True)
class Geometry:
    """Where slices lie, in DICOM's mm to the left, the back and up.

    Attributes
    ----------
    directions : tuple of 6 float
        Where the column number grows, where the row number grows.
    sides : (float, float)
        Of a pixel along these two.
    first : tuple of 3 float
        The first pixel of the first slice.
    step : tuple of 3 float or None
        From slice to slice; `apart` mm along the normal by default.
    apart : float
    """

    directions: tuple[float, ...] = SAGITTAL
    sides: tuple[float, float] = (1.0, 1.0)
    first: tuple[float, float, float] = (-10.0, -20.0, 30.0)
    step: tuple[float, float, float] | None = None
    apart: float = 2.0

    @property
    def offset(self) -> np.ndarray:
        """From slice to slice."""
        if self.step is not None:
            return np.array(self.step)
        return self.apart * np.cross(self.directions[:3], self.directions[3:])

    @property
    def affine(self) -> np.ndarray:
        """From (column, row, slice) to mm to the right, the front and up, by equation C.7.6.2.1-1 of the standard."""
        columns = [*np.outer(self.sides, [1, 1, 1]) * np.reshape(self.directions, (2, 3)), self.offset, self.first]
        return np.diag([-1, -1, 1, 1]) @ np.vstack([np.array(columns).T, [0, 0, 0, 1]])

    def position(self, number: int) -> list[float]:
        """Of the first pixel of a slice."""
        return [float(f"{value:.8g}") for value in np.array(self.first) + number * self.offset]


def turned(seed: int, geometry: Geometry = Geometry()) -> Geometry:
    """The same slices turned anyhow."""
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return replace(geometry, directions=tuple(float(f"{cosine:.9f}") for cosine in turn[:2].ravel()))


def brainlike(shape: tuple[int, int, int], bits: int = 12, seed: int = 0) -> np.ndarray:
    """A smooth volume of unsigned integers with some noise."""
    rng = np.random.default_rng(seed)
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij", sparse=True)
    smooth = np.exp(-(x**2 + 2 * y**2 + z**2)) * (2**bits - 1) * 0.9
    return (smooth + rng.random(shape) * 2 ** (bits - 5)).clip(0, 2**bits - 1).astype(np.uint16)


def written(dataset: Dataset, syntax: str = "explicit", sop_class: str = MR, preamble: bool = True) -> bytes:
    """The file of a dataset whose pixels, if compressed, are so already."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(SYNTAXES.get(syntax, syntax))
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "1.2.3")
    stream = io.BytesIO()
    if preamble:
        dataset.file_meta, dataset.preamble = meta, bytes(128)
        dcmwrite(stream, dataset, enforce_file_format=True)
    else:
        bare = Dataset({element.tag: element for element in dataset})
        is_implicit, is_little = syntax == "implicit", syntax != "big endian"
        dcmwrite(stream, bare, implicit_vr=is_implicit, little_endian=is_little, enforce_file_format=False)
    return stream.getvalue()


def put_pixels(dataset: Dataset, frames: Iterable[np.ndarray], syntax: str = "explicit", fragments: int = 1) -> None:
    """Store frames of shape (rows, columns) in a dataset, with the entries that describe them.

    Parameters
    ----------
    fragments : int
        Pieces that the code of each frame is split into.
    """
    frames = list(frames)
    kind = frames[0].dtype
    if kind.kind == "f":
        keyword = "FloatPixelData" if kind.itemsize == 4 else "DoubleFloatPixelData"
        setattr(dataset, keyword, b"".join(frame.astype(f"<f{kind.itemsize}").tobytes() for frame in frames))
    else:
        dataset.BitsAllocated = 8 * kind.itemsize
        dataset.setdefault("BitsStored", 8 * kind.itemsize)
        dataset.setdefault("HighBit", dataset.BitsStored - 1)
        dataset.PixelRepresentation = int(kind.kind == "i")
        if syntax in PLAIN:
            order = ">" if syntax == "big endian" else "<"
            plain = b"".join(frame.astype(kind.newbyteorder(order)).tobytes() for frame in frames)
            dataset.add_new("PixelData", "OW" if kind.itemsize > 1 else "OB", plain + bytes(len(plain) % 2))
        else:
            codes = [encoded_frame(frame, syntax, dataset.BitsStored) for frame in frames]
            dataset.add_new("PixelData", "OB", encapsulate(codes, fragments_per_frame=fragments))
            dataset["PixelData"].is_undefined_length = True
    dataset.Rows, dataset.Columns = frames[0].shape
    dataset.SamplesPerPixel = 1
    dataset.setdefault("PhotometricInterpretation", "MONOCHROME2")


def encoded_frame(frame: np.ndarray, syntax: str, bits: int) -> bytes:
    """The code of a frame."""
    frame = np.ascontiguousarray(frame)
    if syntax == "rle":
        size = {"rows": frame.shape[0], "columns": frame.shape[1], "samples_per_pixel": 1, "number_of_frames": 1}
        kind = {"bits_allocated": 8 * frame.itemsize, "bits_stored": 8 * frame.itemsize, "pixel_representation": 0}
        unsigned = frame.view(f"u{frame.itemsize}")
        return RLELosslessEncoder.encode(unsigned, **size, **kind, photometric_interpretation="MONOCHROME2")
    unsigned = frame.view(f"u{frame.itemsize}") & np.array(2**bits - 1, f"u{frame.itemsize}")
    if syntax == "jpeg lossless":
        return imagecodecs.jpeg8_encode(unsigned, lossless=True, bitspersample=bits)
    if syntax == "jpeg-ls":
        return imagecodecs.jpegls_encode(unsigned)
    return imagecodecs.jpeg2k_encode(unsigned, level=0, reversible=True, codecformat="j2k", bitspersample=bits)


def series(
    volume: np.ndarray,
    geometry: Geometry | None = Geometry(),
    tags: Mapping[str, Any] | None = None,
    each: Callable[[int], Mapping[str, Any]] = lambda number: {},
    syntax: str = "explicit",
    uid: str = "1.2.840.99",
    sop_class: str = MR,
    preamble: bool = True,
) -> list[tuple[str, bytes]]:
    """A series of one file a slice: names, which say nothing of their order, and contents.

    Parameters
    ----------
    volume : ndarray of shape (columns, rows, slices)
        As stored.
    geometry : Geometry or None
        None leaves out where the slices lie.
    tags : mapping
        Entries by keyword, of every slice; None leaves one out.
    each : callable
        More entries of one slice, by its number.
    syntax : str
        Of `SYNTAXES`.
    uid : str
        Of the series; its slices are numbered below it.
    """
    files = []
    for number in range(volume.shape[2]):
        dataset = Dataset()
        entries = {
            "Modality": "MR",
            "SeriesInstanceUID": uid,
            "SOPInstanceUID": f"{uid}.{number + 1}",
            "InstanceNumber": number + 1,
            "SeriesNumber": 3,
            "ImageType": ["ORIGINAL", "PRIMARY", "M"],
            **PERSON,
        }
        if geometry is not None:
            entries |= {
                "ImagePositionPatient": geometry.position(number),
                "ImageOrientationPatient": list(geometry.directions),
                "PixelSpacing": [geometry.sides[1], geometry.sides[0]],
                "SliceThickness": geometry.apart,
            }
        for keyword, value in (entries | dict(tags or {}) | dict(each(number))).items():
            if value is not None:
                setattr(dataset, keyword, value)
        put_pixels(dataset, [volume[:, :, number].T], syntax)
        files.append((f"{zlib.crc32(f'{uid}.{number}'.encode()):08x}", written(dataset, syntax, sop_class, preamble)))
    return files


def enhanced(
    volume: np.ndarray,
    geometry: Geometry = Geometry(),
    tags: Mapping[str, Any] | None = None,
    shared: Mapping[str, Mapping[str, Any]] | None = None,
    each: Callable[[int], Mapping[str, Mapping[str, Any]]] = lambda number: {},
    order: Iterable[int] | None = None,
    syntax: str = "explicit",
    place: Callable[[int], int] = lambda number: number,
    fragments: int = 1,
) -> bytes:
    """One file with all slices as frames.

    Parameters
    ----------
    volume : ndarray of shape (columns, rows, frames)
    shared, each : mapping, callable
        More functional groups, by the keywords of the group and its entries: of all frames, of one.
    order : iterable of int
        The frames in the order of the file.
    place : callable
        The slice that a frame shows; several may show the same.
    """
    dataset = Dataset()
    order = list(range(volume.shape[2]) if order is None else order)
    entries = {
        "Modality": "MR",
        "SeriesInstanceUID": "1.2.840.98",
        "SOPInstanceUID": "1.2.840.98.1",
        "SeriesNumber": 3,
        "NumberOfFrames": len(order),
        "ImageType": ["ORIGINAL", "PRIMARY", "M", "NONE"],
        **PERSON,
    } | dict(tags or {})
    for keyword, value in entries.items():
        setattr(dataset, keyword, value)
    measures = {"PixelSpacing": [geometry.sides[1], geometry.sides[0]], "SliceThickness": geometry.apart}
    orientation = {"ImageOrientationPatient": list(geometry.directions)}
    common = {"PixelMeasuresSequence": measures, "PlaneOrientationSequence": orientation} | dict(shared or {})
    dataset.SharedFunctionalGroupsSequence = Sequence([_groups(common)])
    dataset.PerFrameFunctionalGroupsSequence = Sequence(
        [
            _groups(
                {"PlanePositionSequence": {"ImagePositionPatient": geometry.position(place(frame))}} | dict(each(frame))
            )
            for frame in order
        ]
    )
    put_pixels(dataset, [volume[:, :, frame].T for frame in order], syntax, fragments)
    return written(dataset, syntax, ENHANCED_MR)


def _groups(entries: Mapping[str, Mapping[str, Any]]) -> Dataset:
    dataset = Dataset()
    for keyword, group in entries.items():
        item = Dataset()
        for name, value in group.items():
            setattr(item, name, value)
        setattr(dataset, keyword, Sequence([item]))
    return dataset


def mosaic(volume: np.ndarray, geometry: Geometry = Geometry(), has_header: bool = True) -> bytes:
    """One file with all slices as tiles of one picture, as Siemens scanners write fast volumes."""
    columns, rows, count = volume.shape
    across = int(np.ceil(np.sqrt(count)))
    picture = np.zeros((across * rows, across * columns), volume.dtype)
    for number in range(count):
        down, right = divmod(number, across)
        picture[down * rows : (down + 1) * rows, right * columns : (right + 1) * columns] = volume[:, :, number].T
    turn = np.reshape(geometry.directions, (2, 3))
    corner = np.array(geometry.first) - (across - 1) / 2 * (np.array([columns, rows]) * geometry.sides) @ turn
    apart = float(np.linalg.norm(geometry.offset))
    dataset = Dataset()
    entries = {
        "Modality": "MR",
        "SeriesInstanceUID": "1.2.840.92",
        "SOPInstanceUID": "1.2.840.92.1",
        "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"],
        "ImagePositionPatient": [float(f"{value:.10g}") for value in corner],
        "ImageOrientationPatient": list(geometry.directions),
        "PixelSpacing": [geometry.sides[1], geometry.sides[0]],
        "SpacingBetweenSlices": apart,
    }
    for keyword, value in entries.items():
        setattr(dataset, keyword, value)
    if has_header:
        normal = [f"{cosine:.8f}" for cosine in geometry.offset / apart]
        block = dataset.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
        block.add_new(0x10, "OB", _vendor_header({"NumberOfImagesInMosaic": [str(count)], "SliceNormalVector": normal}))
    put_pixels(dataset, [picture])
    return written(dataset)


def _vendor_header(tags: Mapping[str, list[str]]) -> bytes:
    """Siemens' "CSA2": for each tag its name, kind and values."""
    content = b"SV10\x04\x03\x02\x01" + struct.pack("<2I", len(tags), 77)
    for name, values in tags.items():
        kind = b"US" if name.startswith("Number") else b"FD"
        content += struct.pack("<64si4s3i", name.encode(), len(values), kind, 0, len(values), 77)
        for value in values:
            text = value.encode() + b"\0"
            content += struct.pack("<4i", len(text), len(text), 77, len(text)) + text + bytes(-len(text) % 4)
    return content


def with_text(content: bytes, keyword: str, text: str) -> bytes:
    """The file with a number replaced by any text."""
    dataset = dcmread(io.BytesIO(content))
    dataset.add(DataElement(keyword, "LT", text))
    return written(dataset)
