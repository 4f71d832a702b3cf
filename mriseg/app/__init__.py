"""The page. Only this package imports streamlit; it draws what the engine says and computes nothing itself."""
