"""Which scans constants may be chosen by, and which the reported figures are of: the rule, written down once.

Of each kind's files in sorted order (numbers by their value) the first, third, fifth and so on are for tuning, the
others for testing; what is of one subject goes together, and a kind of a single scan is for testing. Simulated scans
follow their label maps; their seeds are below `FIRST_TEST_SEED` for tuning, and from there on for testing.
"""

import re
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path

FIRST_TEST_SEED = 100


class Split(Enum):
    """What a scan is for."""

    TUNING = "tuning"
    TEST = "test"


def belonging(
    paths: Iterable[Path], split: Split, subject: Callable[[Path], str] = lambda path: path.name
) -> list[Path]:
    """Those of a kind's files, in sorted order, that are for tuning or for testing.

    Parameters
    ----------
    paths : iterable of Path
        All files of one kind.
    split : Split
        Which of them are wanted.
    subject : callable
        Of a path, whose scan it is; by default each file is a subject of its own.

    Returns
    -------
    list of Path

    Examples
    --------
    >>> files = [Path(f"slab_{number}_t1.nii.gz") for number in (13, 1, 22, 7)]
    >>> [path.name for path in belonging(files, Split.TUNING)]
    ['slab_1_t1.nii.gz', 'slab_13_t1.nii.gz']
    """
    ordered = sorted(paths, key=lambda path: _by_number(path.name))
    subjects = list(dict.fromkeys(subject(path) for path in ordered))
    chosen = set(subjects[::2] if split is Split.TUNING else subjects[1::2])
    if len(subjects) == 1:
        chosen = set(subjects) if split is Split.TEST else set()
    return [path for path in ordered if subject(path) in chosen]


def of_seed(seed: int) -> Split:
    """What a scan simulated with this seed is for."""
    return Split.TEST if seed >= FIRST_TEST_SEED else Split.TUNING


def _by_number(name: str) -> list[tuple[int, str]]:
    """A key to sort names by that takes their digits for numbers."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
