import io
import pickle
import random
import warnings
import zipfile

import nibabel
import numpy as np
import pydicom
import pytest

import mriseg
from mriseg import Contrast, MrisegError
from mriseg.core import limits
from mriseg.core.errors import ReadError, TooLargeError
from mriseg.core.scan import Space
from mriseg.io.reader import contents
from tests.dicom_files import (
    AXIAL,
    CORONAL,
    MPRAGE,
    PERSON,
    SAGITTAL,
    SECONDARY_CAPTURE,
    SYNTAXES,
    Geometry,
    brainlike,
    enhanced,
    series,
    turned,
    written,
)
from tests.helpers import little_memory, nifti, refusal

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # nibabel calls its reader experimental
    from nibabel.nicom.dicomwrappers import wrapper_from_data

VOXELS = brainlike((40, 32, 12))


def titles(source):
    return [item.title for item in contents(source)]


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("write", [series, lambda *a, **k: enhanced(*a, **k, order=[5, *range(5), *range(6, 12)])])
def test_values_and_geometry_are_exact_in_every_transfer_syntax(syntax, write):
    geometry = turned(3)
    scan = mriseg.read(write(VOXELS, geometry, {"BitsStored": 12}, syntax=syntax))
    np.testing.assert_array_equal(scan.data, VOXELS)
    np.testing.assert_allclose(scan.affine, geometry.affine, atol=1e-5)
    assert scan.kind == "volume"
    assert scan.sides_known
    assert scan.space is Space.SCANNER
    assert scan.notes == ()


def test_a_map_beside_a_scan_is_listed_with_its_reason_and_alone_refused():
    adc = {"ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"], "SeriesInstanceUID": "1.9", "SeriesNumber": 9}
    fine = series(VOXELS + 1, Geometry(sides=(0.5, 0.5)), adc)
    assert "apparent diffusion coefficients (ADC), not a scan" in refusal(fine)
    coarse = series(VOXELS, Geometry(sides=(2.0, 2.0)))
    both = [*((f"adc{name}", content) for name, content in fine), *coarse]
    np.testing.assert_array_equal(mriseg.read(both).data, VOXELS)
    scan, listed = contents(both)
    assert "not a scan" in listed.refusal
    assert scan.refusal is None


@pytest.mark.parametrize("syntax", ["implicit", "explicit", "big endian"])
def test_files_without_preamble_are_read(syntax):
    np.testing.assert_array_equal(mriseg.read(series(VOXELS, syntax=syntax, preamble=False)).data, VOXELS)


@pytest.mark.parametrize("directions", [AXIAL, CORONAL, SAGITTAL])
@pytest.mark.parametrize("apart", [3.0, -3.0])
def test_slices_go_along_the_normal_wherever_the_scanner_began(directions, apart):
    geometry = Geometry(directions, (0.5, 0.75), apart=apart)
    scan = mriseg.read(series(VOXELS, geometry))
    if apart > 0:
        np.testing.assert_array_equal(scan.data, VOXELS)
        np.testing.assert_allclose(scan.affine, geometry.affine, atol=1e-6)
    else:
        np.testing.assert_array_equal(scan.data[:, :, ::-1], VOXELS)
        backwards = geometry.affine @ np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1, 11], [0, 0, 0, 1]])
        np.testing.assert_allclose(scan.affine, backwards, atol=1e-6)
    assert np.linalg.det(scan.affine) > 0
    assert scan.spacing == pytest.approx((0.5, 0.75, 3))


def test_the_header_for_results_says_scanner_coordinates():
    geometry = turned(5)
    header = mriseg.read(series(VOXELS, geometry)).header
    assert (int(header["sform_code"]), int(header["qform_code"])) == (1, 1)
    assert header.get_xyzt_units()[0] == "mm"
    np.testing.assert_allclose(header.get_sform(), geometry.affine, atol=1e-5)
    np.testing.assert_allclose(header.get_qform(), geometry.affine, atol=1e-3)


