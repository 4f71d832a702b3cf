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
from mriseg.errors import ReadError, TooLargeError
from mriseg.item import best
from mriseg.read import contents
from tests.dicoms import (
    AXIAL,
    CORONAL,
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
MPRAGE = {
    "ScanningSequence": ["GR", "IR"], "SequenceVariant": ["SP", "MP"],
    "RepetitionTime": 2300, "EchoTime": 3, "InversionTime": 900, "SeriesDescription": "t1_mprage_sag",
}  # fmt: skip


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
    assert scan.notes == ()


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
            assert (scan.notes, scan.stated) == (same.notes, same.stated)


def test_a_volume_takes_little_memory_beside_itself():
    files = enhanced(brainlike((128, 128, 64)), tags={"BitsStored": 12})
    item = contents(files)[0]
    with little_memory(1.3 * 4 * 128 * 128 * 64):
        item.load()


# Values


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("syntax", ["explicit", "deflated", "implicit"])
def test_every_type_is_read(dtype, syntax):
    voxels = (VOXELS[..., :4] % 120).astype(dtype) - (0 if np.dtype(dtype).kind == "u" else 60)
    np.testing.assert_array_equal(mriseg.read(series(voxels.astype(dtype), syntax=syntax)).data, voxels)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32])
def test_every_type_is_read_in_big_endian(dtype):
    voxels = (VOXELS[..., :4] % 120).astype(dtype)
    np.testing.assert_array_equal(mriseg.read(series(voxels, syntax="big endian")).data, voxels)


@pytest.mark.parametrize("syntax", ["explicit", "rle", "jpeg lossless", "jpeg-ls", "jpeg 2000"])
def test_signed_values_keep_their_sign(syntax):
    voxels = VOXELS[..., :4].astype(np.int16) - 2000
    np.testing.assert_array_equal(mriseg.read(series(voxels, tags={"BitsStored": 13}, syntax=syntax)).data, voxels)


def test_bits_that_are_not_the_pixel_s_are_dropped():
    # An overlay in the four upper bits; and the same values further up, as old scanners stored them.
    overlay = VOXELS | 0xA000
    np.testing.assert_array_equal(mriseg.read(series(overlay, tags={"BitsStored": 12})).data, VOXELS)
    shifted = (VOXELS << 2) | 0x8001
    tags = {"BitsStored": 12, "HighBit": 13}
    np.testing.assert_array_equal(mriseg.read(series(shifted, tags=tags)).data, VOXELS)


def test_each_slice_has_its_own_slope():
    scaling = lambda number: {"RescaleSlope": 1 + number / 4, "RescaleIntercept": -number}  # noqa: E731
    scan = mriseg.read(series(VOXELS, each=scaling))
    numbers = np.arange(12)
    np.testing.assert_allclose(scan.data, VOXELS * (1 + numbers / 4) - numbers, rtol=1e-6)


def test_each_frame_has_its_own_slope():
    transform = lambda frame: {  # noqa: E731
        "PixelValueTransformationSequence": {"RescaleSlope": 1 + frame, "RescaleIntercept": 5}
    }
    np.testing.assert_allclose(mriseg.read(enhanced(VOXELS, each=transform)).data, VOXELS * (1.0 + np.arange(12)) + 5)


@pytest.mark.parametrize("slope", ["0", "nan", "1e300", "x", ""])
def test_a_slope_that_was_never_meant_is_left_out(slope):
    files = [(name, with_text(content, "RescaleSlope", slope)) for name, content in series(VOXELS)]
    np.testing.assert_array_equal(mriseg.read(files).data, VOXELS)


def with_text(content, keyword, text):
    """The file with a number replaced by any text."""
    dataset = pydicom.dcmread(io.BytesIO(content))
    dataset.add(pydicom.dataelem.DataElement(keyword, "LT", text))
    return written(dataset)


def test_white_zero_is_turned_to_black_zero():
    scan = mriseg.read(series(VOXELS, tags={"PhotometricInterpretation": "MONOCHROME1"}))
    np.testing.assert_array_equal(scan.data, VOXELS.max() - VOXELS.astype(float))


# Which slices make a volume


def test_missing_slices_leave_the_longest_part_and_are_told():
    files = series(VOXELS)
    del files[3]
    scan = mriseg.read(files)
    np.testing.assert_array_equal(scan.data, VOXELS[..., 4:])
    assert scan.affine[:3, 3] == pytest.approx(Geometry(first=tuple(Geometry().position(4))).affine[:3, 3])
    assert "1 slice of the series is missing" in scan.notes[0]
    assert "8 of 11" in scan.notes[0]


