#!/bin/sh
# Makes an environment with exactly what requirements.lock says, each file checked against its hash: install.sh FOLDER
# Nothing is built from source, so no package's own script runs. The files are compiled without times, so that they stay
# valid when they are copied and on a file system that cannot be written to.
set -eu
lock="$(dirname "$0")/../requirements.lock"
python3 -m venv --without-pip "$1"
python3 -m pip --python "$1/bin/python" install --quiet --no-compile --require-hashes --no-deps --only-binary :all: \
  --requirement "$lock"
python3 -m pip --python "$1/bin/python" check
"$1/bin/python" -m compileall -q -j 0 --invalidation-mode unchecked-hash "$1/lib"
