import io

import nibabel
import numpy as np
import pytest

import mriseg
from mriseg.core.errors import ReadError
from mriseg.io.catalog import best
from mriseg.io.label_reader import read_labels
from mriseg.io.reader import contents, read_mask
from tests.helpers import nifti

VOXELS = np.random.default_rng(0).integers(0, 1000, (18, 20, 22)).astype(np.int16)
AFFINE = np.diag([1.0, 2, 3, 1])


def meaning(code: int | str, data: np.ndarray = VOXELS, image_class=nibabel.Nifti1Image) -> bytes:
    """A file whose header says what its numbers are."""
    image = image_class(data, AFFINE)
    if isinstance(code, str):
        image.header["descrip"] = code.encode()
    else:
        image.header["intent_code"] = code
    return image.to_bytes()


def several(count: int) -> np.ndarray:
    return np.stack([VOXELS] * count, 3)


@pytest.mark.parametrize("image_class", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize(
    ("code", "what"),
    [
        (2, "correlations"),
        (3, "t statistics"),
        (4, "F statistics"),
        (5, "z scores"),
        (6, "chi-squared statistics"),
        (7, "statistics"),
        (21, "statistics"),
        (22, "p-values"),
        (24, "logarithms of p-values"),
        (1001, "estimated parameters"),
        (1002, "labels"),
        (2005, "the shape of a surface"),
        ("SPM{T_[22.0]} - contrast 1: left > right", "t statistics (SPM)"),
        ("SPM{F_[1.0,22.0]} - contrast 2", "F statistics (SPM)"),
        ("SPM contrast - 1: left", "contrasts of estimated parameters (SPM)"),
        ("spm_spm:beta (0001) - Sn(1)", "estimated parameters"),
        ("Tissue class 1", "probabilities of a tissue"),
    ],
)
def test_a_map_is_refused_by_what_its_header_calls_it(code, what, image_class):
    with pytest.raises(ReadError, match="not a scan") as caught:
        mriseg.read(meaning(code, image_class=image_class))
    assert f"a map of {what}" in str(caught.value)
    assert "Give the T1-weighted" in str(caught.value)


@pytest.mark.parametrize(
    ("code", "what"),
    [(1004, "matrices"), (1005, "tensors"), (1006, "displacements"), (1007, "vectors"), (2003, "colors of directions")],
)
@pytest.mark.parametrize("axis", [3, 4])
def test_several_numbers_for_each_voxel_are_refused(code, what, axis):
    """Along the fourth axis, as FSL stores them, and along the fifth, as the standard says."""
    data = several(3) if axis == 3 else several(3)[:, :, :, None]
    with pytest.raises(ReadError, match=f"a map of {what}"):
        mriseg.read(meaning(code, data))


@pytest.mark.parametrize("code", [0, 1, 1011, 2001, 5000, "FreeSurfer May 11 2020", "6.0.5:9e026117", "contrast 1"])
def test_a_scan_is_read_whatever_harmless_its_header_says(code):
    np.testing.assert_array_equal(mriseg.read(meaning(code)).data, VOXELS)
    assert len(contents(meaning(code, several(4)))) == 4


@pytest.mark.parametrize("code", [1007, 2003])
def test_one_volume_is_no_vector_whatever_its_header_says(code):
    np.testing.assert_array_equal(mriseg.read(meaning(code)).data, VOXELS)


def test_statistics_of_analyze_are_refused_too():
    image = nibabel.Spm99AnalyzeImage(VOXELS, AFFINE)
    image.header["descrip"] = b"SPM{T_[22.0]} - contrast 1"
    halves = {name: io.BytesIO() for name in ("header", "image", "mat")}
    image.to_file_map(nibabel.Spm99AnalyzeImage.make_file_map(halves))
    with pytest.raises(ReadError, match="t statistics"):
        mriseg.read([("a.hdr", halves["header"].getvalue()), ("a.img", halves["image"].getvalue())])


def test_beside_a_map_the_scan_is_taken():
    source = [("zstat1.nii", meaning(5)), ("T1.nii", nifti(VOXELS + 1)), ("tstat1.nii", meaning(3))]
    entries = contents(source)
    assert sum(entry.refusal is not None for entry in entries) == 2
    assert best(entries).refusal is None
    np.testing.assert_array_equal(mriseg.read(source).data, VOXELS + 1)


@pytest.mark.parametrize("code", [1002, 22, 1001])
def test_what_is_no_scan_can_be_a_mask_or_a_reference(code):
    labels = (VOXELS % 4).astype(np.uint8)
    scan = mriseg.read(meaning(0))
    np.testing.assert_array_equal(read_mask(meaning(code, labels), scan), labels > 0)
    np.testing.assert_array_equal(read_labels(meaning(code, labels), scan), labels)


def directions(noise: float = 0.0) -> np.ndarray:
    """Vectors of length 1 in a ball, as of nerve fibers."""
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(*VOXELS.shape, 3))
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    vectors += noise * rng.normal(size=vectors.shape)
    inside = (
        sum(
            (np.arange(n).reshape([-1 if a == b else 1 for b in range(3)]) - n / 2) ** 2
            for a, n in enumerate(VOXELS.shape)
        )
        < 60
    )
    return (vectors * inside[..., None]).astype(np.float32)


def test_directions_are_told_by_their_length_where_the_header_says_nothing():
    with pytest.raises(ReadError, match="directions"):
        mriseg.read(meaning(0, directions()))
    with pytest.raises(ReadError, match="directions"):
        mriseg.read(meaning(0, directions()[:, :, :, None]))


def test_three_volumes_that_are_no_directions_are_scans():
    """Three that lie between -1 and 1, as after normalization, and two components alone."""
    assert len(contents(meaning(0, directions(noise=0.2)))) == 3
    mriseg.read(meaning(0, np.clip(directions(noise=0.2), -1, 1)))
    mriseg.read(meaning(0, directions()[..., :2]))
