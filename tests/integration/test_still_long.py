#!/usr/bin/env python3
"""Goal: as test_still.py, with long stops of every validator and many short ones."""

import test_still
from network import main


class StillLong(test_still.Still):
    """The same tests with more rounds."""

    long_stops, short_stops, all_stops = (0, 1, 2, 3) * 2, 100, 5


if __name__ == "__main__":
    main()
