#!/usr/bin/env python3
"""Goal: one validator's wall clock is an hour wrong, or jumps while it runs: the network goes on,
and no block carries a wrong time.

tests/faults/skew_clock.c, preloaded, moves the clock that node 3 sees. Only its own clients may
notice: it takes no batch from what it believes to be the future.
"""

import datetime
import os
import random
import struct
import time
import unittest

from load import Load, check_whole, distribution, funded, goes_on
from network import hefu_json, main, seed, shim

HOUR_MS = 3_600_000
# A block is stamped no more than 2 s ahead of the clock of those that vote for it.
AHEAD_SECONDS, BEHIND_SECONDS = 3, 60
GO_ON_SECONDS = 10


class Clock(unittest.TestCase):
    """One network; the clock of its node 3 is a file."""

    jumps, restarts = 0, (-HOUR_MS,)

    @classmethod
    def setUpClass(cls):
        random.seed(seed())

        def wire(network):
            cls.clock = network.folder / "clock"
            cls.clock.write_bytes(struct.pack("<q", HOUR_MS))
            network.environments[3] = {"LD_PRELOAD": shim("skew_clock"),
                                       "HEFU_CLOCK_FILE": str(cls.clock)}
        cls.started = time.time()
        cls.network, _ = funded("clock", before_start=wire)

    def skew(self, milliseconds):
        # In place: the node has mapped the file.
        with open(self.clock, "r+b") as file:
            os.pwrite(file.fileno(), struct.pack("<q", milliseconds), 0)

    def all_go_on(self):
        return max(goes_on(self.network, i, seconds=GO_ON_SECONDS) for i in range(4))

    def check_times(self):
        """Ascending, and within what was really the time."""
        rows = hefu_json("block", "list", "--from", 1, "--home", self.network.home(0))
        times = [datetime.datetime.fromisoformat(row["time"].replace("Z", "+00:00")).timestamp()
                 for row in rows]
        self.assertEqual(times, sorted(times))
        self.assertGreater(times[0], self.started - BEHIND_SECONDS)
        self.assertLess(times[-1], time.time() + AHEAD_SECONDS)

    def test_wrong_and_jumping(self):
        network = self.network
        loads = [Load(network, i, True) for i in range(3)]
        times = [self.all_go_on()]
        skews = [-HOUR_MS, HOUR_MS] + [random.randrange(-HOUR_MS, HOUR_MS)
                                       for _ in range(self.jumps)]
        for skew in skews:
            self.skew(skew)
            times.append(self.all_go_on())
            self.check_times()
        for skew in self.restarts:
            network.kill(3)
            self.skew(skew)
            network.start(3)
            times.append(self.all_go_on())
            self.check_times()
        distribution("all go on with a wrong clock", times)
        self.skew(0)
        check_whole(network, [path for load in loads for path in load.finish()])


if __name__ == "__main__":
    main()
