"""The scan as every part of the engine sees it: numbers, geometry and nothing about the person."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import nibabel
import numpy as np
import scipy
from nibabel.affines import apply_affine

from mriseg.core import limits
from mriseg.core.errors import ReadError
from mriseg.core.tissue import Contrast

# A reader replaces single broken voxels by zero; past this share they are a background, or the file itself is broken.
MAX_NON_FINITE_SHARE = 0.01
SAME_VOLUME = 0.02  # of a voxel: headers round its sides
TURNED_DEGREES = 45.0  # of two geometries turned by more, others of their axes lie nearest
# A head or brain that NaN surrounds is one piece: so much of what is finite hangs together, and so much of it is whole.
# Most corners of the image lie around it, where the end of a broken file takes half of them.
ONE_PIECE, WHOLE, CORNERS = 0.9, 0.95, 0.75
MOST_LABELED = 4_000_000  # voxels that pieces are looked for in


@dataclass(frozen=True)
class HeaderContrast:
    """What a header states of the contrast.

    Attributes
    ----------
    contrast : Contrast
        Never `UNKNOWN`.
    reason : str
        From which entries of the header that follows, such as "inversion recovery, TR 2300 ms, TE 3 ms, TI 900 ms".
    """

    contrast: Contrast
    reason: str


class Space(StrEnum):
    """In which coordinates a header says that the voxels lie."""

    UNKNOWN = "unknown"
    SCANNER = "scanner"
    ALIGNED = "aligned"  # with another scan, mostly of the same person
    TALAIRACH = "talairach"
    MNI = "mni"
    TEMPLATE = "template"  # of another average brain

    @property
    def is_template(self) -> bool:
        """Whether brains were brought to the size and shape of a template: volumes are not the person's."""
        return self in (Space.TALAIRACH, Space.MNI, Space.TEMPLATE)


@dataclass(frozen=True)
class GeometryConflict:
    """How a second geometry that a header states too differs from the one that is used.

    Attributes
    ----------
    mirrored : bool
        Whether it exchanges left and right, or another pair of sides.
    degrees : float
        By how much it is turned, 0 to 180; of a mirrored one after its first axis was turned around.
    volume_ratio : float
        Volume of its voxels over that of those used.
    """

    mirrored: bool
    degrees: float
    volume_ratio: float

    @property
    def exchanges_sides(self) -> bool:
        """Whether left, right and the other sides are not the same in both."""
        return self.mirrored or self.degrees > TURNED_DEGREES

    @property
    def resizes(self) -> bool:
        """Whether volumes in mL are not the same by both."""
        return abs(self.volume_ratio - 1) > SAME_VOLUME


@dataclass(frozen=True, eq=False)
class Scan:
    """One MR image.

    Build it with `mriseg.io.reader`, or from arrays with `volume` and `picture` of this module, which check what
    they are given.

    Attributes
    ----------
    data : ndarray of float32, shape (rows, columns) or (i, j, k)
        Intensities in arbitrary units, in the axis order of the file; read-only and finite.
    affine : ndarray of shape (4, 4) or None
        From voxel indices to RAS+ mm; None for a picture.
    spacing : tuple of float or None
        Side of a voxel along each axis, in mm; None for a picture.
    kind : {"picture", "volume"}
        Whether it came as a 2-D picture without geometry or as a volume with it.
    notes : tuple of str
        What the reader did that the user should know, in sentences.
    sides_known : bool
        Whether the file says which side of the body is left; never for a picture.
    header : nibabel.Nifti1Header or None
        The geometry (qform, sform, their codes, units) for writing results on the same grid; everything
        else that the file's header said was dropped when it was read.
    header_contrast : HeaderContrast or None
        The contrast that the header states, where it does.
    space : Space
        Which coordinates the affine leads to.
    geometry_conflict : GeometryConflict or None
        Where the header contradicts itself beyond rounding on where the voxels lie.

    Examples
    --------
    >>> scan = volume(np.ones((32, 32, 16)), np.diag([1.0, 1.0, 3.0, 1.0]))
    >>> scan.spacing, round(scan.voxel_ml, 6)
    ((1.0, 1.0, 3.0), 0.003)
    """

    data: np.ndarray = field(repr=False)
    affine: np.ndarray | None
    spacing: tuple[float, ...] | None
    kind: Literal["picture", "volume"]
    notes: tuple[str, ...] = ()
    sides_known: bool = False
    header: nibabel.Nifti1Header | None = field(default=None, repr=False)
    header_contrast: HeaderContrast | None = None
    space: Space = Space.UNKNOWN
    geometry_conflict: GeometryConflict | None = None

    @property
    def voxel_ml(self) -> float | None:
        """Volume of one voxel in mL, from the affine so that sheared grids are right; None without one."""
        if self.affine is None:
            return None
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000

    def __str__(self) -> str:
        size = " x ".join(str(n) for n in self.data.shape)
        if self.spacing is None or self.affine is None:
            return f"picture, {size} pixels, pixel size unknown"
        spacing = " x ".join(f"{s:.3g}" for s in self.spacing)
        axes = "".join(nibabel.aff2axcodes(self.affine))
        return f"volume, {size} voxels of {spacing} mm, axes {axes}"


