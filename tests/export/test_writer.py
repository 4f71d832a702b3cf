import gzip
import io
from pathlib import Path

import nibabel
import numpy as np
import PIL.Image
import pytest

from mriseg import Contrast, MrisegError, Tissue
from mriseg.export.writer import outputs, stem, write

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


@pytest.mark.slow
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


def test_where_writing_fails_no_file_appears(slice_of_head, tmp_path, monkeypatch):
    scan, result = slice_of_head
    monkeypatch.setattr(
        "mriseg.export.writer.lookup_table", lambda: (_ for _ in ()).throw(OSError(28, "No space left"))
    )
    with pytest.raises(MrisegError, match="No space left"):
        write(scan, result, tmp_path / "out", "foo")
    assert list((tmp_path / "out").iterdir()) == []
