import numpy as np
import pytest

from mriseg.core.errors import ReadError
from mriseg.core.tissue import Contrast
from mriseg.io.catalog import ScanEntry, best, rank, refused, refused_as_scan


def an(worth: float) -> ScanEntry:
    return ScanEntry("scan", worth, lambda: None)


def test_the_most_suitable_is_taken_and_of_equals_the_first():
    items = an(1.0), an(3.0), an(3.0), refused("unreadable", "It is damaged.")
    assert best(items) is items[1]


def test_a_refused_item_says_why_when_it_is_loaded():
    item = refused("unreadable", "It is damaged. Copy it again.")
    assert item.rank == -np.inf
    with pytest.raises(ReadError, match="Copy it again"):
        item.load()


def test_what_is_no_scan_is_never_the_best_but_can_be_read_as_a_map():
    read = []
    statistics = refused_as_scan(ScanEntry("volume", 5.0, lambda: read.append(1)), "It holds statistics. Give a scan.")
    assert best((statistics, an(-30.0))).refusal is None
    assert best((refused("unreadable", "It is damaged."), statistics)) is statistics
    with pytest.raises(ReadError, match="Give a scan"):
        statistics.load()
    statistics.load_map()
    assert read == [1]


def test_a_slab_of_half_the_brain_is_worth_less_than_thick_slices_of_all():
    slab = rank((400, 400, 80), (0.5, 0.5, 0.6), Contrast.T2)
    assert slab < rank((512, 512, 24), (0.45, 0.45, 5.0), Contrast.T2)


def test_a_contrast_that_is_stated_counts_more_than_one_that_is_not():
    for contrast in set(Contrast) - {Contrast.UNKNOWN}:
        assert rank((256, 256, 30), (0.9, 0.9, 5.0), contrast) > rank((256, 256, 30), (0.9, 0.9, 5.0))


def test_of_pictures_the_larger_is_better_and_none_is_as_good_as_a_slice_with_a_size():
    assert rank((128, 128)) < rank((512, 512)) < rank((256, 256, 1), (0.9, 0.9, 1.0))


HEAD = rank((256, 256, 180), (1.0, 1.0, 1.0), Contrast.T1)


@pytest.mark.parametrize(
    ("shape", "spacing", "contrast"),
    [
        ((256, 256, 180), (1.0, 1.0, 1.0), Contrast.FLAIR),
        ((256, 256, 180), (1.0, 1.0, 1.0), Contrast.UNKNOWN),
        ((512, 512, 30), (0.45, 0.45, 5.0), Contrast.T1),  # fine pixels, thick slices
        ((512, 512, 3), (0.5, 0.5, 10.0), Contrast.T1),  # a localizer
        ((256, 256, 1), (1.0, 1.0, 5.0), Contrast.T1),
        ((64, 64, 36), (3.5, 3.5, 3.5), Contrast.UNKNOWN),
        ((2000, 2000), None, Contrast.UNKNOWN),
    ],
)
def test_a_whole_head_of_1_mm_in_t1_is_preferred(shape, spacing, contrast):
    assert rank(shape, spacing, contrast) < HEAD


def test_more_air_around_the_head_is_no_better():
    assert rank((512, 512, 400), (1.0, 1.0, 1.0), Contrast.T1) == HEAD
