"""Arrays as image files: NIfTI on the grid of the scan, or PNG for a picture."""

import gzip
import io
from collections.abc import Callable

import nibabel
import numpy as np

from mriseg.core.scan import Scan
from mriseg.core.tissue import LABELS, Tissue
from mriseg.segmentation.result import Result

COMPRESSION = 4  # of 9: past it posteriors shrink by 2 % for twice the time
FULL_16_BIT = 65535


def encode_scan(scan: Scan) -> bytes:
    """The scan itself, as gzipped NIfTI or, for a picture, as PNG of 8 or 16 bits.

    Parameters
    ----------
    scan : Scan

    Returns
    -------
    bytes
    """
    if scan.kind == "volume":
        return encode_nifti(scan, scan.data)
    return encode_png(np.rint(scan.data).astype(np.uint8 if scan.data.max() <= 255 else np.uint16))


def encode_posterior(encode: Callable[[np.ndarray], bytes], result: Result, channel: int) -> bytes:
    """The posterior of one tissue on the scan's grid.

    Parameters
    ----------
    encode : callable
        `encode_png`, or `encode_nifti` of the scan.
    result : Result
    channel : int
        Of the tissue, in the order GM, WM, CSF.

    Returns
    -------
    bytes
    """
    posterior = np.zeros(result.labels.shape, np.float32)
    posterior[result.mask] = result.brain_posteriors[:, channel]
    return encode(posterior)


def encode_nifti(scan: Scan, data: np.ndarray) -> bytes:
    """A gzipped NIfTI with the scan's geometry, codes and units.

    Parameters
    ----------
    scan : Scan
        A volume.
    data : ndarray, shape of the scan
        Labels, a mask or floating point.

    Returns
    -------
    bytes
        Equal data gives equal bytes: no time and no name is in them.
    """
    data = data.astype(np.uint8) if data.dtype == bool else data
    if scan.header is None:
        image = nibabel.Nifti1Image(data, scan.affine)
        image.header.set_xyzt_units("mm")
    else:
        of_its_kind = nibabel.Nifti2Image if isinstance(scan.header, nibabel.Nifti2Header) else nibabel.Nifti1Image
        image = of_its_kind(data, scan.header.get_best_affine(), scan.header)  # in the file's own unit
    image.set_data_dtype(data.dtype)
    return gzip.compress(image.to_bytes(), COMPRESSION, mtime=0)


def encode_colored_labels(labels: np.ndarray, *, joined: bool = False) -> bytes:
    """Labels as a PNG with a palette: in their tissues' colors for people, the same numbers for programs.

    Programs that take the palette's indices read the labels (`PIL.Image.open`); those that turn every picture into red,
    green and blue (`skimage.io`, `imageio`) read colors, for which `encode_png` writes the labels in gray.

    Parameters
    ----------
    labels : ndarray of uint8, shape (rows, columns)
    joined : bool
        Whether gray and white matter have one color; they keep their numbers.

    Returns
    -------
    bytes

    Examples
    --------
    >>> import PIL.Image
    >>> png = encode_colored_labels(np.array([[0, 1], [3, 7]], np.uint8))
    >>> np.asarray(PIL.Image.open(io.BytesIO(png))).tolist()
    [[0, 1], [3, 7]]
    """
    import PIL.Image

    palette = np.zeros((max(label.number for label in LABELS) + 1, 3), np.uint8)
    for label in LABELS:
        palette[label.number] = Tissue.GM.rgb if joined and label is Tissue.WM else label.rgb
    rows, columns = labels.shape
    image = PIL.Image.frombytes("P", (columns, rows), np.ascontiguousarray(labels).tobytes())
    image.putpalette(palette.tobytes())
    stream = io.BytesIO()
    image.save(stream, "PNG", bits=8)
    return stream.getvalue()


def encode_png(data: np.ndarray) -> bytes:
    """A gray PNG: labels as they are, a mask as black and white, floating point from 0 to 1 in 16 bits.

    Parameters
    ----------
    data : ndarray, shape (rows, columns)

    Returns
    -------
    bytes
    """
    import PIL.Image

    if data.dtype == bool:
        data = data * np.uint8(255)
    elif data.dtype.kind == "f":
        data = np.rint(data * FULL_16_BIT).astype(np.uint16)
    stream = io.BytesIO()
    PIL.Image.fromarray(data).save(stream, "PNG")
    return stream.getvalue()
