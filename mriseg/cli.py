"""The command line: `mriseg segment`, `mriseg cohort`, `mriseg list` and `mriseg samples`."""

import argparse
import io
import logging
import os
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mriseg import report
from mriseg.core.errors import MrisegError
from mriseg.core.log import log_collected, log_shown
from mriseg.core.printable import printable
from mriseg.core.scan import Scan
from mriseg.core.settings import CONTRASTS, MASKS, Settings
from mriseg.core.terminal import Parser, complain, say
from mriseg.core.tissue import ABNORMAL, Tissue
from mriseg.core.version import DISCLAIMER, __version__
from mriseg.datasets.samples import SAMPLES
from mriseg.export import writer
from mriseg.export.images import encode_scan
from mriseg.export.writer import stem
from mriseg.io.catalog import best
from mriseg.io.reader import contents
from mriseg.segmentation.names import certainty
from mriseg.segmentation.result import Result
from mriseg.study.attempt import LoadedScan, load_scan, try_segment
from mriseg.study.bids import SUFFIXES
from mriseg.study.executors import in_processes, on_cluster
from mriseg.study.record import WORKER_DIED, Record
from mriseg.study.stage_line import StageLine

if TYPE_CHECKING:
    from mriseg.study.run import Run

DONE, A_SCAN_FAILED, BAD_USAGE, INTERRUPTED = 0, 1, 2, 130
CONNECTS_WITHIN = 20  # seconds that a scheduler may take to answer
SCAN_HELP = "a volume or picture in any of the formats of the README, a folder of DICOM files, or a zip of either"
STATUS = "Exit status: 0 done, 1 at least one scan failed, 2 bad usage."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process if not given.

    Returns
    -------
    int
        The exit status: 0 done, 1 at least one scan failed, 2 bad usage.
    """
    if sys.stdout is None:  # closed by who started it
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal may not know the letters of a name
            stream.reconfigure(errors="backslashreplace")
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command == "samples":
        return _samples(parser, options)
    if options.command == "list":
        return _list(options)
    if options.command == "cohort":
        # Its log is a file; on the terminal it would come between the lines of the progress.
        with log_shown(sys.stderr, logging.DEBUG) if options.verbose else nullcontext():
            return _cohort(parser, options)
    with log_shown(sys.stderr, logging.DEBUG if options.verbose else logging.ERROR):
        return _segment(parser, options)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="mriseg",
        description=f"Gray matter, white matter and cerebrospinal fluid of brain MR images. {DISCLAIMER}",
    )
    parser.add_argument("--version", action="version", version=f"mriseg {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_segment(
        commands.add_parser(
            "segment",
            help="segment scans",
            description="Segment each SCAN and write labels, posteriors, mask, figures and a table of the labels to "
            f"DIR. {STATUS} {DISCLAIMER}",
        )
    )
    _add_cohort(
        commands.add_parser(
            "cohort",
            help="segment a study: a BIDS dataset or a folder of scans",
            description="Segment each scan of a study and write BIDS derivatives, a table of all figures and a "
            "report of the group. What an earlier run did is not done again, so one that was stopped goes on where it "
            f"was. {STATUS} {DISCLAIMER}",
        )
    )
    listing = commands.add_parser(
        "list", help="list the scans that a folder, archive or file holds", description="List what SCAN holds."
    )
    listing.add_argument("scan", metavar="SCAN", help=SCAN_HELP)
    samples = commands.add_parser("samples", help="list or save the sample scans")
    action = samples.add_mutually_exclusive_group(required=True)
    action.add_argument("--list", action="store_true", help="what there is")
    action.add_argument("--save", nargs=2, metavar=("NAME", "FILE"), help="write one to a .nii.gz or .png file")
    return parser


def _add_segment(command: argparse.ArgumentParser) -> None:
    command.add_argument("scans", nargs="+", metavar="SCAN", help=SCAN_HELP)
    command.add_argument(
        "--out", required=True, type=_folder, metavar="DIR", help="folder for the results; made if needed"
    )
    _add_overwrite(command)
    command.add_argument(
        "--item", type=int, metavar="N", help="of several scans in a SCAN the one that `mriseg list` gives this number"
    )
    command.add_argument(
        "--mask",
        default="auto",
        metavar="auto|none|all|FILE",
        help="find the brain; the scans are skull-stripped; take everything; or an image above zero in the brain",
    )
    command.add_argument(
        "--channel",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="another contrast of the same head on the same grid, such as T2 or FLAIR beside T1; once or twice",
    )
    _add_settings(command)
    command.add_argument("--report", action="store_true", help="also write a report to keep, as HTML and PDF")
    command.add_argument("--jobs", type=int, default=1, metavar="N", help="scans segmented at a time (default: 1)")
    _add_log_level(command)


def _add_cohort(command: argparse.ArgumentParser) -> None:
    command.add_argument("study", type=_folder, metavar="BIDS_DIR", help="a BIDS dataset, or any folder of scans")
    command.add_argument("out", type=_folder, metavar="OUT_DIR", help="folder for the results; made if needed")
    _add_overwrite(command)
    command.add_argument(
        "--participant-label", nargs="+", default=[], metavar="LABEL", help="only these participants, such as 01 02"
    )
    command.add_argument("--session-label", nargs="+", default=[], metavar="LABEL", help="only these sessions")
    command.add_argument(
        "--suffix", choices=SUFFIXES, default=SUFFIXES[0], help="which scans of a BIDS dataset (default: T1w)"
    )
    where = command.add_mutually_exclusive_group()
    where.add_argument("--workers", type=int, metavar="N", help="processes (default: what cores and memory allow)")
    where.add_argument(
        "--scheduler", metavar="ADDRESS", help="of a Dask cluster that does the work, such as tcp://host:8786"
    )
    command.add_argument(
        "--mask", choices=MASKS, default="auto", help="find the brain; it is stripped; take everything"
    )
    _add_settings(command)
    _add_log_level(command)


def _folder(path: str) -> Path:
    """The folder that an option names; nothing and blanks, as of a variable that is not set, are none."""
    if not path.strip() or "\0" in path:
        raise argparse.ArgumentTypeError("the name of a folder is missing")
    return Path(path)


def _add_overwrite(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--overwrite",
        action="store_true",
        help="also replace files of the results' names that mriseg did not write, or of another scan",
    )


def _add_log_level(command: argparse.ArgumentParser) -> None:
    level = command.add_mutually_exclusive_group()
    level.add_argument("--verbose", action="store_true", help="also log each stage, and where a failure came about")
    level.add_argument("--quiet", action="store_true", help="say nothing but what failed")


def _add_settings(command: argparse.ArgumentParser) -> None:
    command.add_argument("--contrast", choices=CONTRASTS, default="auto", help="what the scans are weighted by")
    command.add_argument(
        "--margin", type=float, default=0.0, metavar="MM", help="make the brain mask looser, or tighter (below 0)"
    )
    command.add_argument(
        "--classes", type=int, default=len(Tissue), metavar="K", help="Gaussians of pure tissue, 2 to 6 (default: 3)"
    )
    command.add_argument(
        "--no-lesions", action="store_true", help="do not set apart what is unlike any of the three tissues"
    )
    command.add_argument("--no-position", action="store_true", help="do not ask the average brain what to expect where")
    command.add_argument(
        "--smoothness",
        type=float,
        default=Settings.smoothness,
        metavar="X",
        help="how much a voxel listens to its neighbors, in what the noise asks for, 0 to 10 (default: 1)",
    )
    command.add_argument(
        "--bias-strength",
        type=float,
        default=Settings.bias_strength,
        metavar="X",
        help="how freely the bias field may bend, 0.1 to 10 (default: 1)",
    )
    command.add_argument("--pixel-size", type=float, metavar="MM", help="side of a pixel of a picture, for its volumes")


def _samples(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if options.list:
        for sample in SAMPLES.values():
            say(f"{sample.name:12} {sample.title}: {sample.description}")
        return DONE
    name, file = options.save
    if name not in SAMPLES:
        parser.error(f"there is no sample {name!r}; choose one of {', '.join(SAMPLES)}")
    try:
        scan, _ = SAMPLES[name].make()
        Path(file).write_bytes(encode_scan(scan))
    except (MrisegError, OSError) as error:
        complain(error if isinstance(error, MrisegError) else error.strerror, file)
        return A_SCAN_FAILED
    return DONE


def _list(options: argparse.Namespace) -> int:
    try:
        entries = contents(options.scan)
    except MrisegError as error:
        complain(error, options.scan)
        return A_SCAN_FAILED
    chosen = best(entries)
    for number, entry in enumerate(entries, 1):
        say(f"{'*' if entry is chosen else ' '}{number:3}  {entry.title}")
        if entry.refusal:
            say(f"      not segmented: {entry.refusal}")
    if chosen.left_out:
        say(chosen.left_out)
    say("* is segmented unless --item says otherwise.")
    return DONE


def _settings(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Settings:
    try:
        return Settings(
            contrast=options.contrast,
            mask=options.mask if options.mask in MASKS else "auto",
            margin=options.margin,
            pixel_size=options.pixel_size,
            smoothness=options.smoothness,
            bias_strength=options.bias_strength,
            use_position=not options.no_position,
            lesions=not options.no_lesions,
            classes=options.classes,
        )
    except MrisegError as error:
        parser.error(str(error))


def _segment(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if options.jobs < 1:
        parser.error("--jobs must be at least 1")
    names = [_name(Path(scan)) for scan in options.scans]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        parser.error(f"several scans would be written as {twice[0]}_dseg; give each its own --out")
    if _mask_file(options) is not None and len(names) > 1:
        parser.error("--mask FILE belongs to one scan; segment the scans one by one")
    if options.channel and len(names) > 1:
        parser.error("--channel FILE belongs to one scan; segment the scans one by one")
    settings = _settings(parser, options)
    writer.clear(options.out)
    paths = [Path(scan) for scan in options.scans]
    status = DONE
    for path, record in _records(paths, settings, options):
        if record.failure is not None:
            complain(record.failure, path)
            status = A_SCAN_FAILED
        elif not options.quiet:
            say(*_summary(_name(path), record))
    return status


def _name(path: Path) -> str:
    """How the names of a scan's files begin."""
    return stem(path.absolute())


