import numpy as np
import pytest

from mriseg.abnormal.slice_outliers import abnormal_in_slice
from mriseg.core.tissue import Contrast
from mriseg.datasets.lesions import add_lesion
from mriseg.datasets.phantom import CYST, EDEMA, ENHANCED, simulate

PLACE = (-30.0, -10.0, 30.0)


def axial(head, contrast):
    """A slice through the lesion's place: intensities, brain and lesion."""
    at = int(np.rint(np.linalg.solve(head.affine, [*PLACE, 1.0])[2]))
    data, truth = simulate(head, contrast).data[:, :, at], head.truth[:, :, at]
    return data.astype(np.float32), truth > 0, truth == 7


def overlap(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


@pytest.mark.parametrize("contrast", [Contrast.T1, Contrast.FLAIR])
def test_a_healthy_slice_has_nothing_abnormal(phantom, contrast):
    data, brain, _ = axial(phantom, contrast)
    assert not abnormal_in_slice(data, brain).any()


def test_a_bright_lesion_is_seen(phantom):
    data, brain, lesion = axial(add_lesion(phantom, PLACE, 20.0, EDEMA), Contrast.FLAIR)
    assert overlap(abnormal_in_slice(data, brain), lesion) > 0.8


def test_a_ring_is_seen_with_its_middle(phantom):
    data, brain, lesion = axial(add_lesion(phantom, PLACE, 30.0, ENHANCED, middle=CYST), Contrast.T1)
    assert overlap(abnormal_in_slice(data, brain), lesion) > 0.8


def test_it_does_not_hang_on_the_size_of_the_pixels(phantom):
    data, brain, _ = axial(add_lesion(phantom, PLACE, 20.0, EDEMA), Contrast.FLAIR)
    large = abnormal_in_slice(*(np.kron(a, np.ones((4, 4), a.dtype)) for a in (data, brain)))
    assert overlap(large[2::4, 2::4], abnormal_in_slice(data, brain)) > 0.9


def test_a_brain_of_a_few_pixels_has_nothing_abnormal():
    data = np.arange(16, dtype=np.float32).reshape(4, 4)
    assert not abnormal_in_slice(data, np.ones((4, 4), bool)).any()
