"""mriseg: gray matter, white matter and cerebrospinal fluid of any brain MR image, arithmetic in the open."""

from typing import Any

from mriseg.errors import MrisegError
from mriseg.many import segment_many
from mriseg.read import contents, read
from mriseg.record import Record
from mriseg.result import Result
from mriseg.scan import Scan
from mriseg.segment import segment
from mriseg.settings import Settings
from mriseg.tissue import Contrast, Tissue
from mriseg.version import __version__

__all__ = [
    "Contrast",
    "HistogramGaussianMixture",
    "MrisegError",
    "Record",
    "Result",
    "Scan",
    "Settings",
    "Tissue",
    "__version__",
    "contents",
    "read",
    "segment",
    "segment_many",
]


def __getattr__(name: str) -> Any:
    # scikit-learn takes a second to import; only those who use the estimator pay for it.
    if name == "HistogramGaussianMixture":
        from mriseg.estimator import HistogramGaussianMixture

        return HistogramGaussianMixture
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