def _mask_file(options: argparse.Namespace) -> Path | None:
    return None if options.mask in MASKS else Path(options.mask)


def _records(paths: list[Path], settings: Settings, options: argparse.Namespace) -> Iterator[tuple[Path, Record]]:
    """Segment the scans one after the other, or several at a time; in the order in which they finish."""
    segment_one = partial(_segment_one, settings=settings, options=options)
    is_shown = sys.stderr.isatty() and not options.quiet
    if options.jobs == 1 or len(paths) == 1:
        for number, path in enumerate(paths, start=1):
            with StageLine(f"[{number}/{len(paths)}] {_name(path)}: ", is_shown) as progress:
                record = segment_one(path, progress=progress)
            yield path, record
        return
    finished = in_processes(partial(_with_log, segment_one), paths, min(options.jobs, len(paths)))
    for number, (path, outcome) in enumerate(finished, start=1):
        record, log = outcome or (Record(str(path), WORKER_DIED), [])
        for line in log:
            logging.getLogger(line.name).handle(line)
        with StageLine(f"[{number}/{len(paths)}] {_name(path)}: ", is_shown):
            yield path, record


def _segment_one(
    path: Path,
    *,
    settings: Settings,
    options: argparse.Namespace,
    progress: Callable[[str], None] | None = None,
) -> Record:
    """Segment one scan and write its files."""

    name, overwrite = _name(path), options.overwrite

    def load() -> LoadedScan:
        loaded = load_scan(path, number=options.item, mask_file=_mask_file(options), channel_files=options.channel)
        reports = (report.HTML, report.PDF) if options.report else ()
        writer.check(loaded.scan, options.out, name, more=reports, overwrite=overwrite)  # before it takes its time
        return loaded

    def save(scan: Scan, result: Result) -> None:
        more = report.outputs(scan, result) if options.report else None
        writer.write(scan, result, options.out, name, more=more, overwrite=overwrite)

    return try_segment(path, settings, load=load, use=save, progress=progress)


