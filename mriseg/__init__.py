"""mriseg: gray matter, white matter and cerebrospinal fluid of any brain MR image, arithmetic in the open."""

from typing import Any

from mriseg.errors import MrisegError
from mriseg.read import read
from mriseg.result import Result
from mriseg.scan import Scan
from mriseg.segment import segment
from mriseg.settings import Settings
from mriseg.tissue import Contrast, Tissue

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # scikit-learn takes a second to import; only those who use the estimator pay for it.
    if name == "HistogramGaussianMixture":
        from mriseg.estimator import HistogramGaussianMixture

        return HistogramGaussianMixture
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
