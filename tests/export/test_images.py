import gzip
import io

import nibabel
import numpy as np
import PIL.Image
import pytest
import scipy

from mriseg import Contrast, Settings, read, segment
from mriseg.core.scan import picture, volume
from mriseg.core.tissue import LABELS, Tissue
from mriseg.datasets.phantom import simulate
from mriseg.export.images import encode_colored_labels, encode_png, encode_posterior, encode_scan
from mriseg.export.writer import outputs
from mriseg.image.morphology import bounding_box
from tests.helpers import ALL_AXES, stored_as


def image_of(content: bytes) -> nibabel.Nifti1Image:
    return nibabel.Nifti1Image.from_bytes(gzip.decompress(content))


@pytest.fixture(scope="module")
def oblique_brain(coarse):
    """A brain without air on a grid turned by 12 degrees, its affine, and its labels."""
    scan = simulate(coarse, Contrast.T1)
    box = bounding_box(coarse.truth > 0)
    turn = np.eye(4)
    turn[:3, :3] = scipy.spatial.transform.Rotation.from_euler("xyz", [12, -7, 5], degrees=True).as_matrix()
    affine = turn @ np.diag([4.0, 4.0, 4.0, 1.0])
    data = np.asarray(scan.data[box])
    return data, affine, segment(volume(data, affine), Settings(mask="all")).labels


def test_labels_in_color_have_the_colors_of_the_tissues_and_the_numbers_of_the_labels():
    labels = np.random.default_rng(0).choice(np.array([0, 1, 2, 3, 7], np.uint8), (40, 50))
    content = encode_colored_labels(labels)
    image = PIL.Image.open(io.BytesIO(content))
    np.testing.assert_array_equal(np.asarray(image), labels)
    colors = np.asarray(image.convert("RGB"))
    for label in LABELS:
        assert (colors[labels == label.number] == label.rgb).all()
    assert not colors[labels == 0].any()


def test_gray_and_white_matter_in_one_color_keep_their_numbers():
    labels = np.array([[0, *(label.number for label in LABELS)]], np.uint8)
    image = PIL.Image.open(io.BytesIO(encode_colored_labels(labels, joined=True)))
    np.testing.assert_array_equal(np.asarray(image), labels)
    colors = [Tissue.GM.rgb if label is Tissue.WM else label.rgb for label in LABELS]
    np.testing.assert_array_equal(np.asarray(image.convert("RGB")), [[(0, 0, 0), *colors]])


def test_labels_in_gray_are_the_same_numbers_for_programs_that_expand_palettes():
    """`skimage.io` and its like make colors of a palette; the labels file is therefore none."""
    import skimage.io

    labels = np.random.default_rng(0).choice(np.array([0, 1, 2, 3, 7], np.uint8), (40, 50))
    np.testing.assert_array_equal(skimage.io.imread(io.BytesIO(encode_png(labels))), labels)
    assert skimage.io.imread(io.BytesIO(encode_colored_labels(labels))).shape == (40, 50, 3)


def test_geometry_codes_and_units_come_back_as_they_were(coarse):
    scan = simulate(coarse, Contrast.T1)
    image = nibabel.Nifti1Image(np.asarray(scan.data), scan.affine)
    image.set_qform(scan.affine, 1)
    image.set_sform(scan.affine, 4)
    image.header.set_xyzt_units("mm", "sec")
    image.header["descrip"] = b"a name"
    again = read(image.to_bytes())
    out = image_of(outputs(again, segment(again))["_dseg.nii.gz"]())
    assert (int(out.header["qform_code"]), int(out.header["sform_code"])) == (1, 4)
    assert out.header.get_xyzt_units() == ("mm", "sec")
    assert out.header["descrip"].item() == b""


def test_a_scan_in_micrometres_gets_labels_in_micrometres(oblique_brain):
    data, affine, labels = oblique_brain
    image = nibabel.Nifti1Image(data, np.diag([1000, 1000, 1000, 1]) @ affine)
    image.header.set_xyzt_units("micron")
    scan = read(image.to_bytes())
    result = segment(scan, Settings(mask="all"))
    out = image_of(outputs(scan, result)["_dseg.nii.gz"]())
    assert np.array_equal(out.header.get_sform(), image.header.get_sform())
    assert out.header.get_xyzt_units() == ("micron", "unknown")
    assert np.array_equal(out.dataobj, labels)
    assert result.brain_ml == pytest.approx(data.size * 0.064, rel=1e-3)


@pytest.mark.parametrize("axes", ALL_AXES, ids="".join)
def test_labels_lie_exactly_on_the_input_in_every_axis_order(axes, oblique_brain):
    straight, upright, labels = oblique_brain
    data, affine = stored_as(axes, straight, upright)
    image = nibabel.Nifti1Image(data, affine)
    image.set_qform(affine, 1)
    image.set_sform(affine, 2)
    image.header.set_xyzt_units("mm", "sec")
    turned = read(image.to_bytes())
    out = image_of(outputs(turned, segment(turned, Settings(mask="all")))["_dseg.nii.gz"]())
    assert out.shape == data.shape
    for form in ("get_sform", "get_qform"):
        assert np.array_equal(getattr(out.header, form)(), getattr(image.header, form)())
    for field in ("sform_code", "qform_code", "xyzt_units"):
        assert out.header[field] == image.header[field]
    assert np.array_equal(out.dataobj, stored_as(axes, labels, upright)[0])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (np.array([[False, True]]), np.array([[0, 255]], np.uint8)),
        (np.array([[0, 3]], np.uint8), np.array([[0, 3]], np.uint8)),
        (np.array([[0.0, 0.5, 1.0]], np.float32), np.array([[0, 32768, 65535]], np.uint16)),
    ],
)
def test_a_png_holds_masks_labels_and_shares(data, expected):
    pixels = np.asarray(PIL.Image.open(io.BytesIO(encode_png(data))))
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize("brightest", [200, 3000])
def test_a_scan_comes_back_as_it_was(coarse, brightest):
    shot = picture(np.linspace(0, brightest, 1920).round().reshape(48, 40))
    np.testing.assert_array_equal(read(encode_scan(shot)).data, shot.data)
    head = simulate(coarse, Contrast.T2)
    again = read(encode_scan(head))
    np.testing.assert_array_equal(again.data, head.data)
    np.testing.assert_allclose(again.affine, head.affine)
    assert again.spacing == pytest.approx(head.spacing)


def test_a_posterior_lies_where_the_brain_is(segmented):
    result = segmented(Contrast.T1)
    arrays = [encode_posterior(lambda array: array, result, channel) for channel in range(3)]
    np.testing.assert_array_equal(np.stack(arrays, -1), result.posteriors)
    assert not any(array[~result.mask].any() for array in arrays)
