#!/usr/bin/env python3
"""Goal: whatever the network between validators does, no two blocks are final at one height, and
when it heals everybody goes on soon.

Every pair of validators talks over a wire of the test's own (proxy.py), which cuts, holds, delays,
truncates and flips. A wire that holds keeps the connection open and says nothing: half-open.
"""

import random
import time
import unittest

from load import Load, check_whole, distribution, funded, goes_on, records_at
from network import edit_ini, main, seed, wait_until
from proxy import Wires

# After healing: a lost link is dialled again after at most 5 s, and then a leader is found.
HEAL_SECONDS = 12
STALL_SECONDS = 1.5


class Links(unittest.TestCase):
    """One network for all tests; each ends with the same check of the whole."""

    isolated, damages, halvings = None, 4, ("cut",)

    @classmethod
    def setUpClass(cls):
        random.seed(seed())
        cls.isolated = cls.isolated or (random.randrange(4),)

        def wire(network):
            cls.wires = Wires(network, lambda i, j, url: edit_ini(
                network.home(i) / "config.ini", **{f"node-{j}": url}))
        cls.network, _ = funded("links", before_start=wire)
        cls.files, cls.times = [], []

    def setUp(self):
        self.wires.heal()
        self.network.wait_ready()
        self.loads = [Load(self.network, i, True, patience=90) for i in range(4)]
        goes_on(self.network, 1)

    def tearDown(self):
        self.all_go_on()
        for load in self.loads:
            self.files += load.finish()
        check_whole(self.network, self.files)

    @classmethod
    def tearDownClass(cls):
        distribution("all four go on after the network has healed", cls.times)

    def all_go_on(self):
        """The network heals; every node has records soon that none had before."""
        before = max(records_at(self.network, i) for i in range(4))
        self.wires.heal()
        started = time.monotonic()
        for i in range(4):
            goes_on(self.network, i, before, HEAL_SECONDS)
        self.times.append(time.monotonic() - started)

    def stalls(self, *numbers):
        """Nothing becomes final on the nodes, once what was under way has arrived."""
        records = [records_at(self.network, i) for i in numbers]

        def still():
            nonlocal records
            time.sleep(STALL_SECONDS)
            before, records = records, [records_at(self.network, i) for i in numbers]
            return before == records
        wait_until(f"nodes {numbers} stall", 10, still)

    def others_go_on(self, i):
        for other in range(4):
            if other != i:
                goes_on(self.network, other, seconds=HEAL_SECONDS)

    def test_one_half_open(self):
        """Nothing arrives in either direction, and no connection ends."""
        for i in self.isolated:
            self.wires.set(self.wires.both(self.wires.across({i})), held=True)
            self.others_go_on(i)
            self.stalls(i)
            self.all_go_on()

    def test_one_way(self):
        """A node that hears and is not heard; one that is heard and does not hear."""
        for i in self.isolated:
            self.wires.set(self.wires.across({i}), held=True)
            self.others_go_on(i)
            self.all_go_on()
            others = set(range(4)) - {i}
            self.wires.set([pair for pair in self.wires.across(others) if pair[1] == i], held=True)
            self.others_go_on(i)
            self.all_go_on()

    def test_halves(self):
        """Two and two: nothing is final on either side; cut, then half-open, then one way."""
        half = set(random.sample(range(4), 2))
        across = self.wires.across(half)
        for how in self.halvings:
            with self.subTest(how):
                if how == "cut":
                    self.wires.cut(across)
                else:
                    self.wires.set(across if how == "one way" else self.wires.both(across),
                                   held=True)
                self.stalls(0, 1, 2, 3)
                self.all_go_on()

    def test_damaged_bytes(self):
        """Cut off in the middle of a message, or one bit flipped: another link is made."""
        def forged():
            return sum(self.network.status(i)["links_forged"] for i in range(4))
        before, flips = forged(), 0
        for at in range(self.damages):
            direction = self.wires.directions[random.choice(self.wires.pairs)]
            wait_until("bytes pass", HEAL_SECONDS, self.passes(direction))
            if at % 2 == 0:
                direction.flip_after = random.randrange(20000)
                flips += 1
            else:
                direction.cut_after = random.randrange(20000)
            wait_until("the damage is done", HEAL_SECONDS, lambda d=direction: d.flip_after is None
                       and d.cut_after is None)
            goes_on(self.network, random.randrange(4), seconds=HEAL_SECONDS)
        # In a handshake a flipped bit is not a forged message but a handshake that failed.
        self.assertLessEqual(forged() - before, flips)
        self.assertGreater(forged() - before, flips // 3)

    @staticmethod
    def passes(direction):
        passed = direction.passed
        return lambda: direction.passed > passed


if __name__ == "__main__":
    main()
