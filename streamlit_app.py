"""Entry of the page: `streamlit run streamlit_app.py`."""

from mriseg.app.page import run

run()
