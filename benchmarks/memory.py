"""What images drawn at random cost: peak memory and CPU time of a process that reads and segments each.

    python benchmarks/memory.py [--draws 2000] [--seed 0] [--only 17 42]

Shape, spacing, content, data type and mask of each image are drawn; most are small to middle-sized, every tenth is as
large as is read. Each is read and segmented in a process of its own, which is ended after 200 s of CPU time. Memory is
the peak over what the process had after its imports. A draw fails if it dies, raises anything but an `MrisegError`, or
takes more than `mriseg.core.limits` promises. The exit status is 1 if any does.
"""

import argparse
import json
import math
import os
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import nibabel
import numpy as np
import tifffile
from table import print_table

import mriseg
import mriseg.io.reader
import mriseg.segmentation.pipeline
from mriseg.app.server.memory import return_freed_memory
from mriseg.core import limits
from mriseg.core.tissue import Contrast
from mriseg.datasets.phantom import make_phantom, simulate

KILLED_AFTER_S, KILLED_ABOVE_BYTES = 200, 8_000_000_000
TYPES = ("u1", "<i2", "<f4", "<f8")
MASKS = ("auto",) * 8 + ("none", "all")
LARGE_EVERY = 10
PICTURE_EVERY = 12
LARGE = 2_000_000  # voxels from which what is the same for all images hardly counts
SHOWN = 12  # worst draws


@dataclass(frozen=True)
class Draw:
    """An image to try."""

    number: int
    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    content: str
    dtype: str
    mask: str

    def __str__(self) -> str:
        size = " x ".join(str(n) for n in self.shape)
        sides = " x ".join(f"{side:.3g}" for side in self.spacing)
        return f"{self.number}: {self.content}, {size} at {sides} mm, {self.dtype}, mask {self.mask}"