def _with_log(work: Callable[[Path], Record], path: Path) -> tuple[Record, list[logging.LogRecord]]:
    """What a process of its own does: the log is written by the one that started it."""
    with log_collected() as log:
        return work(path), log


def _summary(name: str, record: Record) -> list[str]:
    """What is said of a scan that was segmented, in lines."""
    assert record.contrast is not None  # as in every record without a failure
    assert record.contrast_confidence is not None
    volumes = record.volumes_ml or {}
    sizes = [_size(tissue.abbreviation, record.fractions[tissue], volumes.get(tissue)) for tissue in Tissue]
    if record.abnormal is not None:
        sizes.append(_size(ABNORMAL.abbreviation, record.abnormal.share, record.abnormal.volume_ml))
    sure = certainty(record.contrast_confidence)
    line = f"{printable(name)}: {record.contrast.suffix} ({sure} confidence), {', '.join(sizes)}"
    if record.mask_doubtful and record.mask_confidence is not None:
        line += f"; the brain mask is DOUBTFUL ({certainty(record.mask_confidence)} confidence)"
    doubts = [record.verdict, *(finding.titled_text for finding in record.findings)] if record.findings else []
    return [line, *(f"  {text}" for text in (*doubts, record.several) if text)]


def _size(name: str, share: float, ml: float | None) -> str:
    return f"{name} {share:.1%}" if ml is None else f"{name} {ml:.1f} mL ({share:.1%})"


