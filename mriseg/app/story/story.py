"""The tab Story: mounts `story.js`, the plain workflow on the slice in view; below it what each step buys."""

from pathlib import Path

import streamlit as st

from mriseg.app import texts
from mriseg.app.scripts import joined_modules
from mriseg.app.session import Analysis
from mriseg.app.story.ladder import show_ladder

# The script, in the order in which its modules import each other.
MODULES = (
    "viewer/navigation.js",
    "viewer/slice_store.js",
    "viewer/pixels.js",
    "viewer/slice_announcer.js",
    "story/elements.js",
    "story/plain_mixture.js",
    "story/findings.js",
    "story/pictures.js",
    "story/plots.js",
    "story/tables.js",
    "story/player.js",
    "story/material.js",
    "story/steps.js",
    "story/lessons.js",
    "story/story.js",
)

_mount = st.components.v2.component(
    "mriseg_story",
    html='<section class="mriseg-story" tabindex="0"></section>',
    css=Path(__file__).with_suffix(".css").read_text("utf-8"),
    js=joined_modules(MODULES),
)


def show_story(analysis: Analysis) -> None:
    """Draw the story; it gets the slice from the viewer, in the browser.

    Parameters
    ----------
    analysis : Analysis
        What is shown.
    """
    _mount(key="story", data={"texts": texts.STORY})
    show_ladder(analysis)
