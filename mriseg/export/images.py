"""Arrays as image files: NIfTI on the grid of the scan, or PNG for a picture."""

import gzip
import io
from collections.abc import Callable

import nibabel
import numpy as np

from mriseg.core.scan import Scan
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
