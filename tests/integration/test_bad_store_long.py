#!/usr/bin/env python3
"""Goal: as test_bad_store.py, with many more flips in every kind of page."""

import test_bad_store
from network import main


class BadStoreLong(test_bad_store.BadStore):
    """More flips."""

    flips_of_a_kind, starts = 200, 60
    pages_flipped, flips_of_a_page = 1 << 20, 16


class FlipsWhileRunningLong(test_bad_store.FlipsWhileRunning):
    """More rounds."""

    rounds = 40


if __name__ == "__main__":
    main()