def _noise(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.standard_normal(shape, np.float32)


def _radius(shape: tuple[int, ...]) -> np.ndarray:
    """Distance from the middle, 1 at the faces."""
    axes = np.ogrid[tuple(slice(-1, 1, n * 1j) for n in shape)]
    return np.sqrt(sum(axis.astype(np.float32) ** 2 for axis in axes))


def _head(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """A simulated head that fills the image, whatever its size."""
    contrast = (Contrast.T1, Contrast.T2, Contrast.FLAIR)[rng.integers(3)]
    head = simulate(make_phantom(spacing=3.0), contrast, seed=int(rng.integers(99))).data
    if len(shape) == 2:
        head = head[:, :, head.shape[2] // 2].T[::-1]
    part = [np.linspace(0, n - 1, m).round().astype(int) for n, m in zip(head.shape, shape, strict=True)]
    return head[np.ix_(*part)]


def _padded_head(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """The same in the middle half of the image, with zeros around it."""
    inner = tuple(max(1, n // 2) for n in shape)
    image = np.zeros(shape, np.float32)
    image[tuple(slice((n - m) // 2, (n - m) // 2 + m) for n, m in zip(shape, inner, strict=True))] = _head(rng, inner)
    return image


def _one_voxel(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    image = np.full(shape, 3, np.float32)
    image[tuple(rng.integers(n) for n in shape)] = 200
    return image


def _checkerboard(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    side = int(rng.integers(1, 9))
    parity = sum(axis // side for axis in np.ogrid[tuple(slice(0, n) for n in shape)]) % 2
    return np.where(parity, 180, 60).astype(np.float32) + 5 * _noise(rng, shape)


def _blobs(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Smooth texture all over."""
    total = np.zeros(shape, np.float32)
    for _ in range(6):
        waves = [np.cos(rng.uniform(1, 40) * axis + rng.uniform(0, 6)) for axis in
                 np.ogrid[tuple(slice(0, np.pi, n * 1j) for n in shape)]]  # fmt: skip
        total += np.prod(np.array(waves, object)).astype(np.float32)
    return 60 + 40 * total + 2 * _noise(rng, shape)


def _stripped(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Three nested bodies that look like tissues, with zeros around them, nearly filling the image."""
    radius = _radius(shape)
    image = np.select([radius < 0.5, radius < 0.8, radius < 0.98], [150, 100, 40], 0).astype(np.float32)
    return image + (image > 0) * 6 * _noise(rng, shape)


CONTENT: dict[str, Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]] = {
    "noise": lambda rng, shape: 100 + 20 * _noise(rng, shape),
    "noise of air": lambda rng, shape: 20 * np.hypot(_noise(rng, shape), _noise(rng, shape)),
    "ball": lambda rng, shape: np.where(_radius(shape) < 0.8, 100, 0) + 3 * np.abs(_noise(rng, shape)),
    "even ball": lambda rng, shape: np.where(_radius(shape) < rng.uniform(0.2, 1.2), 100, 0).astype(np.float32),
    "one voxel": _one_voxel,
    "head": _head,
    "padded head": _padded_head,
    "checkerboard": _checkerboard,
    "labels": lambda rng, shape: np.rint(3 * np.minimum(_radius(shape), 1)).astype(np.float32),
    "half empty": lambda rng, shape: np.where(np.arange(shape[-1]) < shape[-1] // 2, 0, 80 + 20 * _noise(rng, shape)),
    "denormals": lambda rng, shape: np.abs(_noise(rng, shape)) * np.float32(1e-40),
    "texture": _blobs,
    "stripped": _stripped,
    "stripped head": lambda rng, shape: np.where(_radius(shape) < 0.9, _head(rng, shape), 0),
    "specks": lambda rng, shape: np.where(rng.random(shape, np.float32) < 0.02, 200, 5 + _noise(rng, shape)),
    "huge numbers": lambda rng, shape: _head(rng, shape) * np.float32(1e30),
}  # fmt: skip


def draw(number: int, seed: int) -> Draw:
    """What image a number stands for."""
    rng = np.random.default_rng([seed, number])
    picture = number % PICTURE_EVERY == PICTURE_EVERY - 1
    axes, most = (2, limits.MAX_PIXELS) if picture else (3, limits.MAX_VOXELS)
    large = number % LARGE_EVERY == LARGE_EVERY - 1
    while True:
        voxels = most * rng.uniform(0.3, 1) if large else np.exp(rng.uniform(np.log(5e3), np.log(most / 20)))
        uneven = rng.choice([0.0, 0.3, 1.2])
        sides = np.exp(uneven * rng.standard_normal(axes))
        shape = tuple(int(n) for n in np.maximum(1, np.rint(sides * (voxels / sides.prod()) ** (1 / axes))))
        try:
            limits.check_shape(shape)
            break
        except mriseg.MrisegError:
            continue
    extent = rng.choice([180, 250, 400, 1000]) * rng.uniform(0.7, 1.3)
    spacing = {
        0: np.full(axes, extent / max(shape)),  # as large as a head, or some times that
        1: extent / np.array(shape),  # the same in all directions, whatever the voxels become
        2: np.full(axes, np.exp(rng.uniform(*np.log(limits.VOXEL_SIDES_MM)))),
        3: np.exp(rng.uniform(*np.log(limits.VOXEL_SIDES_MM), axes)),
        4: np.full(axes, rng.choice([0.5, 1, 2.2, 3, 5])),
    }[int(rng.integers(5))]
    return Draw(
        number,
        shape,
        tuple(float(side) for side in np.clip(spacing, *limits.VOXEL_SIDES_MM)),
        str(rng.choice(list(CONTENT))),
        str(rng.choice(TYPES)),
        str(rng.choice(MASKS)),
    )


def write(what: Draw, seed: int, folder: Path) -> Path:
    """Make the image's file."""
    data = CONTENT[what.content](np.random.default_rng([seed, what.number, 1]), what.shape)
    if np.dtype(what.dtype).kind in "iu" and what.content != "denormals":
        highest = {1: 255, 2: 4000}[np.dtype(what.dtype).itemsize]
        data = (data - data.min()) * (highest / max(float(np.ptp(data)), 1e-30))
    if len(what.shape) == 2:
        path = folder / "picture.tif"
        tifffile.imwrite(path, data.astype("u1" if what.dtype == "u1" else "<u2" if what.dtype == "<i2" else "<f4"))
        return path
    path = folder / "volume.nii"
    dtype = "<f4" if what.content == "denormals" else what.dtype
    image = nibabel.Nifti1Image(data.astype(dtype), np.diag([*what.spacing, 1.0]))
    nibabel.save(image, path)
    return path


def measure(path: Path, mask: str) -> dict[str, object]:
    """Read and segment a file; what it takes, in this process, whose large arrays go back to the system as a page's."""
    return_freed_memory()
    idle = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    began, wall, clean = time.process_time(), time.perf_counter(), True
    try:
        mriseg.segment(mriseg.read(path), mriseg.Settings(mask=mask))
        outcome = "segmented"
    except mriseg.MrisegError as error:
        outcome = str(error)
    except MemoryError:
        outcome, clean = "MemoryError", False
    except Exception:
        outcome, clean = traceback.format_exc(limit=-2), False
    return {
        "outcome": outcome,
        "clean": clean,
        "bytes": max(0, _status("VmHWM") - idle),
        "seconds": time.process_time() - began,
        "wall": time.perf_counter() - wall,
    }


def _status(key: str) -> int:
    """An entry of this process's status, bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    raise KeyError(key)


def in_child(task: Callable[[], object]) -> object:
    """What a function returns in a process of its own, or how that ended."""
    source, sink = os.pipe()
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CPU, (KILLED_AFTER_S, KILLED_AFTER_S + 5))
        resource.setrlimit(resource.RLIMIT_AS, (KILLED_ABOVE_BYTES, KILLED_ABOVE_BYTES))
        os.close(source)
        with os.fdopen(sink, "w") as stream:
            json.dump(task(), stream)
            stream.flush()
            os._exit(0)
    os.close(sink)
    with os.fdopen(source) as stream:
        answer = stream.read()
    status = os.waitpid(child, 0)[1]
    if answer:
        return json.loads(answer)
    return {"outcome": f"died with {status}", "clean": False, "bytes": 0, "seconds": float(KILLED_AFTER_S)}


def run(what: Draw, seed: int) -> dict[str, object]:
    """Make an image, read it, segment it; what that took."""
    with tempfile.TemporaryDirectory() as folder:
        made = in_child(lambda: str(write(what, seed, Path(folder))))
        if not isinstance(made, str):
            return {**asdict(what), **made, "text": str(what)}
        return {**asdict(what), **in_child(lambda: measure(Path(made), what.mask)), "text": str(what)}


def broken_promises(result: dict) -> str:
    """What of the limits a draw went over, or how it died; empty where it kept all."""
    if not result["clean"]:
        return result["outcome"]
    most = limits.PEAK_CONSTANT_BYTES + limits.PEAK_BYTES_PER_VOXEL * math.prod(result["shape"])
    over = [
        ("memory", result["bytes"] > min(most, limits.MAX_PEAK_BYTES)),
        ("CPU time", result["seconds"] > limits.MAX_CPU_S),
    ]
    return " and ".join(name for name, is_over in over if is_over)


def report(results: list[dict]) -> bool:
    """Print tables; whether all promises were kept."""
    large = [r for r in results if math.prod(r["shape"]) >= LARGE]
    small = [r["bytes"] for r in results if math.prod(r["shape"]) < LARGE]
    per_voxel = [r["bytes"] / math.prod(r["shape"]) for r in large] or [0.0]
    beyond = [(r["bytes"] - limits.PEAK_CONSTANT_BYTES) / math.prod(r["shape"]) for r in large] or [0.0]
    seconds = [r["seconds"] for r in results]
    broken = sum(bool(broken_promises(r)) for r in results)
    figures = {
        "draws": len(results),
        "segmented": sum(r["outcome"] == "segmented" for r in results),
        "refused": sum(r["clean"] and r["outcome"] != "segmented" for r in results),
        "died or raised another error": sum(not r["clean"] for r in results),
        f"peak below {LARGE // 10**6} million voxels, MB, most": round(max(small, default=0) / 1e6),
        "from there on, bytes a voxel, most": round(max(per_voxel), 1),
        "99 % are below": round(float(np.percentile(per_voxel, 99)), 1),
        f"over a constant of {limits.PEAK_CONSTANT_BYTES / 1e6:.0f} MB, most": round(max(beyond), 1),
        "peak, MB, most": round(max(r["bytes"] for r in results) / 1e6),
        "CPU s, most": round(max(seconds), 1),
        "99 % of CPU s are below": round(float(np.percentile(seconds, 99)), 1),
        "CPU s, mean": round(float(np.mean(seconds)), 1),
        "draws that broke a promise": broken,
    }
    print_table(("what", "of all draws"), list(figures.items()))
    worst = sorted(results, key=lambda r: -max(_share_of_memory(r), r["seconds"] / limits.MAX_CPU_S))
    worst.sort(key=lambda r: not broken_promises(r))
    rows = [
        (
            r["text"],
            f"{r['bytes'] / 1e6:.0f}",
            f"{r['seconds']:.1f}",
            " ".join(r["outcome"].split())[-70:],
            broken_promises(r)[:8],
        )
        for r in worst[: max(SHOWN, broken)]
    ]
    print()
    print_table(("draw", "MB", "CPU s", "outcome", "broken"), rows)
    return not broken


def _share_of_memory(result: dict) -> float:
    """What a draw took of what is promised."""
    most = limits.PEAK_CONSTANT_BYTES + limits.PEAK_BYTES_PER_VOXEL * math.prod(result["shape"])
    return result["bytes"] / min(most, limits.MAX_PEAK_BYTES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0, help="number of the first draw")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, nargs="*", help="numbers of the draws to try")
    parser.add_argument("--log", type=Path, help="file that gets a line of JSON for each draw as it is done")
    options = parser.parse_args()
    results = []
    for number in options.only or range(options.first, options.first + options.draws):
        results.append(run(draw(number, options.seed), options.seed))
        if options.log:
            with options.log.open("a") as log:
                log.write(json.dumps(results[-1]) + "\n")
    sys.exit(0 if report(results) else 1)


if __name__ == "__main__":
    main()
