"""Covariance matrices of one and of several channels."""

import numpy as np
import pytest

from mriseg.mixture.covariances import common_covariance, inverse, log_determinant


@pytest.fixture(params=[1, 2, 3])
def matrices(request):
    """Five positive definite ones."""
    factors = np.random.default_rng(0).normal(size=(5, request.param, request.param))
    return factors @ factors.transpose(0, 2, 1) + np.eye(request.param)


def test_a_matrix_times_its_inverse_is_one(matrices):
    unit = np.broadcast_to(np.eye(matrices.shape[1]), matrices.shape)
    np.testing.assert_allclose(matrices @ inverse(matrices), unit, atol=1e-12)


def test_the_log_determinant_is_the_sum_of_the_logs_of_the_eigenvalues(matrices):
    expected = np.log(np.linalg.eigvalsh(matrices)).sum(1)
    np.testing.assert_allclose(log_determinant(matrices), expected)


def test_what_equal_covariances_have_in_common_is_each_of_them(matrices):
    np.testing.assert_allclose(common_covariance(matrices[:1].repeat(4, 0)), matrices[0])


def test_what_unequal_ones_have_in_common_is_less_than_their_mean(matrices):
    mean = np.trace(matrices, axis1=1, axis2=2).mean()
    assert np.trace(common_covariance(matrices)) < mean
