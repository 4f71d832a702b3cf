"""The tables of every figure: grouped, each figure once, what is out of the usual marked."""

from dataclasses import replace

import pytest

from mriseg import Contrast, segment
from mriseg.app import texts
from mriseg.app.panels.numbers import figures_table, volumes_table
from mriseg.core.tissue import ABNORMAL, BRAIN_TISSUE, Tissue
from mriseg.datasets.samples import SAMPLES
from mriseg.quality.definitions import FIGURES, Group


@pytest.fixture(scope="module")
def result():
    return segment(next(iter(SAMPLES.values())).make()[0])


def figure_of(key):
    return next(figure for figure in FIGURES if figure.key == key)


def row_of(table, name):
    (row,) = [line for line in table.splitlines() if line.startswith(f"| {name} |")]
    return row


@pytest.mark.parametrize(("key", "cell"), [("mean_posterior", "| 99 % |"), ("mixed_share", "| 100.0 % |")])
def test_a_share_may_be_full_and_a_certainty_never(result, key, cell):
    table = figures_table(replace(result, quality={**result.quality, key: 0.99999}), Group.MODEL)
    assert cell in row_of(table, figure_of(key).name)


@pytest.mark.parametrize(
    ("key", "value", "marked"),
    [
        ("cjv", 0.95, ":red[▲ above usual]"),
        ("cjv", 0.2, ":green[▼ below usual]"),
        ("snr_total", 4.0, ":red[▼ below usual]"),
        ("wm2max", 0.9, ":red[▲ above usual]"),
        ("cjv", 0.9, None),
    ],
)
def test_of_a_t1_volume_what_is_out_of_the_usual_is_marked_in_words(segmented, key, value, marked):
    volume = segmented(Contrast.T1)
    table = figures_table(replace(volume, quality={**volume.quality, key: value}), Group.IMAGE)
    row = row_of(table, figure_of(key).name)
    assert (marked is None and "usual" not in row) or marked in row
    assert "–" in row  # the range


@pytest.mark.parametrize("contrast", [Contrast.T2, Contrast.PD, Contrast.FLAIR, Contrast.UNKNOWN])
def test_what_is_usual_in_another_contrast_is_not_said(segmented, contrast):
    other = replace(segmented(Contrast.T1), contrast=contrast, quality={**segmented(Contrast.T1).quality, "cjv": 9.0})
    table = figures_table(other, Group.IMAGE)
    assert table.startswith(texts.FIGURES_HEAD_ALONE)
    assert "usual" not in table.casefold()
    assert len({line.count("|") for line in table.splitlines()}) == 1


def test_of_a_picture_nothing_is_usual_since_its_window_was_chosen(result):
    assert result.contrast is Contrast.T1
    assert figures_table(result, Group.IMAGE).startswith(texts.FIGURES_HEAD_ALONE)


def test_no_figure_stands_twice_and_none_is_missing(segmented):
    volume = segmented(Contrast.T1)
    tables = [
        volumes_table(volume),
        *(figures_table(volume, group, parts=parts) for group in (Group.IMAGE, Group.MODEL) for parts in (False, True)),
    ]
    names = [line.split("|")[1].strip() for table in tables for line in table.splitlines()[2:]]
    assert len(set(names)) == len(names)
    # Shares stand beside the volumes, the sides of a voxel in one row.
    told = {figure.name for figure in FIGURES if not figure.key.startswith(("icvs", "spacing"))}
    assert told & {figure_of(key).name for key in volume.quality} <= set(names)
    assert texts.VOXEL_SIZE in names
    assert len({line.count("|") for line in tables[1].splitlines()}) == 1


def test_what_cannot_be_told_apart_has_one_row(result):
    alike = replace(result, quality={**result.quality, "tissue_contrast": 0.1})
    table = volumes_table(alike)
    assert f"| {BRAIN_TISSUE} |" in table
    assert f"| {Tissue.GM.title} |" not in table
    assert figure_of("gm_wm_ratio").name not in table


def test_what_is_abnormal_has_a_row(with_lesion):
    assert f"| {ABNORMAL.title} |" in volumes_table(with_lesion[1])
