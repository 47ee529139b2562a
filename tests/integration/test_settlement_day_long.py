#!/usr/bin/env python3
"""Goal: as test_settlement_day.py, with 450 banks, 55 insurers and 100 funds; the third cut-off
comes by the clock, put off by action while the files are not all in."""

import settlement_files
import test_settlement_day
from network import main


class SettlementDayLong(test_settlement_day.SettlementDay):
    """The same tests of a whole network's day."""

    size = settlement_files.FULL
    settle_seconds = 180
    cutoff_in_s = 180
    by_time = True


if __name__ == "__main__":
    main()
