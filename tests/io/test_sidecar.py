"""Which files belong together."""

import pytest

from mriseg.io.file import File
from mriseg.io.sidecar import base_name, called, halves, partner


def named(name: str, *folder: str) -> File:
    return File(name, 0, lambda: None, folder)


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("t1.hdr", "t1"),
        ("t1.img.gz", "t1"),
        ("t1.v2.raw.bz2", "t1.v2"),
        ("t1", "t1"),
        (".hdr", ".hdr"),
        ("T1.IMG", "T1"),
    ],
)
def test_the_base_of_a_name_is_without_what_says_its_format(name, base):
    assert base_name(name) == base


def test_the_other_half_is_the_first_ending_that_is_there_whatever_its_case():
    header, files = named("t1.hdr"), [named("t2.img"), named("T1.IMG.gz"), named("t1.img", "elsewhere")]
    assert partner(header, files, ".img", ".img.gz") is files[1]
    assert partner(header, files[:1], ".img", ".img.gz") is None


@pytest.mark.parametrize("name", ["t1.raw", "data/t1.raw", "..\\secret\\t1.raw", "/etc/t1.raw"])
def test_of_what_a_header_names_only_the_last_part_counts_and_only_in_its_own_folder(name):
    header, files = named("t1.mhd", "a"), [named("t1.raw", "b"), named("t1.raw", "a")]
    assert called(name, header, files) is files[1]


def test_beside_a_header_lie_the_voxels_of_its_name_or_any_where_it_says_which(tmp_path):
    for name in ("t1.hdr", "t1.img", "t2.img", "t1.mhd", "t1.txt", "t3.raw"):
        (tmp_path / name).touch()
    assert [path.name for path in halves(tmp_path / "t1.hdr")] == ["t1.img"]
    assert [path.name for path in halves(tmp_path / "t1.mhd")] == ["t1.img", "t2.img", "t3.raw"]
    assert halves(tmp_path / "t1.img") == []
