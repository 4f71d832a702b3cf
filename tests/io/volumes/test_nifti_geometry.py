import io

import nibabel
import numpy as np
import pytest

import mriseg
from mriseg.core.scan import GeometryConflict, Space

VOXELS = np.random.default_rng(0).integers(0, 1000, (18, 20, 22)).astype(np.int16)
SIDES = (1.0, 2.0, 3.0)


def turned(axis: int, degrees: float) -> np.ndarray:
    """A rotation about one of the axes of the body."""
    first, second = (n for n in range(3) if n != axis)
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    rotation = np.eye(4)
    rotation[first, first] = rotation[second, second] = cosine
    rotation[first, second], rotation[second, first] = -sine, sine
    return rotation


def stating(
    sform: np.ndarray, qform: np.ndarray, codes: tuple[int, int] = (1, 1), image_class=nibabel.Nifti1Image
) -> bytes:
    """A file whose header states two geometries."""
    image = image_class(VOXELS, sform)
    image.set_qform(qform, codes[1])  # sets the sizes of the voxels, too
    image.set_sform(sform, codes[0])
    return image.to_bytes()


UPRIGHT = np.diag([*SIDES, 1.0])


@pytest.mark.parametrize("image_class", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("degrees", [0.0, 0.3, 37.0])
def test_two_transforms_that_agree_within_rounding_are_no_conflict(degrees, image_class):
    affine = turned(0, 20) @ turned(2, degrees) @ UPRIGHT
    rounded = np.round(affine, 3)
    rounded[:3, 3] = 5, -7, 100  # another origin moves neither sides nor sizes
    scan = mriseg.read(stating(rounded, affine, image_class=image_class))
    assert scan.geometry_conflict is None
    assert scan.sides_known
    assert scan.notes == ()


@pytest.mark.parametrize("codes", [(1, 1), (2, 1), (4, 1)])
def test_a_mirrored_transform_takes_the_sides_away(codes):
    scan = mriseg.read(stating(UPRIGHT, np.diag([-1.0, 1, 1, 1]) @ UPRIGHT, codes))
    assert scan.geometry_conflict == GeometryConflict(mirrored=True, degrees=0, volume_ratio=1)
    assert not scan.sides_known
    assert "mirrored" in scan.notes[0]
    np.testing.assert_array_equal(scan.affine, UPRIGHT)  # the sform, as ever


@pytest.mark.parametrize("flipped", [1, 2])
def test_nose_at_the_back_or_at_the_top_is_told_too(flipped):
    signs = [-1.0 if n == flipped else 1.0 for n in range(3)]
    scan = mriseg.read(stating(UPRIGHT, np.diag([*signs, 1.0]) @ UPRIGHT))
    assert scan.geometry_conflict.mirrored
    assert scan.geometry_conflict.degrees == pytest.approx(180)
    assert not scan.sides_known


@pytest.mark.parametrize(("degrees", "known"), [(12, True), (44, True), (46, False), (90, False), (180, False)])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_turned_transform_is_told_and_past_45_degrees_takes_the_sides_away(axis, degrees, known):
    scan = mriseg.read(stating(turned(axis, degrees) @ UPRIGHT, UPRIGHT))
    assert scan.geometry_conflict.degrees == pytest.approx(degrees, abs=0.01)
    assert not scan.geometry_conflict.mirrored
    assert scan.sides_known is known
    assert f"turned by {degrees} degrees" in scan.notes[0]


def test_a_sheared_transform_is_told_by_its_nearest_rotation():
    sheared = UPRIGHT.copy()
    sheared[1, 2] = 0.1 * SIDES[2]
    scan = mriseg.read(stating(sheared, UPRIGHT))
    assert scan.sides_known
    assert scan.geometry_conflict is None or scan.geometry_conflict.degrees < 6


@pytest.mark.parametrize("unit", ["mm", "micron"])
@pytest.mark.parametrize("qform_code", [0, 1])
def test_two_sizes_of_the_voxels_are_told_by_their_ratio(qform_code, unit):
    """In the qform, or where it has no code in the sizes that the header states apart."""
    factor = {"mm": 1.0, "micron": 1000.0}[unit]
    scale = np.diag([factor] * 3 + [1.0])
    image = nibabel.Nifti1Image(VOXELS, scale @ UPRIGHT)
    image.set_qform(scale @ np.diag([1.0, 2.0, 1.5, 1.0]), qform_code)
    image.set_sform(scale @ UPRIGHT, 1)
    image.header.set_xyzt_units(unit)
    scan = mriseg.read(image.to_bytes())
    assert scan.spacing == SIDES
    assert scan.geometry_conflict.volume_ratio == pytest.approx(0.5)
    assert scan.sides_known
    assert "0.50 times the volume" in scan.notes[0]


def with_fields(content: bytes, **fields: object) -> bytes:
    """The same file with a header that nibabel would not write."""
    header = nibabel.Nifti1Header(content[:348], check=False)
    for name, value in fields.items():
        header[name] = value
    return header.binaryblock + content[348:]


def test_a_broken_second_transform_contradicts_nothing():
    scan = mriseg.read(with_fields(stating(UPRIGHT, UPRIGHT), quatern_b=3.0))
    assert scan.geometry_conflict is None
    assert scan.sides_known


@pytest.mark.parametrize(
    ("codes", "space", "is_template"),
    [
        ((1, 0), Space.SCANNER, False),
        ((2, 1), Space.ALIGNED, False),
        ((0, 3), Space.TALAIRACH, True),
        ((4, 1), Space.MNI, True),
        ((1, 4), Space.SCANNER, False),
        ((5, 0), Space.TEMPLATE, True),
        ((0, 0), Space.UNKNOWN, False),
    ],
)
def test_the_space_is_that_of_the_transform_that_is_taken(codes, space, is_template):
    scan = mriseg.read(stating(UPRIGHT, UPRIGHT, codes))
    assert scan.space is space
    assert scan.space.is_template is is_template


def test_analyze_states_no_space():
    halves = {name: io.BytesIO() for name in ("header", "image")}
    nibabel.AnalyzeImage(VOXELS, UPRIGHT).to_file_map(nibabel.AnalyzeImage.make_file_map(halves))
    scan = mriseg.read([("a.hdr", halves["header"].getvalue()), ("a.img", halves["image"].getvalue())])
    assert scan.space is Space.UNKNOWN
    assert scan.geometry_conflict is None
