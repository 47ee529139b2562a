#!/usr/bin/env python3
"""Goal: as test_still.py, with long stops of every validator and of all, and many short ones."""

import random
import time

import test_still
from load import goes_on, records_at
from network import main

SILENCE_SECONDS = 3.5  # after which every link to a node is given up


class StillLong(test_still.Still):
    """The same tests with more rounds, and all four at once."""

    long_stops, short_stops, all_stops = (0, 1, 2, 3) * 2, 100, 5

    def test_all(self):
        """All four, as when their machine sleeps; longer than every timer."""
        for _ in range(self.all_stops):
            self.stop(0, 1, 2, 3)
            records = [records_at(self.network, i) for i in range(4)]
            time.sleep(SILENCE_SECONDS)
            self.assertEqual(records, [records_at(self.network, i) for i in range(4)])
            self.go(*random.sample(range(4), 4))
            for i in range(4):
                goes_on(self.network, i, max(records))


if __name__ == "__main__":
    main()
