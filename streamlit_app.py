"""Entry of the page: `streamlit run streamlit_app.py`.

Streamlit takes `app` from it to start the server, and runs it as the main program for each move of a control.
"""

if __name__ == "__main__":
    from mriseg.app.page import run

    run()
else:
    import streamlit as st

    from mriseg.app.server.serving import MIDDLEWARE, serving

    app = st.App(__file__, lifespan=serving, middleware=MIDDLEWARE)
