#!/usr/bin/env python3
"""Goal: a validator that stands still (SIGSTOP: a stalled disk, a paused virtual machine) costs the
others little, and goes on as if nothing had been: it contradicts nothing that it signed.

Its connections stay open meanwhile; only the silence tells. Stops are shorter than the others wait
for a silent link (3 s), and longer.
"""

import random
import signal
import time
import unittest

from load import Load, check_whole, distribution, funded, goes_on, records_at
from network import main, seed, wait_until


class Still(unittest.TestCase):
    """One network for all tests; each ends with the same check of the whole."""

    long_stops, short_stops = (2,), 4

    @classmethod
    def setUpClass(cls):
        random.seed(seed())
        cls.network, _ = funded("still")
        cls.files = []

    def setUp(self):
        self.loads = [Load(self.network, i, True) for i in range(4)]
        goes_on(self.network, 1)

    def tearDown(self):
        for i in range(4):
            self.network.nodes[i].signal(signal.SIGCONT)
        for load in self.loads:
            self.files += load.finish()
        check_whole(self.network, self.files)

    def gave_up(self, witness, i):
        """The last that the witness says of node i is that its silence ended the link."""
        last = self.network.nodes[witness].text().rsplit(f"validator=node-{i} ", 1)[1]
        return last.startswith("why=SILENT")

    def stop(self, *numbers):
        for i in numbers:
            self.network.nodes[i].signal(signal.SIGSTOP)

    def go(self, *numbers):
        for i in numbers:
            self.network.nodes[i].signal(signal.SIGCONT)

    def test_long(self):
        """The others go on; links are given up, and made again when the node wakes."""
        network, others, own = self.network, [], []
        for i in self.long_stops:
            witness = (i + 1) % 4
            self.stop(i)
            others.append(goes_on(network, witness))
            wait_until("the others have given it up", 10,
                       lambda i=i, witness=witness: self.gave_up(witness, i))
            others.append(goes_on(network, witness))
            before = max(records_at(network, node) for node in range(4))
            self.go(i)
            own.append(goes_on(network, i, before))
        distribution("the others go on beside one that stands still", others)
        distribution("it goes on after a long stop", own)

    def test_short(self):
        """Shorter than a link's patience: nobody hangs up, and the node is back at once."""
        for _ in range(self.short_stops):
            i = random.randrange(4)
            self.stop(i)
            time.sleep(random.uniform(0.02, 0.6))
            self.go(i)
            goes_on(self.network, i)


if __name__ == "__main__":
    main()
