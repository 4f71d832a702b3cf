import numpy as np
import pytest

from mriseg.registration.mutual_information import mutual_information


def test_what_is_independent_tells_nothing_and_what_is_the_same_tells_all():
    independent = np.outer([0.2, 0.8], [0.5, 0.3, 0.2])[None]
    same = np.full((1, 4, 4), 1e-12) + np.eye(4) / 4
    assert mutual_information(independent)[0] == pytest.approx(0, abs=1e-12)
    assert mutual_information(same)[0] == pytest.approx(np.log(4), abs=1e-6)
