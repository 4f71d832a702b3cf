"""mriseg: gray matter, white matter and cerebrospinal fluid of any brain MR image, arithmetic in the open."""

from typing import Any

from mriseg.core.errors import MrisegError
from mriseg.core.scan import Scan
from mriseg.core.settings import Settings
from mriseg.core.tissue import Contrast, Tissue
from mriseg.core.version import __version__
from mriseg.io.reader import contents, read
from mriseg.segmentation.pipeline import segment
from mriseg.segmentation.result import Result
from mriseg.study.executors import segment_many
from mriseg.study.record import Record

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
        from mriseg.mixture.estimator import HistogramGaussianMixture

        return HistogramGaussianMixture
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
