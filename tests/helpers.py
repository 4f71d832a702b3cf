"""What several test modules need: files made in memory, and measures of agreement."""

import io
import re
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nibabel
import numpy as np
import PIL.Image
import pytest
from nibabel.orientations import axcodes2ornt, inv_ornt_aff, ornt_transform

import mriseg
import mriseg.io.reader  # now, so that what it imports counts as nobody's memory
from mriseg import MrisegError, Tissue
from mriseg.mixture.em import Parameters
from mriseg.mixture.layout import MixtureLayout
from mriseg.mixture.model import Mixture

# Every order and direction that three axes can have: 6 permutations times 8 flips.
ALL_AXES = [
    (*order,)
    for pairs in (
        ("RL", "AP", "SI"), ("RL", "SI", "AP"), ("AP", "RL", "SI"),
        ("AP", "SI", "RL"), ("SI", "RL", "AP"), ("SI", "AP", "RL"),
    )
    for order in [(a, b, c) for a in pairs[0] for b in pairs[1] for c in pairs[2]]
]  # fmt: skip


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Overlap of two masks, 0 to 1."""
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def nifti(data: np.ndarray, affine: np.ndarray | None = None, image_class: type = nibabel.Nifti1Image) -> bytes:
    """A NIfTI file; 2 mm voxels unless told."""
    return image_class(data, np.diag([2.0, 2, 2, 1]) if affine is None else affine).to_bytes()


def encoded(pixels: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    """A picture file, as Pillow writes it."""
    stream = io.BytesIO()
    PIL.Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def stored_as(axes: tuple[str, ...], data: np.ndarray, affine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same RAS+ volume with its axes stored in another order: data and affine."""
    turn = ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(axes))
    return nibabel.orientations.apply_orientation(data, turn), affine @ inv_ornt_aff(turn, data.shape)


@contextmanager
def little_memory(limit: float) -> Iterator[None]:
    """Fails if more bytes than the limit are allocated within, numpy's included."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()


@contextmanager
def little_resident_memory(limit: float) -> Iterator[None]:
    """Fails if this process grows by more bytes than the limit within. Unlike `little_memory` it slows nothing down."""
    resets, status = Path("/proc/self/clear_refs"), Path("/proc/self/status")
    if not resets.exists():
        pytest.skip("Only Linux tells the peak of a part of a process.")

    def resident(field: str) -> int:
        return 1024 * int(re.search(rf"{field}:\s+(\d+)", status.read_text())[1])

    before = resident("VmRSS")
    resets.write_text("5")  # the peak begins anew
    yield
    assert resident("VmHWM") - before < limit


def refusal(content: bytes, name: str | None = None) -> str:
    """The message with which bytes are refused, which must not take much more memory than they do."""
    with little_memory(4e6 + 2 * len(content)), pytest.raises(MrisegError) as caught:
        mriseg.read(content, name)
    return str(caught.value)


def three_classes(
    means: tuple[float, ...],
    sds: tuple[float, ...],
    weights: tuple[float, ...],
    mixed_weights: tuple[float, ...] = (0.0, 0.0, 0.0),
    mixed_sd: float = 1.0,
    outliers: float = 0.0,
    outlier_range: tuple[float, float] = (0.0, 1.0),
    tissues: tuple[Tissue, ...] = (),
) -> Mixture:
    """A mixture of one channel in one zone; half of the voxels that two classes share are mostly either."""
    components = np.concatenate([weights, np.repeat(mixed_weights, 2) / 2])
    variances = np.square([*sds, mixed_sd])[:, None, None]
    parameters = Parameters(np.array(means, float)[:, None], variances, components[None] / components.sum(), outliers)
    ends = tuple(np.array([end]) for end in outlier_range)
    return Mixture(
        parameters=parameters,
        zone_shares=np.ones(1),
        layout=MixtureLayout(),
        outlier_range=ends,
        log_likelihood=-6.0,
        iterations=9,
        converged=True,
        tissues=tissues,
    )
