"""What reading a head costs, in every common way to give it: CPU seconds, and memory as a multiple of the volume.

    python benchmarks/reading.py

A generated volume of 256 x 256 x 192 voxels is written in each format and read in a process of its own, from disk or,
as the page does it, from bytes in memory. Memory is the peak over what the process had after its imports, and after the
bytes if they are given; only Linux tells it. Takes a minute.
"""

import gzip
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import nibabel
import nrrd
import numpy as np
import tifffile
from table import ROOT, print_table

from tests import dicom_files as dicoms

SHAPE = (256, 256, 192)
AFFINE = np.diag([1.0, 1.0, 1.0, 1.0])
CHILD = """
import re, sys, time
from pathlib import Path
import imagecodecs, nibabel, nrrd, numpy, tifffile
import mriseg
source, in_memory = Path(sys.argv[1]), sys.argv[2] == "bytes"
name = source.name if in_memory else None
source = source.read_bytes() if in_memory else source
resets, status = Path("/proc/self/clear_refs"), Path("/proc/self/status")
resident = lambda field: 1024 * int(re.search(field + r":\\s+(\\d+)", status.read_text())[1])
if resets.exists():
    resets.write_text("5")  # the peak begins anew
    before = resident("VmRSS")
began = time.process_time()
scan = mriseg.read(source, name)
seconds = time.process_time() - began
share = f"{(resident('VmHWM') - before) / (4 * scan.data.size):.2f}" if resets.exists() else ""
print(f"{seconds:.2f}\\t{share}\\t{float(scan.data.sum(dtype=float))}")
"""


def main() -> None:
    """Print the table."""
    voxels = dicoms.brainlike(SHAPE, bits=11).astype(np.int16)
    rows = []
    for name, (write, gives) in WAYS.items():
        with tempfile.TemporaryDirectory() as folder:
            path = write(Path(folder), voxels)
            size = sum(file.stat().st_size for file in ([path] if path.is_file() else path.rglob("*.dcm")))
            for given in gives:
                seconds, share, total = measured(path, given)
                assert np.isclose(total, voxels.sum(dtype=float), rtol=1e-5), f"{name} was not read as it was written"
                rows.append((name, given, f"{size / 1e6:.0f}", seconds, share))
    print_table(("256 x 256 x 192 voxels as", "given as", "MB", "CPU s", "peak memory / volume"), rows)


def measured(path: Path, given: str) -> tuple[str, str, float]:
    """CPU seconds, peak memory in volumes, and the sum of all voxels."""
    env = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(path), given],
        cwd=ROOT,
        env=env,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    seconds, share, total = done.stdout.rstrip("\n").split("\t")
    return seconds, share, float(total)


def _folder(syntax: str) -> Callable[[Path, np.ndarray], Path]:
    def write(folder: Path, voxels: np.ndarray) -> Path:
        for name, content in _series(voxels, syntax):
            (folder / f"{name}.dcm").write_bytes(content)
        return folder

    return write


def _zip(folder: Path, voxels: np.ndarray) -> Path:
    with zipfile.ZipFile(folder / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _series(voxels, "explicit"):
            archive.writestr(f"series/{name}.dcm", content)
    return folder / "x.zip"


def _series(voxels: np.ndarray, syntax: str) -> list[tuple[str, bytes]]:
    # A code of unsigned numbers, as encoders want them; all voxels are positive.
    of_kind = voxels if syntax in dicoms.PLAIN else voxels.astype(np.uint16)
    return dicoms.series(of_kind, dicoms.Geometry(apart=1.0), dicoms.MPRAGE | {"BitsStored": 12}, syntax=syntax)


def _enhanced(syntax: str) -> Callable[[Path, np.ndarray], Path]:
    def write(folder: Path, voxels: np.ndarray) -> Path:
        of_kind = voxels if syntax in dicoms.PLAIN else voxels.astype(np.uint16)
        tags = dicoms.MPRAGE | {"BitsStored": 12}
        (folder / "x.dcm").write_bytes(dicoms.enhanced(of_kind, dicoms.Geometry(apart=1.0), tags, syntax=syntax))
        return folder / "x.dcm"

    return write


def _nifti(folder: Path, voxels: np.ndarray) -> Path:
    content = bytearray(nibabel.Nifti1Image((voxels - 8.0) / 2, AFFINE).to_bytes())
    content[112:120] = np.array([2.0, 8.0], "<f4").tobytes()  # slope and intercept
    (folder / "x.nii.gz").write_bytes(gzip.compress(content, 1))
    return folder / "x.nii.gz"


def _mgz(folder: Path, voxels: np.ndarray) -> Path:
    nibabel.MGHImage(voxels.astype(np.float32), AFFINE).to_filename(folder / "x.mgz")
    return folder / "x.mgz"


def _nrrd(folder: Path, voxels: np.ndarray) -> Path:
    header = {"space": "left-posterior-superior", "space directions": np.eye(3), "encoding": "gzip"}
    nrrd.write(str(folder / "x.nrrd"), voxels, header, compression_level=1)
    return folder / "x.nrrd"


def _tiff(folder: Path, voxels: np.ndarray) -> Path:
    stream = io.BytesIO()
    tifffile.imwrite(
        stream,
        voxels.T.astype(np.uint16),
        imagej=True,
        resolution=(1, 1),
        metadata={"axes": "ZYX", "spacing": 1.0, "unit": "mm"},
    )
    (folder / "x.tif").write_bytes(stream.getvalue())
    return folder / "x.tif"


WAYS: dict[str, tuple[Callable[[Path, np.ndarray], Path], tuple[str, ...]]] = {
    "DICOM, 192 files": (_folder("explicit"), ("path",)),
    "DICOM, 192 files, JPEG lossless": (_folder("jpeg lossless"), ("path",)),
    "DICOM, 192 files, JPEG 2000": (_folder("jpeg 2000"), ("path",)),
    "DICOM, 192 files in a zip": (_zip, ("path", "bytes")),
    "DICOM, one enhanced file": (_enhanced("explicit"), ("path", "bytes")),
    "DICOM, one enhanced file, RLE": (_enhanced("rle"), ("path",)),
    "NIfTI, .nii.gz of scaled float64": (_nifti, ("path", "bytes")),
    "MGH, .mgz of float32": (_mgz, ("path",)),
    "NRRD, gzip of int16": (_nrrd, ("path",)),
    "TIFF, a stack of 16 bits": (_tiff, ("path",)),
}


if __name__ == "__main__":
    main()
