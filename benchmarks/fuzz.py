"""Coverage-guided fuzzing of every reader: no file may crash it, hang it, or take a gigabyte.

    pip install atheris
    python benchmarks/fuzz.py --inputs 100000                 # of each reader
    python benchmarks/fuzz.py --inputs 20000 --readers nifti png

Each reader begins with the small files of `tests/corpus.py` and runs in a process of its own, which libFuzzer mutates
inputs in. There are two right ends: a scan, or a `MrisegError`. Everything else is written to --found, one file for
each place in the code, and makes the exit status 1: other exceptions, a process that died, an input that took over
10 s, a process that grew past 1 GB.

References
----------
Serebryany: Continuous fuzzing with libFuzzer and AddressSanitizer. IEEE SecDev, 2016; atheris drives it from Python.
"""

import argparse
import gzip
import io
import json
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

LONGEST_S, LARGEST_MB = 10, 1024
SLOW_S = 2  # the slowest input over this is kept too, to be looked at
LOADED = 3  # items of a source that are read
REPORT_EVERY = 200  # inputs
LONGEST_BYTES = 300_000
HEADER_BYTES = 1000
REPACKED = 0.8  # of packed inputs are unpacked before they are changed
PNG = b"\x89PNG\r\n\x1a\n"
INSTRUMENTED = ["mriseg", "nibabel", "nrrd", "tifffile", "PIL", "zipfile"]
# Where atheris watches a comparison of arrays it keeps the result for ever, until a gigabyte of them ends the process.
COMPARING_ARRAYS = [
    "mriseg.io.pictures.grayscale",
    "mriseg.io.pictures.colormap",
    "mriseg.image.panels",
    "mriseg.io.dicom.pixels",
]
SEPARATOR = b"\x00--- file ---\x00"  # between the files of a source


def packed(files: list[tuple[str, bytes]]) -> bytes:
    """A source as one input: names and contents."""
    return SEPARATOR.join(part for name, content in files for part in (name.encode(), content))


def unpacked(data: bytes) -> list[tuple[str, bytes]]:
    """The source that an input stands for; whatever it is, it stands for one."""
    parts = data.split(SEPARATOR)
    if len(parts) == 1:
        return [("x", data)]
    return [(name[:80].decode("latin-1"), content) for name, content in zip(parts[::2], parts[1::2], strict=False)]


def repacked(content: bytes, change: Callable[[bytes], bytes], random: Random) -> bytes:
    """Content with what it packs changed, its checksums right; raises if it packs nothing."""
    if content.startswith(b"\x1f\x8b"):
        return gzip.compress(change(gzip.GzipFile(fileobj=io.BytesIO(content)).read(LONGEST_BYTES)), 1)
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [(member.filename, archive.open(member).read(LONGEST_BYTES)) for member in archive.infolist()]
        which, stream = random.randrange(len(members)), io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for number, (name, inner) in enumerate(members):
                archive.writestr(name, change(inner) if number == which else inner)
        return stream.getvalue()
    if not content.startswith(PNG):
        raise ValueError
    chunks, at = [], len(PNG)
    while at + 12 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    which = random.randrange(len(chunks))
    kind, inner = chunks[which]
    chunks[which] = kind, zlib.compress(change(zlib.decompress(inner))) if kind == b"IDAT" else change(inner)
    return PNG + b"".join(
        struct.pack(">I", len(inner)) + kind + inner + struct.pack(">I", zlib.crc32(kind + inner))
        for kind, inner in chunks
    )