def test_too_many_missing_slices_are_refused():
    files = [file for number, file in enumerate(series(VOXELS)) if number not in (3, 6, 9)]
    with pytest.raises(ReadError, match="3 slices of the series are missing"):
        mriseg.read(files)


@pytest.mark.parametrize(("jitter", "is_told"), [(0.002, False), (0.04, True)])
def test_slightly_uneven_spacing_is_averaged(jitter, is_told):
    shifts = np.random.default_rng(0).uniform(-jitter, jitter, 12)
    shifts[[0, -1]] = 0
    geometry = Geometry(AXIAL)
    position = lambda number: {  # noqa: E731
        "ImagePositionPatient": np.add(geometry.position(number), [0, 0, shifts[number]]).tolist()
    }
    scan = mriseg.read(series(VOXELS, geometry, each=position))
    np.testing.assert_allclose(scan.affine, geometry.affine, atol=1e-9)
    assert any("unevenly spaced" in note for note in scan.notes) == is_told


def test_very_uneven_spacing_is_refused():
    heights = np.cumsum(1 + np.arange(12) ** 2 / 10)
    position = lambda number: {"ImagePositionPatient": [0, 0, float(f"{heights[number]:.6g}")]}  # noqa: E731
    with pytest.raises(ReadError, match="unevenly spaced"):
        mriseg.read(series(VOXELS, Geometry(AXIAL), each=position))


def test_slices_that_lie_farther_apart_than_told_are_noted():
    scan = mriseg.read(series(VOXELS, tags={"SpacingBetweenSlices": 1.0, "SliceThickness": 1.0}))
    assert "may be missing" in scan.notes[0]
    # Scanners that write the gap instead of the distance are not meant.
    assert not mriseg.read(series(VOXELS, tags={"SpacingBetweenSlices": 0.4, "SliceThickness": 1.6})).notes


def test_a_slice_that_came_twice_is_read_once():
    files = series(VOXELS)
    scan = mriseg.read([*files, *((f"copy of {name}", content) for name, content in files[2:5])])
    np.testing.assert_array_equal(scan.data, VOXELS)
    assert scan.notes == ("3 slices came twice with the same content and are read once.",)
    renumbered = series(VOXELS, uid="1.2.840.99", each=lambda number: {"SOPInstanceUID": f"1.2.840.96.{number}"})
    scan = mriseg.read([*files, ("another", renumbered[5][1])])
    assert scan.notes == ("1 slice came twice with the same content and is read once.",)


def test_files_that_an_anonymiser_gave_one_number_are_told_apart():
    files = series(VOXELS, each=lambda number: {"SOPInstanceUID": "1.2.3", "InstanceNumber": 1})
    np.testing.assert_array_equal(mriseg.read(files).data, VOXELS)


def test_a_tilted_gantry_is_kept_as_a_slant():
    geometry = Geometry(AXIAL, step=(0.0, 0.5, 3.0))
    scan = mriseg.read(series(VOXELS, geometry))
    np.testing.assert_allclose(scan.affine, geometry.affine, atol=1e-9)
    assert "slant of 9.5 degrees" in scan.notes[0]
    assert (int(scan.header["sform_code"]), int(scan.header["qform_code"])) == (1, 0)


@pytest.mark.parametrize(("shift", "is_read"), [(0.05, True), (0.4, True), (3.0, False)])
def test_slices_shifted_sideways_are_told_or_refused(shift, is_read):
    geometry = Geometry(AXIAL)
    files = series(
        VOXELS,
        geometry,
        each=lambda n: {"ImagePositionPatient": np.add(geometry.position(n), [shift * (n == 5), 0, 0]).tolist()},
    )
    if is_read:
        scan = mriseg.read(files)
        np.testing.assert_allclose(scan.affine, geometry.affine)
        assert any("sideways" in note for note in scan.notes) == (shift > 0.1)
    else:
        with pytest.raises(ReadError, match="do not lie behind one another"):
            mriseg.read(files)


