"""Every trap is refused with its reason, quickly and with little memory. `benchmarks/hostile.py` measures processes."""

import time

import pytest

import mriseg
from mriseg import MrisegError
from tests.helpers import little_resident_memory
from tests.hostile import HOSTILE

pytestmark = pytest.mark.usefixtures("nothing_remembered")  # what is asked here is what the engine itself takes
LARGEST_BYTES = 400e6
LONGEST_S = 5  # of the processor; other tests may run beside


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_a_trap_is_refused_with_its_reason(name, tmp_path):
    make, says = HOSTILE[name]
    source = make(tmp_path)
    began = time.process_time()
    with little_resident_memory(LARGEST_BYTES), pytest.raises(MrisegError, match=says) as caught:
        mriseg.segment(mriseg.read(source))
    assert time.process_time() - began < LONGEST_S
    assert str(caught.value).endswith(".")
    assert str(tmp_path) not in str(caught.value)
