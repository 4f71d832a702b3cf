"""How large an image may be, checked against its header before anything of that size is allocated."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import prod

import numpy as np

from mriseg.core.errors import ReadError, TooLargeError

# What reading and segmenting takes of memory beyond the libraries, and of a core's time, at most: for every shape,
# voxel size and content that the limits below let in. `benchmarks/memory.py` holds the engine to it with images drawn
# at random. Whoever thins an image to so many millimeters bounds it in voxels, too.
PEAK_BYTES_PER_VOXEL, PEAK_CONSTANT_BYTES, MAX_PEAK_BYTES, MAX_CPU_S = 25, 300_000_000, 1_000_000_000, 60
BEFORE_BYTES = 80_000_000  # of the constant, that the average brain and what was freed in small pieces take
# A float32 voxel costs 4 bytes as read and about 20 more while the brain's box is segmented. 40 million
# voxels, 2.4 times a 256^3 head, keep that under the 1 GB of a free server. The common 274 x 384 x 384 of 0.7 mm, whose
# head takes 0.72 GB, are just among them.
MAX_VOXELS = 40_500_000
# Of the coarser grids on which a brain is searched: a field of view of 400 mm at 2 mm. Blocks of millimeters alone
# bound nothing, since voxels of 3 mm are not averaged at all; a step on such a grid takes up to 40 bytes a voxel.
MAX_COARSE_VOXELS = 8_000_000
# A picture is handled whole, in float32 and in color for display: 25 million pixels are 300 MB.
MAX_PIXELS = 25_000_000
# The file of a picture that is no TIFF: twice `MAX_PIXELS` in four colors of 16 bits, unpacked. It is looked over for
# traps from end to end, in 1 s; a longer file, such as one with a hole of 30 GB, is none.
MAX_PICTURE_BYTES = 400_000_000
# What may follow a volume in its file and is read over to reach the checksum.
MAX_TRAILING_BLOCKS, TRAILING_BLOCK_BYTES = 16, 64_000
# A packed file is read to here and no farther, whatever its header says: `MAX_VOXELS` of 8 bytes and room for a header.
# It passes through in blocks, so this bounds the time, about 2 s, and not the memory.
MAX_UNPACKED_BYTES = 8 * MAX_VOXELS + 30_000_000
BLOCK_BYTES = 4_000_000  # read and converted at a time: what a reader needs beyond the volume itself
START_BYTES = 544  # of a file, that tell what it is: the longest header asked, NIfTI-2's, and its extension flag
# A study on a CD has a few thousand files; listing 5000 takes about 2 s.
MAX_FILES = 5_000
MAX_ZIP_DIRECTORY_BYTES = 400 * MAX_FILES  # 46 bytes and the path for each file
# Of all files of a source together, while they are listed: 5 s. What is parsed costs as much as a hundred times as many
# bytes that are only unpacked: 20 MB of text headers or 30 000 directories of pictures.
MAX_LISTED_BYTES, PARSED_COST = 3_000_000_000, 100
# A text header before the voxels: that of a diffusion series has 50 kB, and ITK adds elements of DICOM.
MAX_HEADER_BYTES = 1_000_000
# The table of a PAR file has 350 bytes for each slice of each volume: 500 volumes of 40 slices. Reading it takes 1 s.
MAX_PAR_BYTES = 7_000_000
MAX_ITEMS = 500  # scans listed of one source; a longer list helps nobody
# An enhanced DICOM header has about 3 kB for each of its frames, which may be a few thousand.
MAX_DICOM_HEADER_BYTES = 64_000_000
# Of all DICOM files of a source together: 5000 headers of 200 kB and 500 elements. Looking at them takes about 3 s.
MAX_DICOM_HEADERS_BYTES, MAX_DICOM_ELEMENTS = 2_000_000_000, 2_500_000
MAX_DICOM_FRAMES = 20_000  # of a source, 2.5 kB to keep for each: 500 volumes of 40 slices
MAX_DICOM_DEPTH = 16  # of sequences in sequences; the standard's own go 6 deep
MAX_AXES = 16  # of an array, as NRRD allows; the product of a million lengths takes minutes
MAX_SLICES = 4_096  # read and scaled one by one; a specimen of 0.05 mm has as many
# From a microscope to a scout: a voxel outside these is a damaged header.
VOXEL_SIDES_MM = (1e-3, 1e2)
# Below these a mixture of three tissues and a brain outline mean nothing.
MIN_PICTURE_SIDE = 24
MIN_VOLUME_VOXELS = 4_096
# Of the longest side to the next, in voxels: a film strip of 24 panels has 24. Far longer ones take minutes.
MAX_SIDES_RATIO = 100
# DEFLATE cannot expand more than 1032 times (zlib's documentation), so a header that announces more than
# this times the compressed size lies or the file is cut.
MAX_DEFLATE_RATIO = 1_032


_most_voxels: ContextVar[int] = ContextVar("most voxels", default=MAX_VOXELS)


@contextmanager
def at_most(voxels: int) -> Iterator[None]:
    """Within, larger volumes are refused, where there is less memory than `MAX_VOXELS` needs.

    Parameters
    ----------
    voxels : int
        The most that is read.
    """
    token = _most_voxels.set(min(voxels, MAX_VOXELS))
    try:
        yield
    finally:
        _most_voxels.reset(token)


def check_shape(shape: tuple[int, ...]) -> None:
    """Refuse an image whose announced size is too large or too small.

    Parameters
    ----------
    shape : tuple of int
        Pixels or voxels along each axis, two or three of them.

    Raises
    ------
    TooLargeError
        If it has more than `MAX_PIXELS` pixels or `MAX_VOXELS` voxels, or more than `at_most` says.
    ReadError
        If it is too small to show a brain.
    """
    count = prod(shape)
    by = " x ".join(str(n) for n in shape)
    if len(shape) == 2 and count > MAX_PIXELS:
        raise TooLargeError(
            f"The picture announces {by} pixels; at most {MAX_PIXELS // 10**6} million are read. "
            "Scale it down and try again."
        )
    most = _most_voxels.get()
    if len(shape) == 3 and count > most:
        raise TooLargeError(
            f"The volume announces {by} voxels; at most {most // 10**6} million are read here. "
            "Crop it to the head or resample it to 1 mm and try again."
        )
    sides = [n for n in shape if n > 1]
    if len(sides) < 2 or (len(sides) == 2 and min(sides) < MIN_PICTURE_SIDE):
        raise ReadError(
            f"The image is {by}; a slice needs at least {MIN_PICTURE_SIDE} x {MIN_PICTURE_SIDE} "
            "pixels to show its tissues. Use the original picture, not a thumbnail."
        )
    *_, next_longest, longest = sorted(sides)
    if longest > MAX_SIDES_RATIO * next_longest:
        raise ReadError(f"The image is {by}, far longer than it is wide. Cut the scan out of it and try again.")
    if len(sides) == 3 and count < MIN_VOLUME_VOXELS:
        raise ReadError(
            f"The volume is only {by} voxels; at least {MIN_VOLUME_VOXELS} are needed. Use the full volume."
        )


def check_brain(shape: tuple[int, ...], box_mask: np.ndarray, classes: int = 3) -> None:
    """Refuse a brain whose maps would take more memory than is promised: it fills a large image nearly to its faces.

    Parameters
    ----------
    shape : tuple of int
        Of the image.
    box_mask : ndarray of bool
        The brain in its box.
    classes : int
        Of the mixture.

    Raises
    ------
    TooLargeError
        If it is too large.
    """
    voxels = int(np.count_nonzero(box_mask))
    # Intensities, masks and labels; in the box posteriors, fractions, labels and zones; of the brain what is stored.
    of_box = 4 * classes + 5 + (12 if classes != 3 else 0)
    needed = 6 * prod(shape) + of_box * box_mask.size + 15 * voxels

    def promised(times: float) -> float:
        """Bytes for the maps of an image whose voxels are so many times as long."""
        voxels_left = prod(shape) / times ** len(shape)
        return min(PEAK_CONSTANT_BYTES + PEAK_BYTES_PER_VOXEL * voxels_left, MAX_PEAK_BYTES) - BEFORE_BYTES

    times = 1.0
    while needed / times ** len(shape) > promised(times):
        times += 0.1
    if times > 1:
        raise TooLargeError(
            f"The brain fills {voxels / 1e6:.0f} million voxels, more than can be segmented in "
            f"{(promised(1) + BEFORE_BYTES) / 1e6:.0f} MB. Resample the scan to voxels {times:.1f} times as long and "
            "try again."
        )
