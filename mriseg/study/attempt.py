"""Segment one scan of many: whatever goes wrong becomes the reason in its record."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from mriseg.core.errors import MrisegError, ReadError, WriteError
from mriseg.core.faults import explain
from mriseg.core.scan import Scan
from mriseg.core.settings import Settings
from mriseg.io.catalog import best
from mriseg.io.reader import contents, read, read_mask
from mriseg.segmentation.pipeline import segment
from mriseg.segmentation.result import Result
from mriseg.study.record import Record, of_result

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class LoadedScan:
    """A scan with all that is segmented with it.

    Attributes
    ----------
    scan : Scan
    mask : ndarray of bool or None
        The brain, if it is known.
    channels : tuple of Scan
        Further contrasts of the same head on the same grid.
    several : str
        Which of several scans in its source it is, and what of that was left out; "" where it is all of it.
    """

    scan: Scan
    mask: np.ndarray | None = None
    channels: tuple[Scan, ...] = ()
    several: str = ""


def load_scan(
    path: Path, *, number: int | None = None, mask_file: Path | None = None, channel_files: Sequence[Path] = ()
) -> LoadedScan:
    """Read a scan with all that is segmented with it.

    Parameters
    ----------
    path : Path
        Of a file, folder or archive.
    number : int, optional
        Which of several scans in it, from 1 on; the one that shows the tissues best if not given.
    mask_file : Path, optional
        The brain, if it is known.
    channel_files : sequence of Path
        Further contrasts of the same head on the same grid.

    Returns
    -------
    LoadedScan

    Raises
    ------
    MrisegError
        If any of them cannot be read.
    """
    entries = contents(path)
    if number is not None and not 1 <= number <= len(entries):
        raise ReadError(f"It holds {len(entries)} scans; there is no number {number}. `mriseg list` shows them.")
    entry = best(entries) if number is None else entries[number - 1]
    which = f"Of {len(entries)} scans in it, number {entries.index(entry) + 1}: {entry.title}."
    scan = entry.load()
    return LoadedScan(
        scan,
        mask=None if mask_file is None else read_mask(mask_file, scan),
        channels=tuple(read(file) for file in channel_files),
        several=" ".join(filter(None, (which if len(entries) > 1 else "", entry.left_out))),
    )


def try_segment(
    path: str | Path,
    settings: Settings,
    *,
    load: Callable[[], LoadedScan] | None = None,
    use: Callable[[Scan, Result], None] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Record:
    """Segment one scan; whatever is wrong with it becomes a sentence.

    Parameters
    ----------
    path : str or Path
        What the record is called by; of a file, folder or archive where `load` is not given.
    settings : Settings
    load : callable, optional
        Reads the scan; `load_scan` of the path if not given.
    use : callable, optional
        Called with scan and result, to write them.
    progress : callable, optional
        Called with "read", the key of each stage of `mriseg.segmentation.pipeline.STAGES`, and "write".

    Returns
    -------
    Record
        Of a failure with why, in a sentence; the log has where.
    """

    def enter(stage: str) -> None:
        logger.debug("stage: %s", stage)
        if progress is not None:
            progress(stage)

    try:
        enter("read")
        loaded = (load or partial(load_scan, Path(path)))()
        result = segment(loaded.scan, settings, loaded.mask, progress=enter, channels=loaded.channels)
        enter("write")
        if use is not None:
            use(loaded.scan, result)
    except Exception as error:  # whatever a hostile file provokes, the others go on
        is_final = isinstance(error, MrisegError) and not isinstance(error, WriteError)
        return Record(str(path), explain(error, logger), is_final=is_final)
    return of_result(str(path), result, loaded.several)