def _cohort(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    # Only those who run a study pay for the import.
    from mriseg.study import bids, derivatives
    from mriseg.study import progress as study_progress
    from mriseg.study import run as cohort
    from mriseg.study.resources import fitting_workers, share_bytes

    if options.workers is not None and options.workers < 1:
        parser.error("--workers must be at least 1")
    settings = _settings(parser, options)
    study, out = options.study.absolute(), options.out.absolute()  # workers may have another working directory
    try:
        derivatives.check(out, study, options.overwrite)
        scans = bids.find(
            study,
            options.suffix,
            participants=options.participant_label,
            sessions=options.session_label,
            leave_out=out,
            warn=complain,
        )
    except MrisegError as error:
        parser.error(str(error))
    workers = min(options.workers or fitting_workers(), len(scans))
    # Containers have processes of the same number, which may begin in the same second.
    log = f"{derivatives.LOGS}/cohort-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}-{uuid.uuid4().hex[:6]}.log"
    status, count = DONE, Counter[str]()
    try:
        with _engine(options.scheduler, workers, share_bytes(workers)) as run:
            outcomes = cohort.segment_study(scans, out, settings, run, overwrite=options.overwrite)
            with closing(outcomes):
                for outcome in study_progress.shown(outcomes, len(scans), out=out, log=log, quiet=options.quiet):
                    count["failed" if outcome.record.failure else "segmented"] += 1
        cohort.summarize(out, study, settings, bids.is_bids(study))
    except MrisegError as error:
        complain(error)
        return A_SCAN_FAILED
    except KeyboardInterrupt:
        complain("stopped. The same command goes on where it was.")
        return INTERRUPTED
    if count["failed"]:
        complain(f"{count['failed']} of {len(scans)} scans failed; {derivatives.TABLE} says why.")
        status = A_SCAN_FAILED
    if not options.quiet:
        report_file = options.out / derivatives.REPORT
        say(f"{count['segmented']} scans segmented. See {report_file} and {derivatives.TABLE} beside it.")
    return status


@contextmanager
def _engine(scheduler: str | None, workers: int, most_bytes: int | None) -> Iterator["Run"]:
    """What does the work: processes of this machine, or the cluster of a scheduler."""
    if scheduler is None:
        yield partial(in_processes, workers=workers, most_bytes=most_bytes)
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise MrisegError("--scheduler needs Dask. Install it with: pip install 'mriseg[cluster]'.") from error
    try:
        client = Client(scheduler, timeout=CONNECTS_WITHIN)
    except (OSError, ValueError) as error:
        raise MrisegError(f"No Dask scheduler answers at {scheduler}. Start one, or check the address.") from error
    with client:
        yield partial(on_cluster, client=client)