def test_neither_the_order_nor_the_container_of_the_files_matters(tmp_path):
    files = series(VOXELS, tags=MPRAGE) + series(VOXELS + 1, uid="1.2.840.97", tags={"SeriesNumber": 2})
    files += [(f"{name}x", content) for name, content in files[3:5]]
    expected = [(item.title, item.load()) for item in contents(files)]
    (tmp_path / "a").mkdir()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            (tmp_path / "a" / name).write_bytes(content)
            archive.writestr(f"study/{name}", content)
    shuffled = random.Random(1).sample(files, len(files))
    for source in (shuffled, tmp_path / "a", stream.getvalue()):
        found = [(item.title, item.load()) for item in contents(source)]
        assert [title for title, _ in found] == [title for title, _ in expected]
        for (_, scan), (_, same) in zip(found, expected, strict=True):
            np.testing.assert_array_equal(scan.data, same.data)
            np.testing.assert_array_equal(scan.affine, same.affine)
            assert (scan.notes, scan.header_contrast) == (same.notes, same.header_contrast)


def test_a_volume_takes_little_memory_beside_itself():
    files = enhanced(brainlike((128, 128, 64)), tags={"BitsStored": 12})
    item = contents(files)[0]
    with little_memory(1.3 * 4 * 128 * 128 * 64):
        item.load()


