"""The files of the downloads: what each holds, and that the archive holds them all."""

import io
import zipfile
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from streamlit.testing.v1 import AppTest

from mriseg.app import texts
from mriseg.app.panels import downloads
from mriseg.app.session import KEPT
from tests.patience import PATIENCE

ENTRY = str(Path(__file__).parents[3] / "streamlit_app.py")


@pytest.fixture
def made(monkeypatch):
    """What each button of the opening page makes, by its file's name; and the analysis."""
    buttons = {}

    def remember(label, make, *, name, key, **options):
        buttons[name] = (label, make)

    monkeypatch.setattr(downloads, "download_button", remember)
    page = AppTest.from_file(ENTRY, default_timeout=PATIENCE).run()
    assert not page.exception
    return buttons, page.session_state[KEPT]


def test_a_picture_is_taken_away_in_color_with_its_key_and_moving(made):
    buttons, analysis = made
    assert {label for label, _ in buttons.values()} == {*texts.FILES.values()}
    colored = PIL.Image.open(io.BytesIO(buttons["mriseg_desc-color_dseg.png"][1]()))
    np.testing.assert_array_equal(np.asarray(colored), analysis.result.labels)
    gray = PIL.Image.open(io.BytesIO(buttons["mriseg_dseg.png"][1]()))
    assert gray.mode == "L"
    np.testing.assert_array_equal(np.asarray(gray), analysis.result.labels)
    captioned = PIL.Image.open(io.BytesIO(buttons["mriseg_desc-tissue_figure.png"][1]()))
    assert captioned.width > 1400
    moving = PIL.Image.open(io.BytesIO(buttons["mriseg_desc-tissue_animation.gif"][1]()))
    assert moving.n_frames > 10


def test_everything_holds_every_file(made):
    buttons, _ = made
    with zipfile.ZipFile(io.BytesIO(buttons["mriseg.zip"][1]())) as archive:
        held = {*archive.namelist()}
    assert {name for name in buttons if not name.endswith(".zip")} <= held
    with zipfile.ZipFile(io.BytesIO(buttons["mriseg_probseg.zip"][1]())) as archive:
        assert len(archive.namelist()) == 3
        assert {*archive.namelist()} <= held
