"""How far a study is: a bar on a terminal, a line for each scan elsewhere, and a log."""

import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from tqdm import tqdm

from mriseg.core.errors import WriteError
from mriseg.core.log import LineFormatter
from mriseg.core.printable import MOST_LINE, printable
from mriseg.export import confined
from mriseg.study.run import Outcome

DONE, BEFORE, FAILED = "done", "done before", "failed"


def shown(outcomes: Iterable[Outcome], count: int, *, out: Path, log: str, quiet: bool = False) -> Iterator[Outcome]:
    """Pass outcomes on, showing how far it is on standard error and writing each to a log.

    Parameters
    ----------
    outcomes : iterable of Outcome
    count : int
        How many there will be.
    out : Path
        The folder of results.
    log : str
        Path in it of a file that is not there yet. It also takes what the workers logged.
    quiet : bool
        Whether only what failed is shown.

    Yields
    ------
    Outcome
        Each as it came.

    Raises
    ------
    WriteError
        If the log cannot be written.
    """
    try:
        file = os.fdopen(confined.create(out, log), "w", encoding="utf-8", buffering=1)
    except OSError as error:
        raise WriteError(f"The log cannot be written: {error.strerror}. Choose another folder.") from error
    so_far: Counter[str] = Counter()
    began = time.monotonic()
    formatter = LineFormatter()
    is_terminal = sys.stderr.isatty()
    with file, tqdm(total=count, unit="scan", disable=quiet or not is_terminal, dynamic_ncols=True) as bar:
        for outcome in outcomes:
            what = FAILED if outcome.record.failure else DONE if outcome.is_new else BEFORE
            so_far[what] += 1
            line = printable(f"{printable(outcome.scan.name)}: {outcome.record.failure or what}", MOST_LINE)
            seconds = f" ({outcome.seconds:.1f} s)" if outcome.is_new else ""
            with suppress(OSError):  # of a full disk
                file.writelines(f"{formatter.format(record)}\n" for record in outcome.log)
                file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}{seconds}\n")
            for record in outcome.log:
                logging.getLogger(record.name).handle(record)
            with suppress(OSError):  # nobody listens any more
                if is_terminal:
                    if what == FAILED:
                        bar.write(line, file=sys.stderr)
                    bar.set_postfix_str(", ".join(f"{so_far[key]} {key}" for key in (FAILED, BEFORE) if so_far[key]))
                    bar.update()
                elif what == FAILED or not quiet:
                    number = so_far.total()
                    left = _left(time.monotonic() - began, so_far[DONE] + so_far[FAILED], count - number)
                    print(f"[{number}/{count}] {line}{seconds}{left}", file=sys.stderr, flush=True)
            yield outcome


def _left(seconds: float, segmented: int, to_come: int) -> str:
    """How much longer it takes, from the scans that took time; "" while there is nothing to tell it from."""
    if not segmented or not to_come:
        return ""
    minutes = seconds / segmented * to_come / 60
    return f", about {minutes:.0f} min left" if minutes >= 1 else ", less than a minute left"
