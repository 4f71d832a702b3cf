"""Segment one scan of many: whatever goes wrong becomes the reason in its record."""

from collections.abc import Callable, Sequence
from pathlib import Path

from mriseg.core.errors import MrisegError, ReadError, WriteError
from mriseg.core.scan import Scan
from mriseg.core.settings import Settings
from mriseg.io.catalog import best
from mriseg.io.reader import contents, read, read_mask
from mriseg.segmentation.pipeline import segment
from mriseg.segmentation.result import Result
from mriseg.study.record import Record, of_result

TOO_LITTLE_MEMORY = "There is not enough memory for this scan. Crop it to the head, or use fewer workers."
UNFORESEEN = "It could not be segmented, for a reason not foreseen ({})."


def try_segment(
    path: Path,
    settings: Settings,
    use: Callable[[Scan, Result], None] | None = None,
    progress: Callable[[str], None] | None = None,
    number: int | None = None,
    mask_file: Path | None = None,
    channel_files: Sequence[Path] = (),
) -> Record:
    """Segment one scan; whatever is wrong with it becomes a sentence.

    Parameters
    ----------
    path : Path
        Of a file, folder or archive.
    settings : Settings
    use : callable, optional
        Called with scan and result, to write them.
    progress : callable, optional
        Called with "read", the key of each stage of `mriseg.segmentation.pipeline.STAGES`, and "write".
    number : int, optional
        Which of several scans in it, from 1 on; the one that shows the tissues best if not given.
    mask_file : Path, optional
        The brain, if it is known.
    channel_files : sequence of Path
        Further contrasts of the same head on the same grid.
    """
    said = progress or (lambda stage: None)
    try:
        said("read")
        items = contents(path)
        if number is not None and not 1 <= number <= len(items):
            raise ReadError(f"It holds {len(items)} scans; there is no number {number}. `mriseg list` shows them.")
        item = best(items) if number is None else items[number - 1]
        scan = item.load()
        mask = None if mask_file is None else read_mask(mask_file, scan)
        result = segment(scan, settings, mask, progress=progress, channels=[read(file) for file in channel_files])
        said("write")
        if use is not None:
            use(scan, result)
    except MrisegError as error:
        return Record(str(path), str(error), is_final=not isinstance(error, WriteError))
    except MemoryError:
        return Record(str(path), TOO_LITTLE_MEMORY, is_final=False)
    except Exception as error:  # whatever a hostile file provokes, the others go on
        return Record(str(path), UNFORESEEN.format(type(error).__name__), is_final=False)
    several = f"Of {len(items)} scans in it, number {items.index(item) + 1}: {item.title}." if len(items) > 1 else ""
    return of_result(str(path), result, several)
