"""`python -m mriseg`: the same as the `mriseg` command."""

import sys

if __name__ == "__main__":
    try:
        from mriseg.cli import main

        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
