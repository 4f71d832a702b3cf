"""mriseg: gray matter, white matter and cerebrospinal fluid of any brain MR image, arithmetic in the open."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mriseg.core.errors import MrisegError
    from mriseg.core.scan import Scan
    from mriseg.core.settings import Settings
    from mriseg.core.tissue import Contrast, Tissue
    from mriseg.core.version import __version__
    from mriseg.io.reader import contents, read
    from mriseg.mixture.estimator import HistogramGaussianMixture
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

# A name is imported when it is first used: scikit-learn takes a second, nibabel a fifth of one.
_MODULES = {
    "Contrast": "mriseg.core.tissue",
    "HistogramGaussianMixture": "mriseg.mixture.estimator",
    "MrisegError": "mriseg.core.errors",
    "Record": "mriseg.study.record",
    "Result": "mriseg.segmentation.result",
    "Scan": "mriseg.core.scan",
    "Settings": "mriseg.core.settings",
    "Tissue": "mriseg.core.tissue",
    "__version__": "mriseg.core.version",
    "contents": "mriseg.io.reader",
    "read": "mriseg.io.reader",
    "segment": "mriseg.segmentation.pipeline",
    "segment_many": "mriseg.study.executors",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
