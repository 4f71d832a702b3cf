import subprocess
import sys

import pytest

import mriseg
from mriseg import MrisegError
from mriseg.core import errors

HEAVY = ("streamlit", "plotly", "matplotlib", "sklearn", "SimpleITK", "nilearn")


@pytest.fixture(scope="module")
def imported():
    """Top-level packages that are there in a process of its own after every public name but the estimator was used."""
    names = ", ".join(name for name in mriseg.__all__ if name != "HistogramGaussianMixture")
    code = f"import sys; from mriseg import {names}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize("package", HEAVY)
def test_importing_the_engine_does_not_import(imported, package):
    assert package not in imported


def test_the_engine_alone_imports_nothing_that_is_not_used_yet():
    code = "import sys, mriseg; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "scipy", "nibabel"} & set(done.stdout.split())


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        mriseg.nothing  # noqa: B018


def test_every_public_name_exists():
    assert all(hasattr(mriseg, name) for name in mriseg.__all__)
    assert set(mriseg.__all__) <= set(dir(mriseg))


def test_every_error_is_one_kind_of_value_error():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert len(kinds) > 3
    assert all(issubclass(kind, MrisegError) for kind in kinds)
    assert issubclass(MrisegError, ValueError)