def picture(data: np.ndarray, notes: tuple[str, ...] = (), *, copy: bool = True) -> Scan:
    """Make a scan of a 2-D picture.

    Parameters
    ----------
    data : array of shape (rows, columns)
        Intensities in arbitrary units.
    notes : tuple of str
        What the reader did that the user should know.
    copy : bool
        Whether `data` stays the caller's. Otherwise, if it is float32, it becomes the scan's, read-only.

    Returns
    -------
    Scan

    Raises
    ------
    ReadError
        If the picture is too small, too large or not finite.
    """
    limits.check_shape(data.shape)
    data, notes = _finite(data, notes, copy)
    return Scan(data, None, None, kind="picture", notes=notes)


def volume(
    data: np.ndarray,
    affine: np.ndarray,
    header: nibabel.Nifti1Header | None = None,
    notes: tuple[str, ...] = (),
    sides_known: bool = True,
    header_contrast: HeaderContrast | None = None,
    *,
    space: Space = Space.UNKNOWN,
    geometry_conflict: GeometryConflict | None = None,
    copy: bool = True,
) -> Scan:
    """Make a scan of a volume.

    Parameters
    ----------
    data : array of shape (i, j, k)
        Intensities in arbitrary units.
    affine : array of shape (4, 4)
        From voxel indices to RAS+ mm.
    header : nibabel.Nifti1Header, optional
        Geometry to write results with; by default the affine as an aligned sform.
    notes : tuple of str
        What the reader did that the user should know.
    sides_known : bool
        Whether the affine says truly which side of the body is left.
    header_contrast : HeaderContrast, optional
        The contrast that the header states.
    space : Space
        Which coordinates the affine leads to.
    geometry_conflict : GeometryConflict, optional
        Where the header contradicts itself on where the voxels lie.
    copy : bool
        Whether `data` stays the caller's. Otherwise, if it is float32, it becomes the scan's, read-only.

    Returns
    -------
    Scan

    Raises
    ------
    ReadError
        If the volume is too small, too large or not finite, or the affine is not invertible.
    """
    limits.check_shape(data.shape)
    affine = _invertible(affine)
    data, notes = _finite(data, notes, copy)
    spacing = tuple(float(s) for s in nibabel.affines.voxel_sizes(affine))
    return Scan(
        data,
        affine,
        spacing,
        kind="volume",
        notes=notes,
        sides_known=sides_known,
        header=header,
        header_contrast=header_contrast,
        space=space,
        geometry_conflict=geometry_conflict,
    )


def farthest_apart_mm(a: Scan, b: Scan) -> float:
    """How far the corners of a grid lie from those of another of the same shape, in mm; 0 if one has no geometry.

    Parameters
    ----------
    a : Scan
        Of the same shape.
    b : Scan

    Returns
    -------
    float
        The largest distance, mm.
    """
    if a.affine is None or b.affine is None:
        return 0.0
    corners = np.array([*np.ndindex(2, 2, 2)]) * (np.array(a.data.shape) - 1)
    return float(np.abs(apply_affine(a.affine, corners) - apply_affine(b.affine, corners)).max())


def _finite(data: np.ndarray, notes: tuple[str, ...], copy: bool) -> tuple[np.ndarray, tuple[str, ...]]:
    """Read-only float32 without NaN or infinity, and the notes with what was replaced."""
    data = np.array(data, np.float32) if copy else np.asarray(data, np.float32)
    # A finite sum proves every term finite at a tenth of the cost and none of the memory of asking each.
    with np.errstate(invalid="ignore"):
        total = data.sum(dtype=np.float64)
    if not np.isfinite(total):
        data, note = _without_non_finite(data)
        notes = (*notes, note)
    data.flags.writeable = False
    return data, notes


def _without_non_finite(data: np.ndarray) -> tuple[np.ndarray, str]:
    """Values that are no numbers replaced, in place: single ones by 0, a background by no signal; and a note of it."""
    broken = ~np.isfinite(data)
    count = int(broken.sum())
    if count <= MAX_NON_FINITE_SHARE * data.size:
        data[broken] = 0
        return data, f"{count} values that are not numbers were set to 0."
    if not _surrounds(broken):
        raise ReadError(
            f"{count / data.size:.0%} of the values are not numbers (NaN or infinite), and not only around the head. "
            "Write the image again from its source."
        )
    data[broken] = min(0.0, float(data[~broken].min()))
    return data, "The background holds no numbers (NaN); it was taken as no signal."


def _surrounds(broken: np.ndarray) -> bool:
    """Whether all but single ones of some voxels lie around the others, which are one piece."""
    if broken[np.ix_(*([0, -1],) * broken.ndim)].mean() < CORNERS:
        return False
    step = max(1, round((broken.size / MOST_LABELED) ** (1 / broken.ndim)))
    pieces, count = scipy.ndimage.label(~broken[(slice(None, None, step),) * broken.ndim])
    if not count:
        return False
    piece = pieces == 1 + np.bincount(pieces.ravel())[1:].argmax()
    whole = scipy.ndimage.binary_fill_holes(piece)
    return bool(piece.sum() > max(ONE_PIECE * np.count_nonzero(pieces), WHOLE * whole.sum()))


def _invertible(affine: np.ndarray) -> np.ndarray:
    """A read-only copy of an affine that says where voxels lie."""
    affine = np.array(affine, float)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise ReadError(
            "The header does not say where the voxels lie (its affine is not invertible). "
            "Write the file again with a valid affine."
        )
    affine.flags.writeable = False
    return affine
