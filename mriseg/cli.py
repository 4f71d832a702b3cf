"""The command line: `mriseg segment`, `mriseg list` and `mriseg samples`."""

import argparse
import io
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from mriseg import report
from mriseg.errors import MrisegError
from mriseg.item import best
from mriseg.read import contents, read, read_mask
from mriseg.result import Result
from mriseg.samples import SAMPLES
from mriseg.segment import STAGES, segment
from mriseg.settings import CONTRASTS, MASKS, Settings
from mriseg.tissue import Tissue
from mriseg.verdict import Level, certainty, verdict
from mriseg.version import __version__
from mriseg.write import encode_scan, stem, write

DONE, A_SCAN_FAILED, BAD_USAGE = 0, 1, 2
SCAN_HELP = "a volume or picture in any of the formats of the README, a folder of DICOM files, or a zip of either"
NOT_A_DEVICE = "For research and education; not a medical device."


@dataclass(frozen=True)
class Outcome:
    """What became of one scan: a line for the user, and whether it was segmented."""

    line: str
    succeeded: bool


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0 done, 1 at least one scan failed, 2 bad usage."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal may not know the letters of a name
            stream.reconfigure(errors="backslashreplace")
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command == "samples":
        return _samples(parser, options)
    if options.command == "list":
        return _list(options)
    return _segment(parser, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mriseg",
        description=f"Gray matter, white matter and cerebrospinal fluid of brain MR images. {NOT_A_DEVICE}",
    )
    parser.add_argument("--version", action="version", version=f"mriseg {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    one = commands.add_parser(
        "segment",
        help="segment scans",
        description="Segment each SCAN and write labels, posteriors, mask, figures and a table of the labels to DIR. "
        f"Exit status: 0 done, 1 at least one scan failed, 2 bad usage. {NOT_A_DEVICE}",
    )
    one.add_argument("scans", nargs="+", metavar="SCAN", help=SCAN_HELP)
    one.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the results; made if needed")
    one.add_argument(
        "--item", type=int, metavar="N", help="of several scans in a SCAN the one that `mriseg list` gives this number"
    )
    one.add_argument("--contrast", choices=CONTRASTS, default="auto", help="what the scans are weighted by")
    one.add_argument(
        "--mask",
        default="auto",
        metavar="auto|none|all|FILE",
        help="find the brain; the scans are skull-stripped; take everything; or an image above zero in the brain",
    )
    one.add_argument(
        "--margin", type=float, default=0.0, metavar="MM", help="make the brain mask looser, or tighter (below 0)"
    )
    one.add_argument(
        "--channel",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="another contrast of the same head on the same grid, such as T2 or FLAIR beside T1; once or twice",
    )
    one.add_argument(
        "--classes", type=int, default=len(Tissue), metavar="K", help="Gaussians of pure tissue, 2 to 6 (default: 3)"
    )
    one.add_argument("--no-position", action="store_true", help="do not ask the average brain what to expect where")
    one.add_argument(
        "--smoothness",
        type=float,
        default=Settings.smoothness,
        metavar="X",
        help="how much a voxel listens to its neighbours, in what the noise asks for, 0 to 10 (default: 1)",
    )
    one.add_argument(
        "--bias-strength",
        type=float,
        default=Settings.bias_strength,
        metavar="X",
        help="how freely the bias field may bend, 0.1 to 10 (default: 1)",
    )
    one.add_argument("--report", action="store_true", help="also write a report to keep, as HTML and PDF")
    one.add_argument("--pixel-size", type=float, metavar="MM", help="side of a pixel of a picture, for its volumes")
    one.add_argument("--jobs", type=int, default=1, metavar="N", help="scans segmented at a time (default: 1)")

    listing = commands.add_parser(
        "list", help="list the scans that a folder, archive or file holds", description="List what SCAN holds."
    )
    listing.add_argument("scan", metavar="SCAN", help=SCAN_HELP)

    samples = commands.add_parser("samples", help="list or save the sample scans")
    action = samples.add_mutually_exclusive_group(required=True)
    action.add_argument("--list", action="store_true", help="what there is")
    action.add_argument("--save", nargs=2, metavar=("NAME", "FILE"), help="write one to a .nii.gz or .png file")
    return parser


