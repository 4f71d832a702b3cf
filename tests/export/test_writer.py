import gzip
import io
import json
from pathlib import Path

import nibabel
import numpy as np
import PIL.Image
import pytest
import scipy

from mriseg import Contrast, MrisegError, Settings, Tissue, read, segment
from mriseg.core.scan import picture, volume
from mriseg.datasets.phantom import simulate
from mriseg.export.statistics import lookup_table, stats, volumes_table
from mriseg.export.writer import outputs, stem, write
from mriseg.image.morphology import bounding_box
from tests.helpers import ALL_AXES, stored_as

NIFTI_NAMES = {
    "_dseg.nii.gz",
    "_label-GM_probseg.nii.gz",
    "_label-WM_probseg.nii.gz",
    "_label-CSF_probseg.nii.gz",
    "_desc-brain_mask.nii.gz",
    "_desc-tissue_stats.json",
    "_dseg.tsv",
}


def image_of(content: bytes) -> nibabel.Nifti1Image:
    return nibabel.Nifti1Image.from_bytes(gzip.decompress(content))


@pytest.fixture(scope="module")
def slice_of_head(scanned):
    data = scanned(Contrast.T1).data
    scan = picture(np.rint(data[:, ::-1, data.shape[2] // 2].T / data.max() * 255))
    return scan, segment(scan, Settings(pixel_size=2.0))


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("foo.nii.gz", "foo"),
        ("foo.NII", "foo"),
        ("a.b.png", "a.b"),
        ("folder", "folder"),
        ("T1.mgz", "T1"),
        ("t1.IMG.gz", "t1"),
        ("sub-01_T1w.nii.gz", "sub-01_T1w"),
    ],
)
def test_the_stem_is_the_name_without_its_format(name, short):
    assert stem(Path(name)) == short


def test_the_stem_of_a_folder_is_its_whole_name(tmp_path):
    (tmp_path / "series.3").mkdir()
    assert stem(tmp_path / "series.3") == "series.3"


def test_the_files_of_a_volume_hold_the_result_on_the_scans_grid(scanned, segmented):
    scan, result = scanned(Contrast.T1), segmented(Contrast.T1)
    files = outputs(scan, result)
    assert set(files) == NIFTI_NAMES
    labels = image_of(files["_dseg.nii.gz"]())
    assert labels.get_data_dtype() == np.uint8
    assert np.array_equal(labels.dataobj, result.labels)
    assert np.allclose(labels.affine, scan.affine)
    assert np.array_equal(image_of(files["_desc-brain_mask.nii.gz"]()).dataobj, result.mask)
    for channel, tissue in enumerate(Tissue):
        posterior = image_of(files[f"_label-{tissue.abbreviation}_probseg.nii.gz"]())
        assert posterior.get_data_dtype() == np.float32
        assert np.array_equal(posterior.dataobj, result.posteriors[..., channel])


def test_equal_results_give_equal_bytes(scanned, segmented):
    scan, result = scanned(Contrast.T1), segmented(Contrast.T1)
    first, second = outputs(scan, result), outputs(scan, result)
    assert all(first[name]() == second[name]() for name in first)


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


def test_a_picture_becomes_pictures(slice_of_head):
    scan, result = slice_of_head
    files = outputs(scan, result)

    def pixels(name):
        return np.asarray(PIL.Image.open(io.BytesIO(files[name]())))

    assert np.array_equal(pixels("_dseg.png"), result.labels)
    assert np.array_equal(pixels("_desc-brain_mask.png") == 255, result.mask)
    white = pixels("_label-WM_probseg.png")
    assert white.dtype == np.uint16
    assert np.abs(white / 65535 - result.posteriors[..., 1]).max() < 1 / 65535


def test_the_figures_are_plain_json_and_those_of_the_result(slice_of_head):
    _, result = slice_of_head
    figures = json.loads(json.dumps(stats(result), allow_nan=False))
    assert figures["contrast"] == result.contrast.suffix
    assert figures["volumes_ml"]["GM"] == result.volumes_ml[Tissue.GM]
    assert figures["brain_ml"] == pytest.approx(sum(figures["volumes_ml"].values()))
    assert sum(figures["fractions"].values()) == pytest.approx(1)
    assert sum(figures["mixture"]["weights"]) == pytest.approx(1)
    pure_and_mixed = [*figures["mixture"]["pure_weights"], *figures["mixture"]["mixed_weights"].values()]
    assert sum(pure_and_mixed) + figures["mixture"]["outliers"] == pytest.approx(1)
    assert figures["settings"]["pixel_size"] == 2.0
    low, high = figures["volume_intervals_ml"]["GM"]
    assert low < figures["volumes_ml"]["GM"] < high
    assert figures["model_selection"] is None


@pytest.mark.parametrize("classes", [2, 4, 5, 6])
def test_the_figures_of_another_number_of_classes_are_whole_and_say_how_many_fit_best(coarse, classes):
    result = segment(simulate(coarse, Contrast.T1), Settings(classes=classes, contrast="t1"), mask=coarse.truth > 0)
    figures = json.loads(json.dumps(stats(result), allow_nan=False))
    mixture = figures["mixture"]
    assert len(mixture["means"]) == len(mixture["tissues"]) == classes
    total = sum(mixture["pure_weights"]) + sum(mixture["mixed_weights"].values()) + mixture["outliers"]
    assert total == pytest.approx(1)
    assert [row["classes"] for row in figures["model_selection"]] == [2, 3, 4, 5, 6]


def test_the_figures_hold_deep_gray_matter_where_it_has_its_own_brightness(segmented, slice_of_head):
    result = segmented(Contrast.T1)
    mixture = json.loads(json.dumps(stats(result), allow_nan=False))["mixture"]
    if result.mixture.layout.deep is None:
        assert mixture["deep_gray"] is None
    else:
        deep = mixture["deep_gray"]
        total = sum(mixture["pure_weights"]) + sum(mixture["mixed_weights"].values())
        assert total + deep["weight"] + mixture["outliers"] == pytest.approx(1)
        assert len(mixture["channel_means"]) == len(mixture["means"]) + 1
    assert stats(slice_of_head[1])["mixture"]["deep_gray"] is None


def test_the_figures_say_how_the_brain_was_found(segmented, slice_of_head):
    brain = segmented(Contrast.T1).brain
    figures = json.loads(json.dumps(stats(segmented(Contrast.T1)), allow_nan=False))
    assert figures["mask_confidence"] == brain.confidence
    assert figures["mask_doubtful"] is False
    np.testing.assert_array_equal(figures["registration"]["affine"], brain.registration.affine)
    assert json.loads(json.dumps(stats(slice_of_head[1])))["registration"] is None


def test_the_lookup_table_has_a_row_for_each_label():
    rows = [row.split("\t") for row in lookup_table().splitlines()]
    assert rows[0] == ["index", "name", "abbreviation", "color"]
    assert [row[0] for row in rows[1:]] == ["0", "1", "2", "3"]
    assert rows[2][1:3] == ["Gray matter", "GM"]


def test_the_table_of_volumes_leaves_unknown_volumes_empty(slice_of_head):
    scan, _ = slice_of_head
    rows = volumes_table(segment(scan)).splitlines()
    assert rows[0] == "tissue,name,volume_ml,fraction"
    assert rows[1].startswith("GM,Gray matter,,0.")


def test_where_writing_fails_no_file_appears(slice_of_head, tmp_path, monkeypatch):
    scan, result = slice_of_head
    monkeypatch.setattr(
        "mriseg.export.writer.lookup_table", lambda: (_ for _ in ()).throw(OSError(28, "No space left"))
    )
    with pytest.raises(MrisegError, match="No space left"):
        write(scan, result, tmp_path / "out", "foo")
    assert list((tmp_path / "out").iterdir()) == []
