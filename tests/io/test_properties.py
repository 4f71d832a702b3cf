"""What holds for every array and every header, with examples that hypothesis looks for."""

import io
import zipfile
from functools import cache

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import mriseg
from mriseg import MrisegError
from mriseg.io.reader import contents
from tests import volume_files
from tests.corpus import CORPUS
from tests.helpers import ALL_AXES, encoded, nifti, stored_as

settings.register_profile("mriseg", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("mriseg")

TYPES = [order + kind for kind in ("i2", "u2", "i4", "f4", "f8") for order in "<>"] + ["u1"]
SHAPES = st.tuples(*[st.integers(16, 20)] * 3)
UPRIGHT = np.array([[1.1, 0, 0, -10], [0, 2, 0, 20], [0, 0, 3.3, -30], [0, 0, 0, 1]])


@st.composite
def volumes(draw, types=tuple(TYPES)) -> np.ndarray:
    """A volume of any type whose values single precision holds."""
    dtype = np.dtype(draw(st.sampled_from(types)))
    elements = st.integers(0, 255) if dtype.kind == "u" else st.integers(-1000, 1000)
    return draw(arrays(dtype, draw(SHAPES), elements=elements, fill=elements))


@cache
def sources(kind: str) -> list[list[tuple[str, bytes]]]:
    """The sound sources of a kind."""
    return CORPUS[kind]()


def sound(scan: mriseg.Scan) -> None:
    assert scan.data.dtype == np.float32
    assert np.isfinite(scan.data).all()
    assert not scan.data.flags.writeable
    if scan.affine is not None:
        assert np.isfinite(scan.affine).all()
        assert min(scan.spacing) > 0


def read_or_refused(source) -> bool:
    """Whether it could be read; what is read is sound, and what is refused has its sentence."""
    try:
        for item in contents(source)[:2]:
            sound(item.load())
    except MrisegError as error:
        assert str(error).endswith(".")  # noqa: PT017
        return False
    return True


@given(data=volumes(), axes=st.sampled_from(ALL_AXES), newer=st.booleans(), scale=st.sampled_from([None, 0.5, -3.0]))
def test_nifti_is_read_as_nibabel_reads_it(data, axes, newer, scale):
    data, affine = stored_as(axes, data, UPRIGHT)
    kind = nibabel.Nifti2Image if newer else nibabel.Nifti1Image
    image = kind(data, affine, kind.header_class(endianness="<" if data.dtype.byteorder != ">" else ">"))
    image.header.set_data_dtype(data.dtype)
    content = bytearray(image.to_bytes())
    if scale is not None:
        header = kind.header_class(bytes(content[: kind.header_class.sizeof_hdr]), check=False)
        header["scl_slope"], header["scl_inter"] = scale, 7
        content[: len(header.binaryblock)] = header.binaryblock
    expected = kind.from_bytes(bytes(content))
    scan = mriseg.read(bytes(content))
    np.testing.assert_allclose(scan.data, expected.get_fdata(), rtol=1e-6)
    np.testing.assert_array_equal(scan.affine, expected.affine)


@given(data=volumes(("<i2", "<f4")), axes=st.sampled_from(ALL_AXES))
def test_a_volume_is_the_same_in_every_format(data, axes):
    data, affine = stored_as(axes, data, UPRIGHT)
    files = {
        "nifti": nifti(data, affine),
        "mgh": volume_files.mgh(data.astype("f4"), affine),
        "nrrd": volume_files.nrrd_file(data, affine),
        "metaimage": b"".join(volume_files.metaimage(data, affine)),
    }
    for content in files.values():
        scan = mriseg.read(content)
        np.testing.assert_array_equal(scan.data, data)
        np.testing.assert_allclose(scan.affine, affine, atol=1e-4)
        assert scan.sides_known


@given(pixels=arrays(st.sampled_from(["u1", "u2"]), st.tuples(st.integers(24, 40), st.integers(24, 40))))
def test_a_lossless_picture_keeps_every_level(pixels):
    for kind in ("PNG", "TIFF"):
        np.testing.assert_array_equal(mriseg.read(encoded(pixels, kind)).data, pixels)


@given(header=st.binary(min_size=348, max_size=348), data=st.binary(max_size=100))
def test_any_header_that_calls_itself_nifti_is_read_or_refused(header, data):
    for magic in (b"n+1\0", b"ni1\0"):
        read_or_refused(b"\x5c\x01\0\0" + header[4:344] + magic + bytes(4) + data)


@pytest.mark.parametrize("kind", CORPUS)
@given(changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=4), data=st.data())
@settings(max_examples=25)
def test_a_sound_file_with_any_bytes_changed_is_read_or_refused(kind, changes, data):
    files = data.draw(st.sampled_from(sources(kind)))
    which = data.draw(st.integers(0, len(files) - 1))
    name, content = files[which]
    changed = bytearray(content)
    for place, value in changes:
        changed[int(place**4 * (len(changed) - 1))] = value  # most of them near the beginning, where headers are
    read_or_refused([*files[:which], (name, bytes(changed)), *files[which + 1 :]])


@pytest.mark.parametrize("kind", sorted(CORPUS.keys() - {"zip"}))
def test_every_kind_is_read_alike_from_files_from_a_zip_and_from_a_folder(kind, tmp_path):
    for number, files in enumerate(sources(kind)):
        folder, stream = tmp_path / str(number), io.BytesIO()
        folder.mkdir()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files:
                (folder / name).write_bytes(content)
                archive.writestr(f"study/{name}", content)
        scans = [mriseg.read(source) for source in (files, folder, stream.getvalue())]
        sound(scans[0])
        for other in scans[1:]:
            np.testing.assert_array_equal(other.data, scans[0].data)
            np.testing.assert_array_equal(other.affine, scans[0].affine)
            assert (other.notes, other.header_contrast) == (scans[0].notes, scans[0].header_contrast)


@pytest.mark.parametrize("kind", CORPUS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.97])
def test_a_file_cut_anywhere_is_read_or_refused(kind, share):
    for files in sources(kind):
        name, content = files[-1]
        read_or_refused([*files[:-1], (name, content[: int(share * len(content))])])
