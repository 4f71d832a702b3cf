"""One scan of many: what is read of it, and that whatever goes wrong is told and logged."""

import logging
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from mriseg import MrisegError, Settings, read, segment
from mriseg.core.errors import WriteError
from mriseg.datasets.samples import SAMPLES
from mriseg.export.images import encode_scan
from mriseg.segmentation.pipeline import STAGES
from mriseg.study.attempt import LoadedScan, load_scan, try_segment
from mriseg.study.record import of_result


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    """A slice, which is segmented in no time."""
    file = tmp_path_factory.mktemp("scan") / "slice.png"
    file.write_bytes(encode_scan(SAMPLES["slice-t1"].make()[0]))
    return file


def test_the_record_is_that_of_the_scan_segmented_by_itself(file):
    stages, used = [], []
    record = try_segment(file, Settings(), use=lambda *both: used.append(both), progress=stages.append)
    assert record == of_result(str(file), segment(read(file)))
    assert stages == ["read", *STAGES, "write"]
    ((scan, result),) = used
    assert np.array_equal(scan.data, read(file).data)
    assert result.fractions == record.fractions


def test_a_scan_may_come_from_elsewhere_than_a_file(file):
    record = try_segment("the third", Settings(), load=lambda: LoadedScan(read(file), several="Of 5 the third."))
    assert record == of_result("the third", segment(read(file)), "Of 5 the third.")


def test_of_several_scans_in_one_the_asked_for_is_read_and_named(file, tmp_path):
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.write(file, "a.png")
        archive.writestr("b.png", encode_scan(SAMPLES["slice-t2"].make()[0]))
    first, second = (load_scan(tmp_path / "two.zip", number=number) for number in (1, 2))
    assert not np.array_equal(first.scan.data, second.scan.data)
    assert second.several.startswith("Of 2 scans in it, number 2: ")
    assert load_scan(file).several == ""


def test_the_mask_and_the_channels_are_read_with_it(file, tmp_path):
    scan = read(file)
    mask = np.zeros(scan.data.shape, bool)
    mask[20:60, 30:70] = True
    PIL.Image.fromarray(np.where(mask, np.uint8(255), np.uint8(0))).save(tmp_path / "mask.png")
    loaded = load_scan(file, mask_file=tmp_path / "mask.png", channel_files=(file, file))
    assert np.array_equal(loaded.mask, mask)
    assert [np.array_equal(channel.data, scan.data) for channel in loaded.channels] == [True, True]


def test_what_is_not_foreseen_is_logged_without_its_message_and_what_is_only_for_details(file, caplog):
    def use(scan, result):
        secret = "DOE^JANE"
        raise RuntimeError(secret)

    with caplog.at_level(logging.INFO, "mriseg"):
        try_segment(file, Settings(), use=use)
        try_segment(file.with_name("absent_doe.nii"), Settings())
    (logged,) = caplog.messages
    assert logged.startswith("RuntimeError\n  mriseg/study/attempt.py:")
    assert "DOE" not in logged
    with caplog.at_level(logging.DEBUG, "mriseg"):
        try_segment(file.with_name("absent_doe.nii"), Settings())
    assert "mriseg.core.errors.ReadError" in caplog.messages[-1]
    assert "doe" not in caplog.text


@pytest.mark.parametrize(
    ("error", "is_final", "says"),
    [
        (MrisegError("It is a shoe."), True, "It is a shoe."),
        (WriteError("No room."), False, "No room."),
        (MemoryError(), False, "not enough memory"),
        (RuntimeError("secret name"), False, "RuntimeError"),
    ],
)
def test_whatever_goes_wrong_becomes_a_sentence(file, error, is_final, says):
    def use(scan, result):
        raise error

    record = try_segment(file, Settings(), use=use)
    assert says in record.failure
    assert "secret" not in record.failure
    assert record.is_final == is_final
    assert record.volumes_ml is None
    assert record.quality == {}


def test_an_absent_file_and_an_absent_number_are_told(file, tmp_path):
    assert "opened" in try_segment(tmp_path / "absent.nii", Settings()).failure
    assert "no number 2" in try_segment(file, Settings(), load=partial(load_scan, file, number=2)).failure
