from itertools import pairwise

import numpy as np
import pytest

from mriseg import Contrast, Settings, Tissue, segment
from mriseg.core.scan import picture
from mriseg.mixture import em
from mriseg.mixture.em_trace import BINS, MOST_STEPS, em_steps
from mriseg.mixture.fit import MOST_DARK_OUTLIERS, MOST_OUTLIERS, SHARE_STRENGTH, SPREAD_STRENGTH
from mriseg.mixture.model import uniform
from mriseg.mixture.prior import expectation
from mriseg.mixture.spatial_prior import uniform_prior


@pytest.fixture(scope="module", params=[Contrast.T1, Contrast.T2], ids=lambda contrast: contrast.name)
def scan(request, scanned):
    """An upright slice."""
    return picture(np.ascontiguousarray(scanned(request.param).data[:, :, 58].T[::-1]))


@pytest.fixture(scope="module")
def result(scan):
    return segment(scan)


def steps_of(result):
    return em_steps(result.histogram, result.mixture)


@pytest.mark.parametrize("classes", range(2, 7))
def test_the_likelihood_never_falls(scan, result, classes):
    steps = steps_of(segment(scan, Settings(classes=classes), earlier=result))
    assert 20 < len(steps) <= MOST_STEPS
    assert steps[0].iteration == 0
    for before, after in pairwise(steps):
        assert before.iteration < after.iteration
        assert after.log_likelihood >= before.log_likelihood - 1e-12
    assert steps[-1].log_likelihood > steps[0].log_likelihood + 0.01
    assert all(step.mixture.classes == len(step.mixture.tissues) == classes for step in steps)


@pytest.mark.parametrize("classes", range(2, 7))
def test_the_last_step_is_the_top(scan, result, classes):
    steps = steps_of(segment(scan, Settings(classes=classes), earlier=result))
    assert [step.mixture.converged for step in steps[-2:]] == [False, True]
    assert steps[-1].mixture.iterations == steps[-1].iteration
    order = np.argsort(steps[-1].mixture.means)
    assert [steps[-1].mixture.tissues[k] for k in order] == sorted(
        steps[-1].mixture.tissues, key=result.mixture.tissues.index
    )


def test_the_last_step_is_a_fixed_point(result):
    """One more iteration of the same problem, posed here by hand, moves nothing."""
    last, hist = steps_of(result)[-1].mixture, result.histogram.rebin(BINS)
    points, parameters = hist.levels[:, None] - last.means[1], last.parameters
    centered = em.Parameters(
        parameters.means - last.means[1], parameters.covariances, parameters.weights, parameters.outliers
    )
    most = MOST_DARK_OUTLIERS if last.tissues[-1] is Tissue.CSF else MOST_OUTLIERS
    prior = em.Prior(expectation(uniform_prior(()), last.tissues), SHARE_STRENGTH, SPREAD_STRENGTH, most)
    outlier_density = uniform(hist.levels, last.outlier_range)
    moved, _, _ = em.expectation_maximization(
        points,
        hist.counts,
        last.structure,
        centered,
        tolerance=0,
        max_iterations=1,
        floor=np.zeros(1),
        outlier_density=outlier_density,
        prior=prior,
    )
    np.testing.assert_allclose(moved.means, centered.means, atol=0.02 * last.sds.max())
    np.testing.assert_allclose(moved.weights, centered.weights, atol=2e-3)
    np.testing.assert_allclose(moved.covariances, centered.covariances, rtol=0.02)


def test_the_last_step_is_near_the_fit_of_the_whole_engine(result):
    last = steps_of(result)[-1].mixture
    assert last.tissues == result.mixture.tissues
    np.testing.assert_allclose(last.means, result.mixture.means, atol=0.15 * np.ptp(result.mixture.means))


def test_the_start_is_poor(result):
    first = steps_of(result)[0].mixture
    np.testing.assert_allclose(first.sds, first.sds[0])
    np.testing.assert_allclose(first.weights, first.weights[0])
    np.testing.assert_allclose(np.diff(first.means, 2), 0, atol=1e-6)


def test_a_step_can_be_drawn_over_the_histogram(result):
    hist = result.histogram
    x = np.linspace(2 * hist.levels[0] - hist.levels[-1], 2 * hist.levels[-1] - hist.levels[0], 4000)
    for step in steps_of(result)[::10]:
        assert np.trapezoid(step.mixture.density(x), x) == pytest.approx(1, abs=0.02)
        assert step.mixture.thresholds().size <= 2


def test_the_fit_of_zones_is_shown_in_one(segmented):
    result = segmented(Contrast.T1)
    assert len(result.mixture.zone_shares) > 1
    last = steps_of(result)[-1].mixture
    assert len(last.zone_shares) == 1
    np.testing.assert_allclose(last.means, result.mixture.means, atol=0.15 * np.ptp(result.mixture.means))
