import io

import numpy as np
import pydicom
import pytest

import mriseg
from mriseg.io.reader import contents
from tests.dicom_files import (
    brainlike,
    series,
    with_text,
    written,
)
from tests.helpers import refusal

VOXELS = brainlike((40, 32, 12))


def titles(source):
    return [item.title for item in contents(source)]


@pytest.mark.parametrize(
    "description",
    [
        "T1 doe",
        "DOE^JANE",
        "t1_Jane_sag",
        "x4711",
        "T1 19700101",
        "sagDOEJane",
        "Elsewhere T1",
        "MR 123456789",
        "T1_01.01.1970",
        "t1 JDoe",
    ],
)
def test_a_description_that_names_the_person_is_withheld(description):
    assert titles(series(VOXELS, tags={"SeriesDescription": description}))[0].startswith("series 3,")


def test_a_description_is_cut_and_cleaned():
    called = "tête\x07" + "T1 " * 19
    title = titles(series(VOXELS, tags={"SpecificCharacterSet": "ISO_IR 192", "SeriesDescription": called}))
    assert title[0].startswith("tête " + "T1 " * 18 + "T, ")


@pytest.mark.parametrize(
    ("description", "shown"),
    [
        ("T1 born 12 March 1980", "T1 …"), ("SMITH^JOHN sag", "… sag"), ("12 March 1980", "series 3"),
        ("AWP45123", "series 3"), ("j.smith@brain.org T2", "… T2"), ("030 1234567 T1", "series 3"),
    ],
)  # fmt: skip
def test_of_a_description_what_is_no_word_of_such_names_is_left_out(description, shown):
    tags = {"PatientName": "Anonymous", "SeriesDescription": description}
    assert titles(series(VOXELS, tags=tags))[0].startswith(f"{shown}, ")


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


def test_colors_are_refused():
    dataset = pydicom.dcmread(io.BytesIO(series((VOXELS[..., :1] // 16).astype(np.uint8), None)[0][1]))
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    dataset.PixelData = dataset.PixelData * 3
    assert "in color" in refusal(written(dataset))
    palette = series(VOXELS[..., :1], tags={"PhotometricInterpretation": "PALETTE COLOR"})
    assert "in color" in refusal(palette[0][1])


@pytest.mark.parametrize("slope", ["0", "nan", "1e300", "x", ""])
def test_a_slope_that_was_never_meant_is_left_out(slope):
    files = [(name, with_text(content, "RescaleSlope", slope)) for name, content in series(VOXELS)]
    np.testing.assert_array_equal(mriseg.read(files).data, VOXELS)


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("MÜLLER^RENÉE", "t1 mueller"), ("Mueller^Eva", "T1 Müller"), ("Renée^Ann", "RENEE t1"), ("LI^NA", "na li t1"),
        ("Doe^Jo", "DoeJ"), ("Strauß^Eva", "STRAUSS"),
    ],
)  # fmt: skip
def test_a_name_is_known_however_it_is_spelled(name, description):
    tags = {"SpecificCharacterSet": "ISO_IR 192", "PatientName": name, "SeriesDescription": description}
    assert titles(series(VOXELS, tags=tags))[0].startswith("series 3,")


def test_a_description_that_names_nobody_is_shown():
    tags = {"PatientName": "LI^NA", "SeriesDescription": "t1_mprage 1.0x1.0x1.0 b0-500-1000"}
    assert titles(series(VOXELS, tags=tags))[0].startswith("t1_mprage 1.0x1.0x1.0 b0-500-1000,")
