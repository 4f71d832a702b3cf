"""A segmented slice that several tests write."""

import numpy as np
import pytest

from mriseg import Contrast, Settings, segment
from mriseg.core.scan import picture


@pytest.fixture(scope="module")
def slice_of_head(scanned):
    data = scanned(Contrast.T1).data
    scan = picture(np.rint(data[:, ::-1, data.shape[2] // 2].T / data.max() * 255))
    return scan, segment(scan, Settings(pixel_size=2.0))
