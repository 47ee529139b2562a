#!/usr/bin/env python3
"""Goal: as test_fail_nth.py, for every n of every class, and every allocation of a start."""

import test_fail_nth
from network import main


class FailNthLong(test_fail_nth.FailNth):
    """Every n."""

    faults, runs_of_a_fault = test_fail_nth.FAULTS, 0


class NoMemoryLong(test_fail_nth.NoMemory):
    """Every n."""

    runs = 0


class BesideOthersLong(test_fail_nth.BesideOthers):
    """Every n."""

    faults, runs_of_a_fault = test_fail_nth.FAULTS, 0


if __name__ == "__main__":
    main()
