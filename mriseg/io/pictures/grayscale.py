"""A picture in gray, put together from the blocks that decoders hand out, whatever their colors and transparency.

Only the gray picture has the picture's size; colors pass through in blocks, and of them a small sample is kept that
tells what they stand for, see `mriseg.io.pictures.colormap`.
"""

import numpy as np

from mriseg.core import limits
from mriseg.io.pictures.colormap import judge

LUMINANCE = np.array([0.2125, 0.7154, 0.0721], np.float32)  # of red, green and blue, Rec. 709; they sum to 1
# Pixels along a side of the sample of colors: a mark of 100 of the 250 000 pixels of a screen is still in it.
SAMPLE_SIDE = 512


class Canvas:
    """A gray picture that is being read.

    Parameters
    ----------
    rows, columns : int
        Its size, checked by the caller.

    Attributes
    ----------
    gray : ndarray of float32, shape (rows, columns)
        In the units of what was put: 0 to 255 for 8 bits, 0 to 65535 for 16, as stored for floating point.
    """

    def __init__(self, rows: int, columns: int) -> None:
        self.gray = np.zeros((rows, columns), np.float32)
        self._step = -(-max(rows, columns) // SAMPLE_SIDE)
        self._sample: np.ndarray | None = None

    def put(self, block: np.ndarray, row: int = 0, column: int = 0, white: float = 255.0) -> None:
        """Put a block where it belongs; what reaches beyond the picture is left out.

        Colors become luminance (Rec. 709), pixels of three equal channels keep their level exactly, and a
        transparent background becomes black, as air is on an MR image.

        Parameters
        ----------
        block : ndarray, shape (rows, columns) or (rows, columns, channels)
            Gray, gray and opacity, color, or color and opacity.
        row, column : int
            Of its first pixel.
        white : float
            Level of white and of full opacity.
        """
        rows, columns = self.gray.shape
        block = block[: max(0, rows - row), : max(0, columns - column)]
        at_once = max(1, limits.BLOCK_BYTES // (16 * columns))  # four channels of float32
        for first in range(0, len(block), at_once):
            part = block[first : first + at_once]
            top = row + first
            target = self.gray[top : top + len(part), column : column + part.shape[1]]
            # What does not fit into float32 becomes infinite and is counted as broken by `picture`.
            with np.errstate(over="ignore", invalid="ignore"):
                if part.ndim == 2:
                    target[:] = part
                    continue
                part = part.astype(np.float32)
                if part.shape[2] in (2, 4):
                    part = part[..., :-1] * (part[..., -1:] / np.float32(white))
                target[:] = _brightness(part)
            if part.shape[2] == 3:
                self._keep_sample(part, top, column, white)

    def _keep_sample(self, colors: np.ndarray, row: int, column: int, white: float) -> None:
        step = self._step
        if self._sample is None:
            rows, columns = (-(-side // step) for side in self.gray.shape)
            self._sample = np.zeros((rows, columns, 3), np.float32)
        some = np.nan_to_num(colors[-row % step :: step, -column % step :: step] / np.float32(white))
        top, left = -(-row // step), -(-column // step)
        self._sample[top : top + some.shape[0], left : left + some.shape[1]] = some

    def notes(self) -> tuple[str, ...]:
        """What the user should know of the picture's colors.

        Raises
        ------
        ReadError
            If gray does not tell what they stand for.
        """
        return () if self._sample is None else judge(self._sample, _brightness(self._sample))


def _brightness(channels: np.ndarray) -> np.ndarray:
    """Gray levels of shape (rows, columns) of a block of 1 or 3 channels."""
    if channels.shape[2] == 1:
        return channels[..., 0]
    is_gray = (channels == channels[..., :1]).all(2)
    # Summed one by one: a matrix product rounds as its library and the block's size would have it.
    red, green, blue = (channels[..., number] * LUMINANCE[number] for number in range(3))
    return np.where(is_gray, channels[..., 0], red + green + blue)
