"""Small sound files of every kind that is read: what fuzzing begins with, and tests of all readers at once."""

import gzip
import io
import zipfile
from collections.abc import Callable
from functools import partial

import nibabel
import numpy as np
import PIL.Image
import tifffile

from tests.helpers import encoded, nifti

SHAPE = (16, 18, 20)
AFFINE = np.array([[0.0, 0, 3, -30], [-1, 0, 0, 10], [0, 2, 0, 20], [0, 0, 0, 1]])

IMAGEJ = {"spacing": 2, "unit": "mm"}

Files = list[tuple[str, bytes]]


def voxels(dtype: str = "<i2") -> np.ndarray:
    """A ball in noise."""
    distance = np.linalg.norm(np.indices(SHAPE) - np.array(SHAPE)[:, None, None, None] / 2, axis=0)
    noise = np.random.default_rng(0).normal(20, 5, SHAPE)
    return np.clip(noise + 150 * (distance < 6), 0, 250).astype(dtype)


def pixels() -> np.ndarray:
    """A slice through the ball."""
    return voxels("u1")[:, :, 10].repeat(2, 0).repeat(2, 1)


def _pair(kind: type) -> Files:
    image = kind(voxels(), AFFINE)
    header, data = io.BytesIO(), io.BytesIO()
    image.file_map["header"].fileobj, image.file_map["image"].fileobj = header, data
    image.to_file_map()
    return [("x.hdr", header.getvalue()), ("x.img", data.getvalue())]


def _zipped(files: Files) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return stream.getvalue()


def _tiff(data: np.ndarray, **options: object) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, data, **options)
    return stream.getvalue()


def _palette(kind: str) -> bytes:
    stream = io.BytesIO()
    PIL.Image.fromarray(pixels()).convert("P").save(stream, kind)
    return stream.getvalue()


def _nifti() -> list[Files]:
    series = np.stack([voxels(), voxels()], -1)
    return [
        [("x.nii", nifti(voxels(), AFFINE))],
        [("x.nii", nifti(voxels("<f8"), AFFINE, nibabel.Nifti2Image))],
        [("x.nii", nifti(series, AFFINE))],
    ]


def _pictures(kind: str, *modes: str) -> list[Files]:
    image = PIL.Image.fromarray(pixels())
    found = []
    for mode in modes:
        stream = io.BytesIO()
        image.convert(mode).save(stream, kind)
        found.append([(f"x.{kind.lower()}", stream.getvalue())])
    return found


def _kin(kind: str) -> list[Files]:
    from tests import volume_files

    # Of 32 x 32 pixels where the real ones are of 64 x 64, so that there are not too many voxels to the header.
    pars = ("phantom_EPI_asc_CLEAR_2_1.PAR", "phantom_fake_v4.PAR", "phantom_fake_v4_1.PAR")
    tables = [(volume_files.DATA / par).read_bytes().replace(b" 64   64 ", b" 32   32 ") for par in pars]
    about = volume_files.spaced(xspace=(1, -10, (1, 0, 0)), yspace=(2, -20, (0, 1, 0)), zspace=(3, -30, (0, 0, 1)))
    extremes = np.zeros(SHAPE[0]), np.arange(1.0, SHAPE[0] + 1)
    times = ("time", "zspace", "yspace", "xspace")
    return {
        "mgh": [[("x.mgh", volume_files.mgh(voxels("<f4"), AFFINE))]],
        "nrrd": [
            *(
                [("x.nrrd", volume_files.nrrd_file(voxels(), AFFINE, encoding=packing))]
                for packing in ("raw", "gzip", "bzip2")
            ),
            [
                *zip(
                    ("x.nhdr", "x.raw"),
                    volume_files.detached(volume_files.nrrd_file(voxels(), AFFINE), "x.raw"),
                    strict=True,
                )
            ],
        ],
        "metaimage": [
            [("x.mha", b"".join(volume_files.metaimage(voxels(), AFFINE)))],
            [("x.mha", b"".join(volume_files.metaimage(voxels("<f4"), AFFINE, packed=True)))],
            [*zip(("x.mhd", "x.raw"), volume_files.metaimage(voxels(), AFFINE, "x.raw"), strict=True)],
        ],
        "minc": [
            [("x.mnc", volume_files.minc(voxels(), extremes=extremes, about=about, valid_range=np.array([0.0, 250])))],
            [("x.mnc", volume_files.minc(np.stack([voxels(), voxels()]), times, about=about, records=True))],
        ],
        "parrec": [[("x.par", table), ("x.rec", bytes(range(256)) * 8 * 27)] for table in tables],
    }[kind]


def _dicom(*syntaxes: str) -> list[Files]:
    from tests import dicom_files

    few = voxels()[:, :, 8:12].repeat(2, 0).repeat(2, 1)
    return [dicom_files.series(few, syntax=syntax) for syntax in syntaxes]


def _enhanced() -> list[Files]:
    from tests import dicom_files

    few = voxels()[:, :, 8:12].repeat(2, 0).repeat(2, 1)
    return [[("x", dicom_files.enhanced(few, syntax=syntax))] for syntax in ("explicit", "jpeg-ls")]


# Of each reader the sources to begin with; each is one or more files dropped together.
CORPUS: dict[str, Callable[[], list[Files]]] = {
    "nifti": _nifti,
    "pair": lambda: [_pair(nibabel.Nifti1Pair), _pair(nibabel.AnalyzeImage), _pair(nibabel.Nifti2Pair)],
    "gzip": lambda: [[("x.nii.gz", gzip.compress(nifti(voxels(), AFFINE), mtime=0))]],
    "zip": lambda: [
        [("x.zip", _zipped(_pair(nibabel.Nifti1Pair)))],
        [("x.zip", _zipped([("a/x.png", encoded(pixels()))]))],
    ],
    "png": lambda: [*_pictures("PNG", "L", "RGB", "RGBA", "LA", "1", "I;16"), [("x.png", _palette("PNG"))]],
    "jpeg": lambda: _pictures("JPEG", "L", "RGB", "CMYK"),
    "tiff": lambda: [
        *([("x.tif", _tiff(data))] for data in (pixels(), pixels().astype("<f4"), np.stack([pixels()] * 3, -1))),
        [("x.tif", _tiff(pixels(), compression="zlib", tile=(16, 16)))],
        [("x.tif", _tiff(np.stack([pixels()] * 9), imagej=True, resolution=(1, 1), metadata=IMAGEJ))],
    ],
    "gif": lambda: _pictures("GIF", "L", "P"),
    "bmp": lambda: _pictures("BMP", "L", "RGB", "1"),
    "webp": lambda: _pictures("WEBP", "RGB", "RGBA"),
    **{kind: partial(_kin, kind) for kind in ("mgh", "nrrd", "metaimage", "minc", "parrec")},
    "dicom": lambda: _dicom("explicit", "implicit", "big endian", "deflated"),
    "dicom frames": lambda: _dicom("rle", "jpeg lossless", "jpeg-ls", "jpeg 2000"),
    "dicom enhanced": _enhanced,
}  # fmt: skip
