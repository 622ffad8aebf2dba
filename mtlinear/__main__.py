"""``python -m mtlinear``: the same as the command ``mtlinear``."""

import sys

from mtlinear.cli import main

if __name__ == "__main__":
    sys.exit(main())
