# The page for a server of one's own: docs/deploying.md. Python is the one that the tests run with. The tag stands for the
# newest patch of it; to pin the very bytes build with --build-arg PYTHON=3.11-slim-bookworm@sha256:...
ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS environment
WORKDIR /build
COPY requirements.lock ./
COPY deploy/install.sh deploy/
RUN PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 sh deploy/install.sh /venv

FROM python:${PYTHON}
LABEL org.opencontainers.image.title="mriseg" \
      org.opencontainers.image.description="Gray matter, white matter and cerebrospinal fluid of any brain MR image. Research and education; not a medical device." \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 mriseg \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin mriseg
COPY --from=environment /venv /venv
WORKDIR /app
COPY LICENSE streamlit_app.py ./
COPY .streamlit/config.toml .streamlit/
COPY deploy/healthy.py deploy/
COPY mriseg/ mriseg/
RUN chmod -R a+rX . && /venv/bin/python -m compileall -q --invalidation-mode unchecked-hash mriseg

# Everything else of the page's settings stands in .streamlit/config.toml. Streamlit takes each of its options from a
# variable of this kind, so docker run --env or compose.yaml can set others.
# Uploads above 1 MB pass through TMPDIR: it must be a tmpfs, so that no scan touches a disk.
# With an address for the browser the server does not ask the internet for its own at start.
ENV PATH=/venv/bin:$PATH \
    HOME=/tmp \
    TMPDIR=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    STREAMLIT_BROWSER_GATHER_USAGE_STATS=false \
    STREAMLIT_BROWSER_SERVER_ADDRESS=localhost \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0 \
    STREAMLIT_SERVER_ENABLE_CORS=true \
    STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION=true \
    STREAMLIT_SERVER_FILE_WATCHER_TYPE=none \
    STREAMLIT_SERVER_HEADLESS=true \
    STREAMLIT_SERVER_MAX_UPLOAD_SIZE=200 \
    STREAMLIT_SERVER_PORT=8501

USER 10001:10001
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["python", "deploy/healthy.py"]
CMD ["python", "-m", "streamlit", "run", "streamlit_app.py"]
