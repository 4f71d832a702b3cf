"""What hostile files cost: seconds and memory of a process that reads each, and what it says.

    python benchmarks/hostile.py

Each file of `tests/hostile.py` is read, and segmented if it can be read, in a process of its own. Memory is the peak
over what the process had after its imports. Takes a minute.
"""

import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

from table import ROOT, print_table

from tests.hostile import HOSTILE

CHILD = """
import pickle, re, sys, time
import mriseg, mriseg.io.reader, mriseg.segmentation.pipeline
import nibabel, scipy.ndimage, skimage, PIL.Image, tifffile
source = pickle.load(sys.stdin.buffer)
def resident(field):  # that of the resource module counts from the process which started this one
    return int(re.search(field + r":\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024 / 1e6
idle = resident("VmRSS")
open("/proc/self/clear_refs", "w").write("5")  # the peak begins anew
began = time.perf_counter()
try:
    mriseg.segment(mriseg.read(source))
    said = "SEGMENTED"
except mriseg.MrisegError as error:
    said = str(error)
seconds = time.perf_counter() - began
print(f"{seconds:.2f}\\t{max(0, resident('VmHWM') - idle):.0f}\\t{said}")
"""


def main() -> None:
    rows = []
    for name, (make, _) in HOSTILE.items():
        with tempfile.TemporaryDirectory() as folder:
            source = pickle.dumps(make(Path(folder)))
            done = subprocess.run([sys.executable, "-c", CHILD], input=source, capture_output=True, cwd=ROOT)
        last = done.stdout.decode().strip().splitlines()
        rows.append((name, *(last[-1].split("\t") if last else ("", "", f"DIED with {done.returncode}"))))
    print_table(("file", "seconds", "MB over idle", "said"), rows)


if __name__ == "__main__":
    main()
