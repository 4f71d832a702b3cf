import gzip
import io
import re
import warnings

import nibabel
import numpy as np
import pytest
from nibabel.parrec import PARRECArrayProxy, PARRECHeader

import mriseg
from mriseg.core import limits
from mriseg.core.errors import MrisegError, ReadError
from mriseg.io.reader import contents
from tests.helpers import little_memory
from tests.volume_files import DATA

PHANTOM = (DATA / "phantom_EPI_asc_CLEAR_2_1.PAR").read_bytes()
SHAPE, DYNAMICS = (64, 64, 9), 3
REC = np.random.default_rng(0).integers(0, 4000, SHAPE[0] * SHAPE[1] * SHAPE[2] * DYNAMICS).astype("<u2").tobytes()
TABLE = re.compile(rb"^ +\d.*\n?", re.MULTILINE)
COLUMN = {"slice": 0, "echo": 1, "dynamic": 2, "type": 4, "pixel bits": 7, "width": 9, "intercept": 11, "slope": 12}
COLUMN |= {"scale": 13, "orientation": 25, "side": 28}


MAPS = ("ADC_Map.PAR", "umass_anonymized.PAR")  # of nibabel's examples, those that hold nothing else


def pair(par: bytes = PHANTOM, rec: bytes = REC) -> list[tuple[str, bytes]]:
    return [("x.PAR", par), ("x.REC", rec)]


def with_column(name: str, value: str | None, rows: slice = slice(None)) -> bytes:
    """The phantom's table with another value in a column of some rows; rows without a value are left out."""
    lines = TABLE.findall(PHANTOM)
    for row in range(len(lines))[rows]:
        words = lines[row].split()
        words[COLUMN[name]] = (value or "").encode()
        lines[row] = b"  " + b"  ".join(words) + b"\n" if value else b""
    return PHANTOM[: TABLE.search(PHANTOM).start()] + b"".join(lines)


def refusal(source: list[tuple[str, bytes]]) -> str:
    with little_memory(4e6 + 3 * sum(len(content) for _, content in source)), pytest.raises(MrisegError) as caught:
        mriseg.read(source)
    return str(caught.value)