def fuzz(reader: str, folder: Path, inputs: int, seed: int) -> None:
    """Fuzz one reader in this process and leave counts in `folder/report.json`; does not return."""
    import atheris

    with atheris.instrument_imports(include=INSTRUMENTED, exclude=COMPARING_ARRAYS):
        from mriseg.core.errors import MrisegError
        from mriseg.io.reader import contents
        from tests.corpus import CORPUS

    for number, files in enumerate(CORPUS[reader]()):
        (folder / "corpus" / f"sound-{number}").write_bytes(packed(files))
    ends: Counter[str] = Counter()
    places: dict[str, str] = {}
    slowest = 0.0

    def one(data: bytes) -> None:
        nonlocal slowest
        began = time.perf_counter()
        try:
            for item in contents(unpacked(data))[:LOADED]:
                item.load()
            ends["read"] += 1
        except MrisegError:
            ends["refused"] += 1
        except Exception as error:
            ends["exception"] += 1
            frame = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"
            if place not in places:
                places[place] = "".join(traceback.format_exception(error)[-6:])
                (folder / "found" / f"exception-{len(places)}").write_bytes(data)
        took = time.perf_counter() - began
        if took > max(slowest, SLOW_S):
            (folder / "found" / "slowest").write_bytes(data)
        slowest = max(slowest, took)
        if ends.total() % REPORT_EVERY == 0:
            report = {"ends": ends, "places": places, "slowest": slowest}
            (folder / "report.json").write_text(json.dumps(report))

    def changed(content: bytes, most: int, random: Random) -> bytes:
        """Other bytes: changed at the beginning, where headers are, as often as anywhere; below what packs them."""
        with suppress(Exception):  # what no longer unpacks is changed as it is
            if random.random() < REPACKED:
                return repacked(content, lambda inner: changed(inner, most, random), random)
        if random.random() < 0.5:
            return atheris.Mutate(content, most)
        header = bytearray(content[:HEADER_BYTES])
        for _ in range(random.choice((1, 1, 2, 4)) if header else 0):
            header[random.randrange(len(header))] = random.choice((0, 1, 127, 128, 255, random.randrange(256)))
        return bytes(header) + content[HEADER_BYTES:]

    def mutated(data: bytes, most: int, seed: int) -> bytes:
        random, files = Random(seed), unpacked(data)
        which = random.randrange(len(files))
        files[which] = files[which][0], changed(files[which][1], most, random)
        return packed(files)[:most]

    options = [
        f"-runs={inputs}",
        f"-seed={seed}",
        f"-timeout={LONGEST_S}",
        f"-rss_limit_mb={LARGEST_MB}",
        f"-max_len={LONGEST_BYTES}",
        f"-artifact_prefix={folder / 'found'}/",
        "-len_control=0",
        "-verbosity=0",
        "-print_final_stats=0",
        str(folder / "corpus"),
    ]
    atheris.Setup([sys.argv[0], *options], one, custom_mutator=mutated)
    atheris.Fuzz()


def run(reader: str, inputs: int, seed: int, found: Path) -> dict[str, object]:
    """Fuzz a reader in processes of their own until it has had all its inputs, whatever kills them."""
    totals: Counter[str] = Counter()
    places: dict[str, str] = {}
    slowest, began = 0.0, time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "corpus").mkdir()
        (folder / "found").mkdir()
        while totals.total() < inputs:
            command = [sys.executable, __file__, "--child", reader, "--folder", str(folder), "--seed", str(seed)]
            command += ["--inputs", str(inputs - totals.total())]
            (folder / "report.json").unlink(missing_ok=True)
            done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
            seed += 1
            if not (folder / "report.json").exists():
                sys.exit(f"{reader}: the fuzzer did not begin.\n{done.stderr[-2000:]}")
            report = json.loads((folder / "report.json").read_text())
            totals.update(report["ends"])
            places.update(report["places"])
            slowest = max(slowest, report["slowest"])
            if done.returncode:
                totals["died"] += 1
                print(f"{reader}: died\n{done.stderr[-3000:]}", file=sys.stderr)
            elif inputs - totals.total() < REPORT_EVERY:
                break
        for file in (folder / "found").iterdir():
            found.mkdir(parents=True, exist_ok=True)
            (found / f"{reader}-{file.name}").write_bytes(file.read_bytes())
    for place, text in places.items():
        print(f"{reader}: {place}\n{text}", file=sys.stderr)
    return {"reader": reader, "totals": totals, "slowest": slowest, "minutes": (time.monotonic() - began) / 60}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=10_000, help="of each reader")
    parser.add_argument("--readers", nargs="+", help="keys of CORPUS in tests/corpus.py; all unless told")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--found", type=Path, default=Path("fuzz-found"), help="folder for what fell out")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        fuzz(options.child, options.folder, options.inputs, options.seed)
    from tests.corpus import CORPUS  # not before the child has had it instrumented

    ends = ("read", "refused", "exception", "died")
    print("reader      " + "".join(f"{end:>11}" for end in ends) + "  slowest s  minutes", flush=True)
    bad = 0
    for reader in options.readers or CORPUS:
        row = run(reader, options.inputs, options.seed, options.found)
        totals = row["totals"]
        bad += totals["exception"] + totals["died"]
        counts = "".join(f"{totals[end]:11}" for end in ends)
        print(f"{reader:12}{counts}  {row['slowest']:9.2f}  {row['minutes']:7.1f}", flush=True)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
