import numpy as np
import pytest

import mriseg
from mriseg import Contrast
from mriseg.core.errors import ReadError
from mriseg.io.catalog import best
from mriseg.io.dicom import stacks as dicom_stacks
from mriseg.io.dicom.pixels import codes
from mriseg.io.reader import contents
from tests.dicom_files import (
    AXIAL,
    CORONAL,
    MPRAGE,
    SAGITTAL,
    Geometry,
    brainlike,
    enhanced,
    series,
)

VOXELS = brainlike((40, 32, 12))


def titles(source):
    return [item.title for item in contents(source)]


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


def test_frames_that_came_twice_are_found_in_one_pass_through_the_file(monkeypatch):
    passes = []
    monkeypatch.setattr(dicom_stacks, "codes", lambda *asked: passes.append(asked) or codes(*asked))
    volume = np.concatenate([VOXELS, VOXELS[:, :, [11] * 8]], axis=2)
    scan = mriseg.read(enhanced(volume, place=lambda frame: min(frame, 11), syntax="rle"))
    np.testing.assert_array_equal(scan.data, VOXELS)
    assert scan.notes == ("8 slices came twice with the same content and are read once.",)
    assert len(passes) == 1


def test_files_that_an_anonymizer_gave_one_number_are_told_apart():
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


def test_the_planes_of_a_localizer_are_items_of_their_own():
    files = []
    for number, directions in enumerate((AXIAL, CORONAL, SAGITTAL)):
        tags = {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"], "SeriesDescription": "three planes"}
        each = lambda n, number=number: {"SOPInstanceUID": f"1.2.{number}.{n}"}  # noqa: E731
        files += series(VOXELS[..., :4], Geometry(directions, apart=20.0), tags, each, uid="1.2.840.95")
        files[-4:] = [(f"{number}{name}", content) for name, content in files[-4:]]
    found = titles(files)
    assert len(found) == 3
    for plane in ("axial", "coronal", "sagittal"):
        assert sum(f"localizer, {plane}, 40 x 32 x 4 voxels of 1 x 1 x 20 mm" in title for title in found) == 1


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
    assert "a map of phases, not a scan" in phase.refusal
    assert phase.load_map().header_contrast is None
    np.testing.assert_array_equal(phase.load_map().data, VOXELS + 1)
    np.testing.assert_array_equal(magnitude.load().data, VOXELS)


def test_frames_of_several_echoes_and_stacks_are_told_apart():
    frames = np.concatenate([VOXELS, VOXELS + 1], 2)
    echo = lambda frame: {"MREchoSequence": {"EffectiveEchoTime": [12.0, 96.0][frame // 12]}}  # noqa: E731
    first, second = contents(enhanced(frames, each=echo, place=lambda frame: frame % 12))
    assert "TE 12 ms" in first.title
    np.testing.assert_array_equal(second.load().data, VOXELS + 1)
    stack = lambda frame: {"FrameContentSequence": {"StackID": str(frame // 6)}}  # noqa: E731
    assert len(contents(enhanced(VOXELS, each=stack))) == 2


def test_a_single_slice_is_a_volume_of_one():
    scan = mriseg.read(series(VOXELS[..., :1], tags={"SliceThickness": 5}))
    assert scan.data.shape == (40, 32, 1)
    assert scan.spacing == pytest.approx((1, 1, 5))
    assert mriseg.read(series(VOXELS[..., :1], tags={"SpacingBetweenSlices": 6})).spacing[2] == pytest.approx(6)


def test_a_single_slice_of_unknown_thickness_is_a_picture():
    scan = mriseg.read(series(VOXELS[..., :1], tags={"SliceThickness": None} | MPRAGE))
    np.testing.assert_array_equal(scan.data, VOXELS[..., 0].T)
    assert scan.kind == "picture"
    assert scan.header_contrast.contrast is Contrast.T1
    assert "thick" in scan.notes[0]