def test_a_secondary_capture_is_a_picture():
    tags = {"Modality": "OT", "ImageType": ["DERIVED", "SECONDARY"]}
    files = series((VOXELS[..., :2] // 16).astype(np.uint8), None, tags, sop_class=SECONDARY_CAPTURE)
    listed = contents(files)
    assert len(listed) == 2
    for number, item in enumerate(listed):
        scan = item.load()
        assert scan.kind == "picture"
        assert "does not say where" in scan.notes[0]
        np.testing.assert_array_equal(scan.data, VOXELS[..., number].T // 16)


@pytest.mark.parametrize(
    ("modality", "named"), [("CT", "computed tomography"), ("US", "ultrasound"), ("SM", "another")]
)
def test_another_modality_is_refused_and_listed(modality, named):
    other = series(VOXELS, tags={"Modality": modality}, uid="1.2.840.94")
    with pytest.raises(ReadError, match=f"{named}.*not MR"):
        mriseg.read(other)
    mr, refused = contents([*series(VOXELS), *((f"x{name}", content) for name, content in other)])
    assert mr.refusal is None
    assert named in refused.refusal
    assert "12 files" in refused.title


def report(tags=None, sop_class="1.2.840.10008.5.1.4.1.1.88.11"):
    dataset = pydicom.Dataset()
    dataset.Modality, dataset.SOPInstanceUID = "SR", "1.2.3.4"
    for keyword, value in (tags or {}).items():
        setattr(dataset, keyword, value)
    return written(dataset, sop_class=sop_class)


def test_reports_and_indices_are_passed_over():
    index = written(pydicom.Dataset(), sop_class="1.2.840.10008.1.3.10")
    files = [("sr", report()), ("DICOMDIR", index), *series(VOXELS)]
    assert len(contents(files)) == 1
    assert "no image" in refusal(report())
    assert "index" in refusal(index)
    segmentation = series(VOXELS, tags={"Modality": "SEG"})
    assert "no image" in refusal(segmentation[0][1])


def test_dicom_beside_other_files_is_listed():
    listed = contents([*series(VOXELS), ("scan.nii", nifti(VOXELS.astype(np.int16))), ("notes.txt", b"nothing")])
    assert [item.refusal for item in listed] == [None, None]
    np.testing.assert_array_equal(listed[0].load().data, VOXELS)


def test_a_damaged_file_is_left_out_and_told():
    files = series(VOXELS)
    files[0] = (files[0][0], files[0][1][:-100])
    scan = mriseg.read(files)
    np.testing.assert_array_equal(scan.data, VOXELS[..., 1:])
    assert scan.notes == ("1 file of the series could not be read and is left out.",)


def test_a_slice_whose_code_is_damaged_is_left_out_and_told():
    files = series(VOXELS, tags={"BitsStored": 12}, syntax="jpeg-ls")
    name, content = files[2]
    frame_start = content.index(b"\xff\xf7")
    files[2] = (name, content[: frame_start + 5] + b"\x7f" + content[frame_start + 6 :])
    scan = mriseg.read(files)
    np.testing.assert_array_equal(scan.data, VOXELS[..., 3:])
    assert any("1 slice could not be read" in note for note in scan.notes)
    assert any("missing" in note for note in scan.notes)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.6, 0.9, 0.999])
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_cut_file_is_refused(syntax, share):
    for content in (series(VOXELS[..., :1], syntax=syntax)[0][1], enhanced(VOXELS, syntax=syntax)):
        assert refusal(content[: int(share * len(content)) - 8])


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_damaged_files_are_refused_or_read(syntax):
    whole = [series(VOXELS[..., :1], tags=MPRAGE, syntax=syntax)[0][1], enhanced(VOXELS[..., :5], syntax=syntax)]
    rng = np.random.default_rng(9)
    for _ in range(100):
        content = bytearray(whole[rng.integers(2)])
        for position in rng.integers(132, len(content), rng.integers(1, 8)):
            content[position] = rng.integers(256)
        try:
            scan = mriseg.read(bytes(content))
        except MrisegError:
            continue
        assert np.isfinite(scan.data).all()
        assert scan.affine is None or np.isfinite(scan.affine).all()


@pytest.mark.parametrize("count", [0, -1, 2, 10**6])
def test_a_wrong_number_of_frames_is_refused(count):
    assert refusal(enhanced(VOXELS, tags={"NumberOfFrames": count}))


def test_more_slices_than_are_looked_at_are_too_many():
    content = series(VOXELS[..., :1], None, {"NumberOfFrames": 20_001})[0][1]
    with pytest.raises(TooLargeError, match="20000"):
        mriseg.read(content)


def test_the_title_says_what_the_scan_is():
    assert titles(series(VOXELS, tags=MPRAGE)) == ["t1_mprage_sag, T1w, sagittal, 40 x 32 x 12 voxels of 1 x 1 x 2 mm"]
    assert titles(series(VOXELS, Geometry(AXIAL))) == ["series 3, axial, 40 x 32 x 12 voxels of 1 x 1 x 2 mm"]


def test_the_contrast_is_stated():
    scan = mriseg.read(series(VOXELS, tags=MPRAGE))
    assert scan.header_contrast.contrast is Contrast.T1
    assert scan.header_contrast.reason == "inversion recovery gradient echo, TR 2300 ms, TE 3 ms, TI 900 ms"


def test_nothing_about_the_person_survives():
    files = series(VOXELS, tags=MPRAGE | {"SeriesDescription": "t1 of Doe"})
    scan = mriseg.read(files)
    kept = pickle.dumps(scan) + repr(scan).encode() + "".join(titles(files)).encode() + scan.header.binaryblock
    for text in (*PERSON.values(), "DOE", "1.2.840.99", *(name for name, _ in files)):
        assert text.encode() not in kept


@pytest.mark.parametrize(
    "other",
    [
        {"SeriesDescription": "localizer"},
        {"ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]},
        {"SeriesDescription": "TOF"},
        {"SeriesDescription": "gre_field_mapping"},
        {"ImageType": ["DERIVED", "SECONDARY", "MPR"], "SeriesDescription": "T1 reformatted"},
    ],
)
def test_the_anatomy_is_read_by_default(other):
    coarse = {"ScanningSequence": "SE", "RepetitionTime": 5000, "EchoTime": 100}
    files = series(VOXELS, Geometry(apart=5.0), coarse)
    finer = series(VOXELS + 1, Geometry(sides=(0.5, 0.5)), other, uid="1.2.840.93", each=lambda n: {"SeriesNumber": 1})
    scan = mriseg.read([*files, *((f"x{name}", content) for name, content in finer)])
    np.testing.assert_array_equal(scan.data, VOXELS)


@pytest.mark.parametrize("most", [2, 3])
def test_a_long_time_series_does_not_hide_the_anatomy(monkeypatch, most):
    monkeypatch.setattr(limits, "MAX_ITEMS", most)
    times = enhanced(VOXELS, Geometry(apart=4.0), {"SeriesNumber": 1}, place=lambda frame: frame % 4)
    listed = contents([("a", times), *series(VOXELS, tags=MPRAGE | {"SeriesNumber": 2})])
    assert len(listed) == most
    assert "volume 1 of 3" in listed[0].title
    assert "t1_mprage" in listed[-1].title


SHARED = {
    "siemens/001": ((256, 256, 4), Contrast.FLAIR),
    "siemens/001_implicit": ((256, 256, 4), Contrast.FLAIR),
    "ge/001": ((256, 256, 4), Contrast.T1),
    "ge/001_implicit": ((256, 256, 4), Contrast.T1),
    "hitachi/001": ((64, 64, 4), Contrast.PD),
    "hitachi/001_implicit": ((64, 64, 4), Contrast.PD),
    "siemens_multiframe/001": ((256, 256, 8), None),
    "enhanced_xa30": ((128, 128, 96), Contrast.T1),
    "compressed_j2k/001": ((256, 256, 4), Contrast.FLAIR),
    "compressed_jpeg/001": ((256, 256, 4), Contrast.FLAIR),
    "compressed_jpegls/001": ((256, 256, 4), Contrast.FLAIR),
    "compressed_rle/001": ((256, 256, 4), Contrast.FLAIR),
}


@pytest.mark.parametrize("name", SHARED)
def test_a_series_of_a_scanner_is_read_as_others_read_it(shared, name):
    folder = shared / "data" / "dicom" / name
    shape, contrast = SHARED[name]
    (item,) = contents(folder)
    scan = item.load()
    assert scan.data.shape == shape
    assert (scan.header_contrast.contrast if scan.header_contrast else None) is contrast
    assert scan.notes == ()
    if name == "siemens_multiframe/001":
        return  # nibabel asks for shared functional groups, which this file has not
    for dataset in map(pydicom.dcmread, folder.iterdir()):
        wrapper = wrapper_from_data(dataset)
        # nibabel counts (row, column, slice), to the left and to the back.
        theirs = np.diag([-1, -1, 1, 1]) @ wrapper.affine[:, [1, 0, 2, 3]]
        np.testing.assert_allclose(scan.affine[:, :2], theirs[:, :2], atol=1e-5)
        if wrapper.is_multiframe:
            pixels = np.moveaxis(wrapper.get_data(), 2, 0)
            # It may count the slices the other way round.
            if scan.affine[:3, 2] @ theirs[:3, 2] < 0:
                theirs = theirs @ np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1, len(pixels) - 1], [0, 0, 0, 1]])
                pixels = pixels[::-1]
            np.testing.assert_allclose(scan.affine, theirs, atol=0.02)  # it takes one gap for all
            np.testing.assert_array_equal(scan.data.T, pixels)
        else:
            number = np.linalg.solve(scan.affine, theirs[:, 3])
            np.testing.assert_allclose(number, [0, 0, round(number[2]), 1], atol=1e-3)
            if "compressed" not in name:
                slope, intercept = dataset.get("RescaleSlope", 1), dataset.get("RescaleIntercept", 0)
                values = dataset.pixel_array * float(slope) + float(intercept)
                np.testing.assert_allclose(scan.data[:, :, round(number[2])].T, values)


