"""Pictures as viewers show them: cameras and phones store the sensor's rows and note how they were held."""

import numpy as np

TURNED = "The picture was turned as its file says (EXIF orientation), as viewers show it."


def upright(data: np.ndarray, orientation: int) -> np.ndarray:
    """Turn a picture by the orientation of EXIF and TIFF.

    Parameters
    ----------
    data : ndarray, shape (rows, columns)
        As stored.
    orientation : int
        From 1, as stored, to 8; others are as 1.

    Returns
    -------
    ndarray
        First row at the top, first column at the left; in C order.
    """
    if orientation in (5, 6, 7, 8):
        data = data.T
    rows, columns = MIRRORED.get(orientation, (1, 1))
    return np.ascontiguousarray(data[::rows, ::columns])


# Steps along rows and columns, after rows and columns were exchanged from 5 on.
MIRRORED = {2: (1, -1), 3: (-1, -1), 4: (-1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1)}


def upright_shape(shape: tuple[int, int], orientation: int) -> tuple[int, int]:
    """The shape of a picture once it is upright.

    Parameters
    ----------
    shape : tuple of int
        Pixels or voxels along each axis.
    orientation : int
        As EXIF numbers it, 1 to 8.

    Returns
    -------
    tuple of int
        Rows, columns.
    """
    return (shape[1], shape[0]) if orientation in (5, 6, 7, 8) else shape
