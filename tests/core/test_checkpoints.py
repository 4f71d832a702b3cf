"""Where a long stage may be left."""

import pytest

from mriseg import Contrast, segment
from mriseg.core.checkpoints import asked_at_checkpoints, checkpoint
from mriseg.datasets.phantom import simulate


class Canceled(BaseException):
    """What the page raises where it is not wanted any more."""


def test_nobody_is_asked_outside():
    asked = []

    def cancel() -> None:
        asked.append(1)
        raise Canceled

    with pytest.raises(Canceled), asked_at_checkpoints(cancel):
        checkpoint()
    checkpoint()
    assert asked == [1]


@pytest.mark.usefixtures("nothing_remembered")
def test_each_long_stage_of_a_volume_asks_and_is_left_at_once(coarse):
    scan, at, asked = simulate(coarse, Contrast.T1), [""], set()
    with asked_at_checkpoints(lambda: asked.add(at[0])):
        segment(scan, progress=lambda stage: at.__setitem__(0, stage))
    assert {"extract", "name", "correct", "fit"} <= asked

    def cancel() -> None:
        if at[0] == "extract":
            raise Canceled

    with pytest.raises(Canceled), asked_at_checkpoints(cancel):
        segment(scan, progress=lambda stage: at.__setitem__(0, stage))
    assert at == ["extract"]
