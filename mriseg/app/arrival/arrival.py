"""A scan on its way: what the browser does from the drop on, and what it is told of the run that answers it.

The browser alone knows at once that something was dropped, so its script veils what is shown, says how far the work is
and offers to cancel it. What the server tells it is in `mriseg.app.progress`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from mriseg.app import texts
from mriseg.app.progress import Progress
from mriseg.app.scripts import joined_modules
from mriseg.app.server.uploads import Drop

ARRIVAL = "arrival"
# The script, in the order in which its modules import each other.
MODULES = tuple(
    f"arrival/{name}.js" for name in ("arrival_state", "dropped_files", "drop_sheet", "own_names", "arrival")
)
_mount = st.components.v2.component(
    "mriseg_arrival",
    html='<div class="mriseg-arrival"></div>',
    css=Path(__file__).with_suffix(".css").read_text("utf-8"),
    js=joined_modules(MODULES),
    isolate_styles=False,  # it veils what stands outside it
)


def show_arrival(drops: Sequence[Drop], answered: int, *, notice: str, cancel: Callable[[], None]) -> Progress:
    """Draw the place where the browser says what is going on.

    Parameters
    ----------
    drops : sequence of Drop
        What the visitor dropped and can show again.
    answered : int
        How many drops the page has answered, this run included.
    notice : str
        Why the last drop was not taken; empty if it was.
    cancel : callable
        Brings back what was shown before; called when the visitor wants that.

    Returns
    -------
    Progress
        To tell the browser more.
    """
    with st.container(key=ARRIVAL):
        _mount(
            key="arrival script",
            data={
                "texts": {
                    "sheet": texts.DROP_SHEET,
                    "choose": texts.CHOOSE,
                    "cancel": texts.CANCEL,
                    "canceling": texts.CANCELING,
                    "uploading": texts.UPLOADING,
                    "waiting": texts.WAITING,
                    "drawing": texts.DRAWING,
                    "progress": texts.PROGRESS,
                    "tooLarge": texts.TOO_LARGE.format(st.get_option("server.maxUploadSize")),
                    "more": texts.AND_MORE,
                },
                "most": st.get_option("server.maxUploadSize") * 1_048_576,  # as Streamlit counts a MB
                "uploads": [{"title": drop.title, "files": drop.places} for drop in drops],
            },
            on_cancel_change=cancel,
        )
        slot = st.empty()
        if notice:
            st.error(notice)
        return Progress(slot, answered)
