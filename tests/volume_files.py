"""Small files of the kin of NIfTI, written by other means than those that read them."""

import io
import zlib
from pathlib import Path

import nibabel
import nrrd
import numpy as np
import scipy.io

DATA = Path(nibabel.__file__).parent / "tests" / "data"  # volumes of real scanners and programs that nibabel ships
LPS = np.diag([-1.0, -1, 1, 1])
META_TYPES = {
    **{"i1": "MET_CHAR", "i2": "MET_SHORT", "i4": "MET_INT", "i8": "MET_LONG_LONG", "f4": "MET_FLOAT"},
    **{"u1": "MET_UCHAR", "u2": "MET_USHORT", "u4": "MET_UINT", "u8": "MET_ULONG_LONG", "f8": "MET_DOUBLE"},
}


def mgh(data: np.ndarray, affine: np.ndarray) -> bytes:
    """An MGH file, as nibabel writes it."""
    return nibabel.MGHImage(data, affine).to_bytes()


def nrrd_file(data: np.ndarray, affine: np.ndarray | None = None, **fields: object) -> bytes:
    """A NRRD file in one piece, as pynrrd writes it; fields may be given with _ for a space in their name."""
    header: dict[str, object] = {"encoding": "raw"}
    if affine is not None:
        lps = LPS @ affine
        header |= {"space": "left-posterior-superior", "space directions": lps[:3, :3].T, "space origin": lps[:3, 3]}
    header |= {name.replace("_", " "): value for name, value in fields.items()}
    stream = io.BytesIO()
    nrrd.write(stream, data, header)
    return stream.getvalue()


def detached(content: bytes, name: str) -> tuple[bytes, bytes]:
    """A NRRD file in one piece as header and voxels; the header calls the voxels by this name."""
    header, voxels = content.split(b"\n\n", 1)
    return header + f"\ndata file: {name}\n".encode(), voxels


def metaimage(
    data: np.ndarray, affine: np.ndarray | None = None, name: str = "LOCAL", packed: bool = False, **fields: object
) -> tuple[bytes, bytes]:
    """Header and voxels of a MetaImage; a field that is None is left out."""
    lines = {"ObjectType": "Image", "NDims": data.ndim, "BinaryData": True, "BinaryDataByteOrderMSB": False}
    lines |= {"CompressedData": packed}
    if affine is not None:
        lps = LPS @ affine
        spacing = np.linalg.norm(lps[:3, :3], axis=0)
        lines |= {"TransformMatrix": (lps[:3, :3] / spacing).T, "Offset": lps[:3, 3], "ElementSpacing": spacing}
    lines |= {"DimSize": np.array(data.shape), "ElementType": META_TYPES[data.dtype.str[1:]]}
    lines |= {**fields, "ElementDataFile": name}
    text = "".join(f"{key} = {_in_text(value)}\n" for key, value in lines.items() if value is not None)
    voxels = data.tobytes("F")
    return text.encode(), zlib.compress(voxels) if packed else voxels


def _in_text(value: object) -> str:
    return " ".join(map(repr, value.ravel().tolist())) if isinstance(value, np.ndarray) else str(value)


def minc(
    data: np.ndarray,
    axes: tuple[str, ...] = ("zspace", "yspace", "xspace"),
    extremes: tuple[np.ndarray, np.ndarray] | None = None,
    about: dict[str, dict[str, object]] | None = None,
    records: bool = False,
    **attributes: object,
) -> bytes:
    """A MINC 1 file, as scipy's netCDF writer makes it.

    Parameters
    ----------
    data : ndarray
        As stored, the last axis fastest.
    axes : tuple of str
    extremes : tuple of ndarray
        image-min and image-max along the first axes.
    about : dict of dict
        Attributes of each axis.
    records : bool
        Whether the first axis has no fixed length.
    **attributes
        Of the image.
    """
    stream = io.BytesIO()
    file = scipy.io.netcdf_file(stream, "w")
    file.history = b"a program and the patient DOE JANE"
    for axis, length in zip(axes, data.shape, strict=True):
        file.createDimension(axis, None if records and axis == axes[0] else length)
    file.createDimension("one", 1)
    for axis, given in (about or {}).items():
        # Without an axis of their own scipy would write them into the records.
        variable = file.createVariable(axis, "i", ("one",))
        variable.data[...] = 0
        for name, value in given.items():
            setattr(variable, name, value)
    for name, values in zip(("image-min", "image-max"), extremes or (), strict=False):
        variable = file.createVariable(name, "d", axes[: values.ndim])
        if variable.isrec:
            variable[:] = values
        else:
            variable.data[...] = values
    image = file.createVariable("image", data.dtype.newbyteorder("="), axes)
    image[:] = data
    for name, value in {"signtype": b"signed__", **attributes}.items():
        setattr(image, name, value)
    file.flush()
    return stream.getvalue()


def spaced(**axes: tuple[float, float, tuple[float, float, float]]) -> dict[str, dict[str, object]]:
    """Attributes of regular axes from step, start and direction of each."""
    return {
        axis: {
            "step": np.float64(step),
            "start": np.float64(start),
            "direction_cosines": np.array(cosines, float),
            "spacing": b"regular__",
        }
        for axis, (step, start, cosines) in axes.items()
    }
