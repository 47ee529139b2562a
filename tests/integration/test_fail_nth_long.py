#!/usr/bin/env python3
"""Goal: as test_fail_nth.py, for every n of every class, and every allocation of a start."""

import collections
import random

import test_fail_nth
from load import check_whole, funded
from network import main, seed


class FailNthLong(test_fail_nth.FailNth):
    """Every n."""

    faults, runs_of_a_fault = test_fail_nth.FAULTS, 0


class NoMemoryLong(test_fail_nth.NoMemory):
    """Every n."""

    runs = 0


class BesideOthersLong(test_fail_nth.BesideOthers):
    """Every n."""

    faults, runs_of_a_fault = test_fail_nth.FAULTS, 0

    def test_no_memory_while_running(self):
        """Allocations of a node that settles records, 60 at random, also after its start."""
        random.seed(seed())
        network, _ = funded("fail-memory")
        files, codes = [], collections.Counter()
        network.stop(3)
        total = self.run_beside(network, files, "malloc", "", 0)[1]
        for _ in range(60):
            nth = random.randrange(total // 2, total)
            with self.subTest(nth=nth):
                codes[self.run_beside(network, files, "malloc", "", nth)[0]] += 1
        print(f"malloc: {total} calls, 60 failed; exit statuses {dict(codes)}", flush=True)
        network.start(3)
        check_whole(network, files)


if __name__ == "__main__":
    main()
