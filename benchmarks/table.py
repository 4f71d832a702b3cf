"""What the benchmarks share: where things are, Markdown tables, and the cost of a whole process."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"
sys.path.insert(0, str(ROOT))  # what is measured is the checkout, installed or not


def print_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a Markdown table."""
    print(table_text(head, rows))


def table_text(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; columns of numbers, some of which may be missing, are right-aligned."""
    cells = [[str(cell) for cell in row] for row in rows]
    right = [all(map(_is_number, column)) for column in zip(*cells, strict=True)]
    # A rule of a lone colon is none: GitHub then shows no table.
    widths = [max(2, *map(len, column)) for column in zip(head, *cells, strict=True)]
    rule = ["-" * (width - 1) + (":" if r else "-") for width, r in zip(widths, right, strict=True)]
    lines = []
    for line in (head, rule, *cells):
        padded = [cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(line, widths, right, strict=True)]
        lines.append("| " + " | ".join(padded) + " |")
    return "\n".join(lines)


def _is_number(cell: str) -> bool:
    try:
        float(cell.rstrip("%") or 0)
    except ValueError:
        return False
    return True


# Linux counts the peak of a process from that of the one it was started by, so a slim one goes in between.
LAUNCHER = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
"""


def run_measured(*arguments: str) -> tuple[float, float]:
    """Run a Python script to its end; CPU seconds (user and system) and peak resident MB of the whole process.

    Start, imports and reading are part of both, as they are for whoever runs it. Numerical libraries get one thread.
    """
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, "-c", LAUNCHER, sys.executable, *arguments]
    finished = subprocess.run(command, env={**os.environ, **one_thread}, check=True, stdout=subprocess.PIPE, text=True)
    seconds, peak = finished.stdout.split()[-2:]
    return float(seconds), float(peak) / (1024**2 if sys.platform == "darwin" else 1024)
