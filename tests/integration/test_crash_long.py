#!/usr/bin/env python3
"""Goal: as test_crash.py, fifty times: killed at any moment, all four always go on within 5 s."""

import random
import time

import test_crash
from load import Load, check_whole, distribution, funded, goes_on, records_at
from network import main

OUTAGE_SECONDS = 8  # the pauses between two attempts to dial have grown as long as they get


class CrashLong(test_crash.Crash):
    """The same tests with more rounds."""

    full_crashes, single_crashes, start_crashes = 50, 50, 200

    def test_long_outage(self):
        """Two have looked for the others for long; the quorum's third comes, and it goes on soon.

        The third is the one with the largest key, which does not dial: the two must find it.
        """
        network, _ = funded("crash-outage")
        keys = network.transport_keys()
        last = keys.index(max(keys))
        other = random.choice([i for i in range(4) if i != last])
        loads = [Load(network, i, True, patience=120) for i in range(4) if i not in (last, other)]
        times = []
        for _ in range(8):
            goes_on(network, loads[0].node)
            network.kill(last, other)
            time.sleep(OUTAGE_SECONDS)
            before = max(records_at(network, i) for i in range(4))
            network.start(last)
            times.append(goes_on(network, last, before))
            network.start(other)
            goes_on(network, other)
        distribution("goes on after a long outage", times)
        self.assertLess(max(times), 4)
        check_whole(network, [path for load in loads for path in load.finish()])


if __name__ == "__main__":
    main()
