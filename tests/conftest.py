"""Fixtures that several test modules share. What is slow to make is made once a session and never changed."""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

from mriseg import Contrast, Result, Scan, segment
from mriseg.phantom import Phantom, make_phantom, simulate

threadpool_limits(1, user_api="blas")  # as in `segment`: the parts are tested with what the whole runs with


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real scans, `../shared` or what MRISEG_SHARED says."""
    folder = Path(os.environ.get("MRISEG_SHARED", Path(__file__).parents[2] / "shared"))
    if not folder.is_dir():
        reason = "The folder of real scans is absent; set MRISEG_SHARED to where it is."
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def phantom() -> Phantom:
    """A whole head at 2 mm."""
    return make_phantom(seed=0, spacing=2.0)


@pytest.fixture(scope="session")
def scanned(phantom: Phantom) -> Callable[[Contrast], Scan]:
    """The phantom's scan in a contrast, with the noise and bias of a usual scanner."""
    return cache(lambda contrast: simulate(phantom, contrast))


@pytest.fixture(scope="session")
def segmented(scanned: Callable[[Contrast], Scan]) -> Callable[[Contrast], Result]:
    """The result on the phantom in a contrast with nothing given: its brain found, its contrast named."""
    return cache(lambda contrast: segment(scanned(contrast)))


@pytest.fixture(scope="session")
def coarse() -> Phantom:
    """A whole head at 4 mm, for what must hold exactly and at any size."""
    return make_phantom(seed=1, spacing=4.0)