def test_frames_of_a_scanner_lie_where_the_standard_says(shared):
    (path,) = (shared / "data" / "dicom" / "siemens_multiframe" / "001").iterdir()
    scan, dataset = mriseg.read(path), pydicom.dcmread(path)
    pixels = dataset.pixel_array
    for frame, groups in zip(pixels, dataset.PerFrameFunctionalGroupsSequence, strict=True):
        first = np.array(groups.PlanePositionSequence[0].ImagePositionPatient, float)
        turn = np.array(groups.PlaneOrientationSequence[0].ImageOrientationPatient, float)
        down, across = np.array(groups.PixelMeasuresSequence[0].PixelSpacing, float)
        row, column = 200, 31
        patient = first + turn[:3] * across * column + turn[3:] * down * row  # equation C.7.6.2.1-1
        i, j, k = nibabel.affines.apply_affine(np.linalg.inv(scan.affine), patient * [-1, -1, 1])
        assert (i, j, k) == pytest.approx((column, row, round(k)), abs=0.02)
        np.testing.assert_array_equal(scan.data[:, :, round(k)].T, frame)


def test_the_same_slices_are_the_same_under_every_compression(shared):
    folder = shared / "data" / "dicom"
    scans = [mriseg.read(folder / f"compressed_{kind}" / "001") for kind in ("j2k", "jpeg", "jpegls", "rle")]
    for scan in scans[1:]:
        np.testing.assert_array_equal(scan.data, scans[0].data)
        np.testing.assert_array_equal(scan.affine, scans[0].affine)


def test_colored_maps_of_a_scanner_are_refused(shared):
    with pytest.raises(ReadError, match="in color"):
        mriseg.read(shared / "data" / "dicom" / "rgb")


def test_a_folder_of_many_series_reads_the_anatomy(shared):
    folder = shared / "data" / "dicom"
    scan = mriseg.read(folder)
    assert scan.data.shape == (128, 128, 96)
    assert nibabel.aff2axcodes(scan.affine) == ("P", "I", "R")
