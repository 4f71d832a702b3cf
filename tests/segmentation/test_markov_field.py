import numpy as np
import pytest

from mriseg.segmentation import markov_field as module

SHAPES = [(20, 17, 9), (23, 18)]


@pytest.fixture(params=SHAPES, ids=("volume", "picture"))
def field(request):
    """Random evidence for three classes, and a mask with holes."""
    rng = np.random.default_rng(0)
    return rng.normal(0, 2, (3, *request.param)).astype(np.float32), rng.random(request.param) < 0.9


def mean_field(evidence, mask, spacing=None, coupling=0.5):
    """The posteriors where every voxel has evidence of its own."""
    index = np.arange(mask.size).reshape(mask.shape)
    table = evidence.reshape(len(evidence), -1)
    return module.mean_field(table, index, mask, spacing=spacing or (1.0,) * mask.ndim, coupling=coupling)


def textbook(evidence, mask, spacing, smoothness, sweeps):
    """Mean field of a Potts model, voxel by voxel of the definition."""
    posteriors = np.zeros(evidence.shape)
    for sweep in range(sweeps + 1):
        total = evidence.astype(float)
        for axis, side in enumerate(spacing, start=1):
            pad = [(1, 1) if a == axis else (0, 0) for a in range(evidence.ndim)]
            padded = np.pad(posteriors, pad)
            n = evidence.shape[axis]
            around = np.take(padded, range(n), axis) + np.take(padded, range(2, n + 2), axis)
            total += (sweep > 0) * smoothness * min(spacing) / side * around
        posteriors = np.exp(total - total.max(0))
        posteriors *= mask / posteriors.sum(0)
    return posteriors


def test_is_the_mean_field_of_a_potts_model(field):
    evidence, mask = field
    spacing = (1.0, 2.0, 4.0)[: mask.ndim]
    expected = textbook(evidence, mask, spacing, 0.7, module.SWEEPS)
    np.testing.assert_allclose(mean_field(evidence, mask, spacing, 0.7), expected, atol=1e-5)


def test_posteriors_sum_to_one_in_the_mask_and_are_zero_outside(field):
    evidence, mask = field
    posteriors = mean_field(evidence, mask)
    np.testing.assert_allclose(posteriors.sum(0)[mask], 1, atol=1e-5)
    assert not posteriors[:, ~mask].any()


def test_without_smoothness_each_voxel_decides_by_itself(field):
    evidence, mask = field
    expected = np.exp(evidence) / np.exp(evidence).sum(0)
    np.testing.assert_allclose(mean_field(evidence, mask, coupling=0.0)[:, mask], expected[:, mask], atol=1e-6)


def test_a_lone_voxel_joins_its_neighbors():
    evidence = np.zeros((2, 7, 7, 7), np.float32)
    evidence[0] = 1.0
    evidence[:, 3, 3, 3] = 0, 1
    mask = np.ones((7, 7, 7), bool)
    assert mean_field(evidence, mask, coupling=0.0)[1, 3, 3, 3] > 0.7
    assert mean_field(evidence, mask, coupling=1.0)[1, 3, 3, 3] < 0.1


def test_more_smoothness_makes_fewer_borders(field):
    evidence, mask = field

    def borders(smoothness):
        labels = mean_field(evidence, mask, coupling=smoothness).argmax(0)
        return sum((np.diff(labels, axis=axis) != 0).sum() for axis in range(mask.ndim))

    assert borders(0.0) > borders(0.5) > borders(2.0)


def test_voxels_outside_the_mask_say_nothing(field):
    evidence, mask = field
    other = np.where(mask, evidence, np.float32(50) * np.sign(evidence))
    np.testing.assert_array_equal(mean_field(other, mask), mean_field(evidence, mask))


def test_the_next_slice_says_less_the_farther_it_is():
    evidence = np.zeros((2, 3, 3, 3), np.float32)
    evidence[1, :, :, 2] = 5
    mask = np.ones((3, 3, 3), bool)
    near, far = (mean_field(evidence, mask, (1.0, 1.0, side))[1, 1, 1, 1] for side in (1.0, 5.0))
    assert near > far > 0.5


@pytest.mark.parametrize("unit", [0.001, 25.4])
def test_the_unit_of_the_spacing_does_not_matter(field, unit):
    evidence, mask = field
    spacing = (0.9, 1.1, 3.0)[: mask.ndim]
    scaled = tuple(unit * s for s in spacing)
    np.testing.assert_allclose(mean_field(evidence, mask, scaled), mean_field(evidence, mask, spacing), atol=1e-5)


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 1, 0), (1, 2, 0)])
def test_the_order_of_the_axes_does_not_matter(order):
    rng = np.random.default_rng(1)
    evidence, mask = rng.normal(size=(3, 20, 17, 9)).astype(np.float32), rng.random((20, 17, 9)) < 0.9
    spacing = (1.0, 1.5, 4.0)
    turned = mean_field(
        evidence.transpose(0, *(a + 1 for a in order)), mask.transpose(order), tuple(spacing[a] for a in order)
    )
    expected = mean_field(evidence, mask, spacing).transpose(0, *(a + 1 for a in order))
    np.testing.assert_allclose(turned, expected, atol=1e-5)


@pytest.mark.parametrize("threads", [1, 5])
def test_the_number_of_threads_changes_no_bit(field, threads, monkeypatch):
    evidence, mask = field
    expected = mean_field(evidence, mask)
    monkeypatch.setattr(module, "THREADS", threads)
    np.testing.assert_array_equal(mean_field(evidence, mask), expected)


@pytest.mark.parametrize("slab", [1, 3, 100])
def test_the_size_of_a_slab_changes_no_bit(field, slab, monkeypatch):
    evidence, mask = field
    expected = mean_field(evidence, mask)
    monkeypatch.setattr(module, "SLAB", slab)
    monkeypatch.setattr(module, "SLAB_PIXELS", 0)
    np.testing.assert_array_equal(mean_field(evidence, mask), expected)


def test_evidence_beyond_all_measure_stays_finite():
    evidence = np.array([-1e4, 0.0, -1e6], np.float32)[:, None, None] * np.ones((3, 4, 4), np.float32)
    posteriors = mean_field(evidence, np.ones((4, 4), bool))
    np.testing.assert_allclose(posteriors[1], 1, atol=1e-6)


def test_evidence_is_looked_up_by_column():
    table = np.log(np.array([[0.9, 0.2], [0.1, 0.8]], np.float32))
    index = np.array([[0, 1], [1, 0]])
    posteriors = module.mean_field(table, index, np.ones((2, 2), bool), spacing=(1.0, 1.0), coupling=0.0)
    np.testing.assert_allclose(posteriors[0], [[0.9, 0.2], [0.2, 0.9]], atol=1e-6)


def test_the_more_the_classes_overlap_the_more_the_neighbors_are_asked():
    found = [module.coupling_strength(overlap) for overlap in np.linspace(0, 0.7, 71)]
    assert (np.diff(found) >= 0).all()
    assert found[0] == module.LEAST_COUPLING
    assert found[-1] == module.MOST_COUPLING
    assert module.LEAST_COUPLING < module.coupling_strength(0.1) < module.MOST_COUPLING
