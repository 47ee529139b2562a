#!/usr/bin/env python3
"""Goal: as test_clock.py, with a clock that jumps at random again and again."""

import test_clock
from network import main


class ClockLong(test_clock.Clock):
    """The same test with more jumps."""

    jumps, restarts = 50, (-test_clock.HOUR_MS, test_clock.HOUR_MS) * 5


if __name__ == "__main__":
    main()
