#!/usr/bin/env python3
"""Goal: as test_lost_store.py, many times."""

import test_lost_store
from network import main


class LostStoreLong(test_lost_store.LostStore):
    """The same tests with more rounds."""

    rounds = 25


if __name__ == "__main__":
    main()