def _samples(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if options.list:
        for sample in SAMPLES.values():
            print(f"{sample.name:12} {sample.title}: {sample.description}")
        return DONE
    name, file = options.save
    if name not in SAMPLES:
        parser.error(f"there is no sample {name!r}; choose one of {', '.join(SAMPLES)}")
    try:
        scan, _ = SAMPLES[name].make()
        Path(file).write_bytes(encode_scan(scan))
    except (MrisegError, OSError) as error:
        return _complain(f"mriseg: {file}: {error if isinstance(error, MrisegError) else error.strerror}")
    return DONE


def _list(options: argparse.Namespace) -> int:
    try:
        items = contents(options.scan)
    except MrisegError as error:
        return _complain(f"mriseg: {options.scan}: {error}")
    taken = best(items)
    for number, item in enumerate(items, 1):
        print(f"{'*' if item is taken else ' '}{number:3}  {item.title}")
        if item.refusal:
            print(f"      not segmented: {item.refusal}")
    print("* is segmented unless --item says otherwise.")
    return DONE


def _segment(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if options.jobs < 1:
        parser.error("--jobs must be at least 1")
    names = [stem(Path(scan).absolute()) for scan in options.scans]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        parser.error(f"several scans would be written as {twice[0]}_dseg; give each its own --out")
    mask_file = None if options.mask in MASKS else Path(options.mask)
    if mask_file is not None and len(names) > 1:
        parser.error("--mask FILE belongs to one scan; segment the scans one by one")
    if options.channel and len(names) > 1:
        parser.error("--channel FILE belongs to one scan; segment the scans one by one")
    try:
        settings = Settings(
            contrast=options.contrast,
            mask="auto" if mask_file else options.mask,
            margin=options.margin,
            pixel_size=options.pixel_size,
            smoothness=options.smoothness,
            bias_strength=options.bias_strength,
            use_position=not options.no_position,
            classes=options.classes,
        )
    except MrisegError as error:
        parser.error(str(error))

    tasks = [
        Task(Path(scan), options.item, name, options.out, settings, mask_file, tuple(options.channel), options.report)
        for scan, name in zip(options.scans, names, strict=True)
    ]
    status = DONE
    for outcome in _outcomes(tasks, options.jobs):
        if outcome.succeeded:
            print(outcome.line, flush=True)
        else:
            status = _complain(outcome.line)
    return status


@dataclass(frozen=True)
class Task:
    """One scan to be segmented, and what to write of it."""

    path: Path
    number: int | None
    name: str
    folder: Path
    settings: Settings
    mask_file: Path | None
    channel_files: tuple[Path, ...]
    report: bool


def _outcomes(tasks: list[Task], jobs: int) -> Iterator[Outcome]:
    """Segment the scans one after the other, or `jobs` at a time; in the order given."""
    if jobs == 1 or len(tasks) == 1:
        for number, task in enumerate(tasks, start=1):
            with _Progress(task.name, number, len(tasks)) as progress:
                outcome = _attempt(task, progress)
            yield outcome
        return
    # Spawned, because a fork copies whatever locks the numerical libraries hold at that moment.
    with ProcessPoolExecutor(min(jobs, len(tasks)), mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(_attempt, task) for task in tasks]
        for number, (task, future) in enumerate(zip(tasks, futures, strict=True), start=1):
            with _Progress(task.name, number, len(tasks)):
                try:
                    outcome = future.result()
                except BrokenProcessPool:
                    outcome = _failure(task, "A worker process died, probably of too little memory. Use fewer --jobs.")
            yield outcome


def _attempt(task: Task, progress: Callable[[str], None] | None = None) -> Outcome:
    """Segment one scan and write its files; whatever is wrong with it becomes a line."""
    try:
        if progress:
            progress("read")
        items = contents(task.path)
        if task.number is not None and not 1 <= task.number <= len(items):
            return _failure(
                task, f"It holds {len(items)} scans; there is no number {task.number}. `mriseg list` shows them."
            )
        item = best(items) if task.number is None else items[task.number - 1]
        scan = item.load()
        mask = None if task.mask_file is None else read_mask(task.mask_file, scan)
        channels = [read(file) for file in task.channel_files]
        result = segment(scan, task.settings, mask, progress=progress, channels=channels)
        if progress:
            progress("write")
        write(scan, result, task.folder, task.name, report.outputs(scan, result) if task.report else None)
    except MrisegError as error:
        return _failure(task, str(error))
    except MemoryError:
        return _failure(task, "There is not enough memory for this scan. Crop it to the head, or use fewer --jobs.")
    except Exception as error:  # whatever a hostile file provokes, the others are done
        return _failure(task, f"It could not be segmented, for a reason not foreseen ({type(error).__name__}).")
    summary = _summary(task.name, result)
    if len(items) > 1:
        summary += f"\n  Of {len(items)} scans in it, number {items.index(item) + 1}: {item.title}."
    return Outcome(summary, True)


def _failure(task: Task, message: str) -> Outcome:
    return Outcome(f"mriseg: {task.path}: {message}", False)


def _summary(name: str, result: Result) -> str:
    sizes = (
        f"{tissue.abbreviation} {result.fractions[tissue]:.1%}"
        if result.volumes_ml is None
        else f"{tissue.abbreviation} {result.volumes_ml[tissue]:.1f} mL ({result.fractions[tissue]:.1%})"
        for tissue in Tissue
    )
    words = f"{name}: {result.contrast.suffix} ({certainty(result.contrast_confidence)} sure), {', '.join(sizes)}"
    if result.brain.doubtful:
        words += f"; the brain mask is DOUBTFUL ({certainty(result.brain.confidence)} sure)"
    found = verdict(result)
    doubts = [f"{finding.about}: {finding}" for finding in found.findings if finding.level > Level.GOOD]
    return "\n  ".join([words, *([found.headline] if doubts else []), *doubts])


def _complain(line: str) -> int:
    print(line, file=sys.stderr, flush=True)
    return A_SCAN_FAILED


class _Progress:
    """The stage that a scan is in, on one line of the terminal; silent where standard error is none."""

    def __init__(self, name: str, number: int, count: int) -> None:
        self._start = f"[{number}/{count}] {name}: "
        self._shown = sys.stderr.isatty()

    def __enter__(self) -> "_Progress":
        self._show("working")
        return self

    def __call__(self, stage: str) -> None:
        self._show({"read": "Reading", "write": "Writing", **STAGES}[stage])

    def __exit__(self, *exception: object) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def _show(self, words: str) -> None:
        if self._shown:
            width = os.get_terminal_size(sys.stderr.fileno()).columns or 80
            print(f"\r\x1b[K{(self._start + words)[: width - 1]}", end="", file=sys.stderr, flush=True)
