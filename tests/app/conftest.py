"""What all tests of the page share."""

from collections.abc import Callable

import pytest

from mriseg.app.server import sessions


@pytest.fixture(autouse=True)
def watch(monkeypatch: pytest.MonkeyPatch) -> Callable:
    """What the thread runs that looks after visitors, which ends at once here: else it would outlive its test.

    Streamlit's own tester of pages says of everyone that they are connected, also of the visitors of later tests.
    """
    function = sessions._look_after
    monkeypatch.setattr(sessions, "_look_after", lambda runtime: None)
    return function