def test_the_planes_of_a_localiser_are_items_of_their_own():
    files = []
    for number, directions in enumerate((AXIAL, CORONAL, SAGITTAL)):
        tags = {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"], "SeriesDescription": "three planes"}
        each = lambda n, number=number: {"SOPInstanceUID": f"1.2.{number}.{n}"}  # noqa: E731
        files += series(VOXELS[..., :4], Geometry(directions, apart=20.0), tags, each, uid="1.2.840.95")
        files[-4:] = [(f"{number}{name}", content) for name, content in files[-4:]]
    found = titles(files)
    assert len(found) == 3
    for plane in ("axial", "coronal", "sagittal"):
        assert sum(f"localiser, {plane}, 40 x 32 x 4 voxels of 1 x 1 x 20 mm" in title for title in found) == 1


def several(entries, volumes=2, geometry=Geometry()):  # noqa: B008
    """Files of several volumes at one place, by a function of the number of volume and slice."""
    files = []
    for number in range(volumes):
        each = lambda n, number=number: {"SOPInstanceUID": f"1.2.{number}.{n}", **entries(number, n)}  # noqa: E731
        files += [(f"{number}{name}", content) for name, content in series(VOXELS + number, geometry, each=each)]
    return files


def test_echoes_are_items_of_their_own():
    files = several(lambda echo, n: {"EchoTime": [12, 96][echo], "InstanceNumber": 2 * n + echo + 1})
    for echo, item in enumerate(contents(files)):
        assert f"TE {[12, 96][echo]} ms" in item.title
        np.testing.assert_array_equal(item.load().data, VOXELS + echo)


@pytest.mark.parametrize(
    "entries",
    [
        lambda time, n: {"TemporalPositionIdentifier": time + 1},
        lambda time, n: {"AcquisitionNumber": time + 1},
        # Acquired in two packages, so that the number of the acquisition says nothing of the time.
        lambda time, n: {"AcquisitionNumber": 1 + n % 2, "InstanceNumber": 12 * time + n},
        lambda time, n: {"TriggerTime": 17.5 * n, "InstanceNumber": 12 * time + n},
        lambda time, n: {"InstanceNumber": 12 * time + n},
        lambda time, n: {"InstanceNumber": 3 * n + time},
    ],
)  # fmt: skip
def test_times_are_items_of_their_own(entries):
    listed = contents(several(entries, volumes=3))
    assert len(listed) == 3
    for time, item in enumerate(listed):
        assert f"volume {time + 1} of 3" in item.title
        np.testing.assert_array_equal(item.load().data, VOXELS + time)


def test_an_entry_that_differs_in_each_slice_does_not_tear_a_volume():
    entries = lambda n: {"EchoTime": 10 + n / 50, "AcquisitionNumber": n, "TriggerTime": 3.5 * n}  # noqa: E731
    np.testing.assert_array_equal(mriseg.read(series(VOXELS, each=entries)).data, VOXELS)


def test_an_aborted_time_series_gives_its_whole_volumes():
    files = several(lambda time, n: {"InstanceNumber": 12 * time + n}, volumes=3)[:-4]
    listed = contents(files)
    for time, item in enumerate(listed[:2]):
        np.testing.assert_array_equal(item.load().data, VOXELS + time)
    assert "8 voxels" in listed[2].title


def test_magnitude_and_phase_are_told_apart():
    kinds = ["M", "P"]
    files = several(lambda kind, n: {"ImageType": ["ORIGINAL", "PRIMARY", kinds[kind]], **MPRAGE})
    magnitude, phase = contents(files)
    assert "phase" in phase.title
    assert best((magnitude, phase)) is magnitude
    assert phase.load().stated is None
    np.testing.assert_array_equal(phase.load().data, VOXELS + 1)


def test_frames_of_several_echoes_and_stacks_are_told_apart():
    frames = np.concatenate([VOXELS, VOXELS + 1], 2)
    echo = lambda frame: {"MREchoSequence": {"EffectiveEchoTime": [12.0, 96.0][frame // 12]}}  # noqa: E731
    first, second = contents(enhanced(frames, each=echo, place=lambda frame: frame % 12))
    assert "TE 12 ms" in first.title
    np.testing.assert_array_equal(second.load().data, VOXELS + 1)
    stack = lambda frame: {"FrameContentSequence": {"StackID": str(frame // 6)}}  # noqa: E731
    assert len(contents(enhanced(VOXELS, each=stack))) == 2


def test_a_frame_of_several_fragments_is_put_together():
    for syntax in ("jpeg lossless", "jpeg-ls", "jpeg 2000"):
        scan = mriseg.read(enhanced(VOXELS, tags={"BitsStored": 12}, syntax=syntax, fragments=3))
        np.testing.assert_array_equal(scan.data, VOXELS)


# What there is besides volumes


def test_a_single_slice_is_a_volume_of_one():
    scan = mriseg.read(series(VOXELS[..., :1], tags={"SliceThickness": 5}))
    assert scan.data.shape == (40, 32, 1)
    assert scan.spacing == pytest.approx((1, 1, 5))
    assert mriseg.read(series(VOXELS[..., :1], tags={"SpacingBetweenSlices": 6})).spacing[2] == pytest.approx(6)


def test_a_single_slice_of_unknown_thickness_is_a_picture():
    scan = mriseg.read(series(VOXELS[..., :1], tags={"SliceThickness": None} | MPRAGE))
    np.testing.assert_array_equal(scan.data, VOXELS[..., 0].T)
    assert scan.kind == "picture"
    assert scan.stated.contrast is Contrast.T1
    assert "thick" in scan.notes[0]


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


def test_colours_are_refused():
    dataset = pydicom.dcmread(io.BytesIO(series((VOXELS[..., :1] // 16).astype(np.uint8), None)[0][1]))
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    dataset.PixelData = dataset.PixelData * 3
    assert "in colour" in refusal(written(dataset))
    palette = series(VOXELS[..., :1], tags={"PhotometricInterpretation": "PALETTE COLOR"})
    assert "in colour" in refusal(palette[0][1])


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


# Damage


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


@pytest.mark.parametrize(
    "keyword", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"]
)
@pytest.mark.parametrize(
    "text", ["nan\\nan\\nan\\nan\\nan\\nan", "1e300\\1e300\\1e300\\0\\0\\0", "0\\0\\0\\0\\0\\0", "-1", "x"]
)
def test_absurd_geometry_is_left_out(keyword, text):
    scan = mriseg.read(with_text(series(VOXELS[..., :1])[0][1], keyword, text))
    assert scan.data.size == 40 * 32
    assert scan.affine is None or (np.isfinite(scan.affine).all() and max(scan.spacing) < 100)


@pytest.mark.parametrize("count", [0, -1, 2, 10**6])
def test_a_wrong_number_of_frames_is_refused(count):
    assert refusal(enhanced(VOXELS, tags={"NumberOfFrames": count}))


@pytest.mark.parametrize("syntax", ["explicit", "jpeg 2000"])
@pytest.mark.parametrize("size", [{"Rows": 65535, "Columns": 65535}, {"Rows": 0}, {"Rows": 4000, "Columns": 4000}])
def test_an_announced_size_that_is_not_there_allocates_nothing(syntax, size):
    dataset = pydicom.dcmread(io.BytesIO(series(VOXELS[..., :1], syntax=syntax)[0][1]))
    for keyword, value in size.items():
        setattr(dataset, keyword, value)
    assert refusal(written(dataset, syntax))


def test_more_slices_than_are_looked_at_are_too_many():
    content = series(VOXELS[..., :1], None, {"NumberOfFrames": 20_001})[0][1]
    with pytest.raises(TooLargeError, match="20000"):
        mriseg.read(content)


# What is said


def test_the_title_says_what_the_scan_is():
    assert titles(series(VOXELS, tags=MPRAGE)) == ["t1_mprage_sag, sagittal, 40 x 32 x 12 voxels of 1 x 1 x 2 mm, T1w"]
    assert titles(series(VOXELS, Geometry(AXIAL))) == ["series 3, axial, 40 x 32 x 12 voxels of 1 x 1 x 2 mm"]


def test_the_contrast_is_stated():
    scan = mriseg.read(series(VOXELS, tags=MPRAGE))
    assert scan.stated.contrast is Contrast.T1
    assert scan.stated.reason == "inversion recovery gradient echo, TR 2300 ms, TE 3 ms, TI 900 ms"


@pytest.mark.parametrize(
    "description",
    ["T1 doe", "DOE^JANE", "t1_Jane_sag", "x4711", "T1 19700101", "sagDOEJane", "Elsewhere T1", "MR 123456789"],
)
def test_a_description_that_names_the_person_is_withheld(description):
    assert titles(series(VOXELS, tags={"SeriesDescription": description}))[0].startswith("series 3,")


def test_a_description_is_cut_and_cleaned():
    title = titles(
        series(VOXELS, tags={"SpecificCharacterSet": "ISO_IR 192", "SeriesDescription": "tête\x07" + "x" * 58})
    )
    assert title[0].startswith("tête" + "x" * 56 + ", ")


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


# Real scans, and another reader


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
    assert (scan.stated.contrast if scan.stated else None) is contrast
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


def test_coloured_maps_of_a_scanner_are_refused(shared):
    with pytest.raises(ReadError, match="in colour"):
        mriseg.read(shared / "data" / "dicom" / "rgb")


def test_a_folder_of_many_series_reads_the_anatomy(shared):
    folder = shared / "data" / "dicom"
    scan = mriseg.read(folder)
    assert scan.data.shape == (128, 128, 96)
    assert nibabel.aff2axcodes(scan.affine) == ("P", "I", "R")
