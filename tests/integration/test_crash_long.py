#!/usr/bin/env python3
"""Goal: as test_crash.py, fifty times: killed at any moment, all four always go on within 5 s."""

import test_crash
from network import main


class CrashLong(test_crash.Crash):
    """The same tests with more rounds."""

    full_crashes, single_crashes, start_crashes = 50, 50, 200


if __name__ == "__main__":
    main()
