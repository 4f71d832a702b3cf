"""Fixtures that several test modules share. What is slow to make is made once a session and never changed."""

import hashlib
import os
import pickle
import threading
from collections.abc import Callable, Iterator
from functools import cache, wraps
from pathlib import Path
from types import SimpleNamespace

import pytest
from threadpoolctl import threadpool_limits

from mriseg import Contrast, Result, Scan, segment
from mriseg.brain import confidence, extraction
from mriseg.brain import volume as brain_volume
from mriseg.datasets.lesions import add_lesion
from mriseg.datasets.phantom import Phantom, make_phantom, simulate
from mriseg.registration.atlas import Atlas
from mriseg.segmentation import pipeline, trial_fits

# Where the average brain lies, what it explains, which tissue is bright, what no tissue explains, and the fits.
SLOW = (
    (extraction, "find_brain_in_volume"),
    (brain_volume, "register_any_orientation"),
    (confidence, "explained_share"),
    (trial_fits, "try_orders"),
    (pipeline, "look_in_volume"),
    (pipeline, "estimate_fields"),
    (pipeline, "fit"),
    (pipeline, "tissue_curves"),
)
# A file is run by one process as a whole, so the longest begin: one that began last would leave the others idle.
LONGEST_FIRST = (
    "segmentation/test_pipeline.py",
    "browser/test_panels.py",
    "browser/test_page.py",
    "browser/test_viewer.py",
    "browser/test_screens.py",
    "browser/test_viewer_tools.py",
    "brain/test_no_heads.py",
    "test_docs.py",
    "app/test_page.py",
    "browser/test_isolation.py",
    "study/test_executors.py",
    "study/test_run.py",
    "app/server/test_hostile_visitors.py",
    "brain/test_told_mask.py",
    "test_memory.py",
    "test_cli.py",
    "browser/test_study.py",
    "browser/test_story.py",
    "registration/test_orientations.py",
    "brain/test_extraction.py",
    "test_repository.py",
    "browser/test_group_report.py",
    "browser/test_room.py",
    "brain/test_volume.py",
    "brain/test_confidence.py",
    "brain/test_anatomy.py",
    "datasets/test_samples.py",
    "registration/test_slab.py",
    "brain/test_loose_rim.py",
    "brain/test_cut_away.py",
    "segmentation/test_bias_field.py",
    "app/study/test_tab.py",
)
threadpool_limits(1, user_api="blas")  # as in `segment`: the parts are tested with what the whole runs with


def pytest_configure(config: pytest.Config) -> None:
    """Leave the order of the files to `pytest_collection_modifyitems`: xdist would begin with those of most tests."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files."""
    here = Path(__file__).parent
    longest = [here / file for file in LONGEST_FIRST]

    def rank(item: pytest.Item) -> int:
        return longest.index(item.path) if item.path in longest else len(longest)

    items.sort(key=rank)


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


@pytest.fixture(scope="session", autouse=True)
def remembered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The slow parts of a segmentation find the same thing once a run, for all processes.

    Nothing changes by a bit: what is remembered hangs on all that the part was given, to the last voxel. That it finds
    the same each time is asked with `nothing_remembered`.
    """
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "remembered"
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        for module, name in SLOW:
            patch.setattr(module, name, once(getattr(module, name), folder))
        yield folder


def once(function: Callable, folder: Path) -> Callable:
    """The function, which reads what it returned for equal arguments from a file of the folder."""

    @wraps(function)
    def found(*arguments: object, **keywords: object) -> object:
        asked = (function.__qualname__, arguments, keywords)
        kept = folder / digest(asked)
        if not kept.exists():
            written = kept.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
            written.write_bytes(pickle.dumps(function(*arguments, **keywords)))
            assert digest(asked) == kept.name, "It changed what it was given, which who remembers it does not."
            written.replace(kept)  # another process or thread finds all of it or nothing
        return pickle.loads(kept.read_bytes())

    return found


class _Pickler(pickle.Pickler):
    """Writes of the average brain, of which there is one, that it is the average brain."""

    def persistent_id(self, part: object) -> str | None:
        return "the average brain" if isinstance(part, Atlas) else None


def digest(asked: object) -> str:
    """What tells arguments from others, to the last voxel."""
    fingerprint = hashlib.blake2b(digest_size=16)
    _Pickler(SimpleNamespace(write=fingerprint.update), pickle.HIGHEST_PROTOCOL).dump(asked)
    return fingerprint.hexdigest()


@pytest.fixture
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """All is found anew in this test."""
    for module, name in SLOW:
        monkeypatch.setattr(module, name, getattr(module, name).__wrapped__)


@pytest.fixture(scope="session")
def phantom() -> Phantom:
    """A whole head at 2 mm."""
    return make_phantom(seed=0, spacing=2.0)


@pytest.fixture(scope="session")
def scanned(phantom: Phantom) -> Callable[[Contrast], Scan]:
    """The phantom's scan in a contrast, with the noise and bias of a usual scanner."""
    return cache(lambda contrast: simulate(phantom, contrast))


@pytest.fixture(scope="session")
def segmented(scanned: Callable[[Contrast], Scan], remembered: Path) -> Callable[[Contrast], Result]:
    """The result on the phantom in a contrast with nothing given: its brain found, its contrast named."""
    segmented_once = once(segment, remembered)
    return cache(lambda contrast: segmented_once(scanned(contrast)))


@pytest.fixture(scope="session")
def with_lesion(coarse: Phantom, remembered: Path) -> tuple[Scan, Result]:
    """A scan of the coarse head with 40 mL of abnormal tissue on the left, and its result; its brain is given."""
    head = add_lesion(coarse, (-30, -10, 30), 40.0)
    scan = simulate(head, Contrast.FLAIR)
    return scan, once(segment, remembered)(scan, mask=head.truth > 0)


@pytest.fixture(scope="session")
def coarse() -> Phantom:
    """A whole head at 4 mm, for what must hold exactly and at any size."""
    return make_phantom(seed=1, spacing=4.0)
