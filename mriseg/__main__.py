"""`python -m mriseg`: the same as the `mriseg` command."""

import sys

from mriseg.cli import main

if __name__ == "__main__":
    sys.exit(main())
