"""Exit status 0 if the page's server on this machine is ready; what the container's health check runs."""

import http.client
import os
import sys

ANSWERS_WITHIN = 4.0  # seconds

port = int(os.environ.get("STREAMLIT_SERVER_PORT", "8501"))
base = os.environ.get("STREAMLIT_SERVER_BASE_URL_PATH", "").strip("/")
# Unlike urllib it never asks a proxy that the environment names.
connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWERS_WITHIN)
try:
    connection.request("GET", f"/{base}/_stcore/health" if base else "/_stcore/health")
    sys.exit(connection.getresponse().status != http.client.OK)
except OSError as error:
    sys.exit(f"The page does not answer: {error}.")