def by_nibabel(par: bytes, rec: bytes) -> tuple[list[np.ndarray], np.ndarray]:
    """Floating-point values of each volume, and the affine."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header = PARRECHeader.from_fileobj(io.StringIO(par.decode("latin-1")), permit_truncated=True, strict_sort=True)
    data = np.asarray(PARRECArrayProxy(io.BytesIO(rec), header, scaling="fp"))
    return [*np.moveaxis(data, -1, 0)] if data.ndim == 4 else [data], header.get_affine()


@pytest.mark.parametrize(
    "name", sorted(path.name for path in DATA.glob("*.PAR") if path.name not in ("NA.PAR", "T1_dual_echo.PAR", *MAPS))
)
def test_what_philips_exports_is_read_as_nibabel_reads_it(name):
    # Of most of them nibabel ships the table alone: any numbers do for the slices.
    par = (DATA / name).read_bytes()
    slices = len(TABLE.findall(par)) or par.count(b"\n")
    rec = np.random.default_rng(1).integers(0, 4000, slices * 200 * 200).astype("<u2").tobytes()
    expected, affine = by_nibabel(par, rec)
    listed = contents(pair(par, rec))
    assert len(listed) == len(expected)
    for item, volume in list(zip(listed, expected, strict=True))[::5]:
        scan = (item.load_map or item.load)()
        np.testing.assert_allclose(scan.data, volume, rtol=1e-5)
        np.testing.assert_allclose(scan.affine, affine)
        assert scan.sides_known


@pytest.mark.parametrize(
    ("kind", "what"),
    [("2", "imaginary parts"), ("3", "phases"), ("11", "diffusion coefficients"), ("16", "anisotropy")],
)
def test_a_map_is_refused_by_its_type(kind, what):
    assert what in refusal(pair(with_column("type", kind)))
    mixed = pair(with_column("type", kind, slice(0, 9)))
    np.testing.assert_array_equal(mriseg.read(mixed).data, contents(pair())[1].load().data)


@pytest.mark.parametrize("name", MAPS)
def test_maps_of_a_scanner_are_refused(name):
    assert "not a scan" in refusal(pair((DATA / name).read_bytes(), REC * 80))


def test_magnitudes_real_parts_and_types_without_a_meaning_are_scans():
    for kind in ("0", "1", "99"):
        assert mriseg.read(pair(with_column("type", kind))).data.any()


@pytest.mark.parametrize("name", ["x.REC", "x.rec", "X.Rec"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=("plain", "gz"))
def test_both_halves_are_found_whatever_their_case(name, pack, tmp_path):
    name += ".gz" if pack is gzip.compress else ""
    whole = mriseg.read(pair())
    np.testing.assert_array_equal(mriseg.read([(name, pack(REC)), ("x.par", PHANTOM)]).data, whole.data)
    (tmp_path / name).write_bytes(pack(REC))
    (tmp_path / "x.PAR").write_bytes(PHANTOM)
    np.testing.assert_array_equal(mriseg.read(tmp_path).data, whole.data)


def test_the_par_alone_finds_its_rec_on_disk():
    scan = mriseg.read(DATA / "phantom_EPI_asc_CLEAR_2_1.PAR")
    assert scan.data.shape == SHAPE
    assert scan.data.max() > 0


def test_a_half_is_told_to_bring_the_other():
    assert "Drop both files together" in refusal(pair()[:1])
    assert "Drop both files together" in refusal(pair()[1:])


def test_the_scanners_floating_point_values_are_taken():
    scan = mriseg.read(pair(with_column("intercept", "5")))
    stored = np.frombuffer(REC, "<u2")[: scan.data.size].reshape(SHAPE, order="F")
    np.testing.assert_allclose(scan.data, stored / 4.28404e-3 + 5 / (1.29035 * 4.28404e-3), rtol=1e-6)


def test_without_them_the_displayed_values_are_taken():
    scan = mriseg.read(pair(with_column("scale", "0")))
    stored = np.frombuffer(REC, "<u2")[: scan.data.size].reshape(SHAPE, order="F")
    np.testing.assert_allclose(scan.data, stored * 1.29035, rtol=1e-6)


def test_each_dynamic_can_be_chosen():
    listed = contents(pair())
    stored = np.frombuffer(REC, "<u2").reshape((*SHAPE, DYNAMICS), order="F")
    assert [item.title[:45] for item in listed] == [
        f"Volume {n} of 3 (magnitude, dynamic {n}), 64 x 64" for n in (1, 2, 3)
    ]
    for number, item in enumerate(listed):
        scan = item.load()
        np.testing.assert_allclose(scan.data, stored[..., number] / 4.28404e-3, rtol=1e-6)
        assert any(f"this is number {number + 1} (magnitude, dynamic {number + 1})" in note for note in scan.notes)


def test_echoes_whose_slices_take_turns_are_told_apart():
    par = (DATA / "T1_dual_echo.PAR").read_bytes().replace(b"256  256", b" 64   64")
    rec = np.arange(360, dtype="<u2").repeat(64 * 64).tobytes()
    listed = contents(pair(par, rec))
    assert [item.title.split(")")[0] for item in listed] == [f"Volume {n} of 2 (magnitude, echo {n}" for n in (1, 2)]
    first, second = (item.load().data for item in listed)
    np.testing.assert_array_equal(np.unique(first), np.unique(first[0, 0]))
    assert not np.intersect1d(first, second).size


def test_the_magnitude_is_preferred_and_comes_first():
    par = (DATA / "T1_3echo_mag_real_imag_phase.PAR").read_bytes()
    rec = bytes(2 * 80 * 80 * 360)
    listed = contents(pair(par, rec))
    assert [item.title.split("(")[1].split(",")[0] for item in listed[::3]] == [
        "magnitude", "real part", "imaginary part", "phase",
    ]  # fmt: skip
    assert max(listed, key=lambda item: item.rank) is listed[0]
    assert listed[0].rank == listed[2].rank > listed[3].rank


def test_of_a_diffusion_series_the_unweighted_volume_is_preferred():
    listed = contents(pair((DATA / "DTI.PAR").read_bytes(), bytes(2 * 80 * 80 * 80)))
    best = max(listed, key=lambda item: item.rank)
    assert "b 0" in best.title
    assert sum(item.rank == best.rank for item in listed) == 1


def test_volumes_that_lack_slices_are_left_out():
    listed = contents(pair(with_column("slice", None, slice(-4, None))))
    assert len(listed) == 2
    assert any("broken off" in note for note in listed[0].load().notes)


def test_a_single_volume_that_lacks_slices_is_refused():
    assert "no volume in it has all its slices" in refusal(pair(with_column("slice", None, slice(8, None))))


@pytest.mark.parametrize("count", ["10", "2147483648", "9999999999999999999", "0", "-1"])
def test_a_number_of_slices_that_the_table_does_not_hold_is_refused(count):
    par = re.sub(rb"(slices/locations +: +)9", rb"\g<1>" + count.encode(), PHANTOM)
    assert "no volume in it has all its slices" in refusal(pair(par))


def test_a_survey_in_three_directions_is_refused():
    assert "survey" in refusal(pair((DATA / "NA.PAR").read_bytes()))


@pytest.mark.parametrize(("field", "value"), [("Angulation", "nan"), ("Off Centre", "inf"), ("Off Centre", "nan")])
def test_a_broken_orientation_keeps_the_voxel_sizes(field, value):
    par = re.sub(rf"({field} midslice.*:).*".encode(), rb"\1 " + value.encode() + b" 0 0", PHANTOM)
    scan = mriseg.read(pair(par))
    assert scan.spacing == (3.75, 3.75, 8)
    assert not scan.sides_known
    assert any("orientation is broken" in note for note in scan.notes)


def test_the_phantom_lies_in_the_scanner_as_it_was_laid():
    scan = mriseg.read(pair())
    assert "".join(nibabel.aff2axcodes(scan.affine)) == "LPS"
    assert scan.spacing == pytest.approx((3.75, 3.75, 8))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("slice", "-1"), ("slice", "x"), ("pixel bits", "32"), ("pixel bits", "0"), ("width", "0"), ("width", "-64"),
        ("width", "9223372036854775808"), ("orientation", "7"), ("side", "x"), ("slope", "x"),
    ],
)  # fmt: skip
def test_a_table_that_makes_no_sense_is_refused(name, value):
    assert refusal(pair(with_column(name, value)))


@pytest.mark.parametrize("version", [b"V3", b"V4.3", b"X"])
def test_other_versions_are_refused(version):
    assert "another version" in refusal(pair(PHANTOM.replace(b"V4.2", version)))


def test_claims_allocate_nothing():
    assert "cut short" in refusal(pair(with_column("width", "6000")))
    assert "at most 40 million" in refusal(pair(with_column("width", "900000")))


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_a_cut_rec_is_refused(share):
    assert "cut short" in refusal(pair(rec=REC[: int(share * len(REC))]))


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.7])
def test_a_cut_par_is_refused(share):
    with pytest.raises(ReadError):
        contents(pair(PHANTOM[: int(share * len(PHANTOM))]))


def test_nothing_about_the_person_survives():
    par = re.sub(rb"(Patient name +:).*", rb"\1 DOE JANE", PHANTOM)
    assert b"DOE" in par
    item = contents(pair(par))[0]
    scan = item.load()
    assert "DOE" not in repr(item) + repr(scan) + str(scan) + repr(scan.notes)


def test_a_damaged_header_is_refused_or_read():
    rng = np.random.default_rng(7)
    for _ in range(300):
        content = bytearray(PHANTOM)
        for position in rng.integers(0, len(PHANTOM), rng.integers(1, 6)):
            content[position] = rng.choice([rng.integers(256), *b"019-. \n"])
        try:
            scan = mriseg.read(pair(bytes(content)))
        except MrisegError:
            continue
        assert np.isfinite(scan.data).all()
        assert np.isfinite(scan.spacing).all()


def test_reading_takes_little_more_memory_than_the_volume():
    par = with_column("width", "1024")
    rec = bytes(2 * 1024 * 64 * 27)
    with little_memory(4 * 1024 * 64 * 9 + 3 * limits.BLOCK_BYTES):
        mriseg.read(pair(par, rec))


def test_a_table_without_end_is_not_read_to_its_end():
    row = TABLE.search(PHANTOM)
    bomb = gzip.compress(PHANTOM[: row.start()] + row.group() * 200_000, 1)
    with little_memory(12e6), pytest.raises(ReadError, match="longer than any real one"):
        mriseg.read(pair(bomb))
