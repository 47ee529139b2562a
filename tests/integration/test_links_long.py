#!/usr/bin/env python3
"""Goal: as test_links.py, with every validator cut off in turn, more damage and other kinds."""

import random
import time

import test_links
from load import goes_on
from network import main
from test_links import HEAL_SECONDS


class LinksLong(test_links.Links):
    """The same tests with more rounds, and others."""

    isolated, damages = (0, 1, 2, 3), 200
    halvings = ("cut", "half-open", "one way") * 3
    flaps = 400

    def test_one_cut_off(self):
        """Reset and refused: the other three go on, the fourth has nothing new, then all of it."""
        for i in self.isolated:
            self.wires.cut(self.wires.across({i}))
            self.others_go_on(i)
            self.stalls(i)
            self.all_go_on()

    def test_ring(self):
        """Each node talks to two others: that is a quorum with itself, so it goes on."""
        self.wires.cut([(0, 2), (1, 3)])
        for i in range(4):
            goes_on(self.network, i, seconds=HEAL_SECONDS)

    def test_delays(self):
        """Slow wires, alike and not: slower, but on."""
        self.wires.set(self.wires.pairs, delay=0.05)
        for i in range(4):
            goes_on(self.network, i, seconds=HEAL_SECONDS)
        for pair in self.wires.pairs:
            self.wires.set([pair], delay=random.uniform(0, 0.3))
        for i in range(4):
            goes_on(self.network, i, seconds=HEAL_SECONDS)

    def test_flapping(self):
        """Random wires are cut, held, reset and let go, faster than links settle."""
        for _ in range(self.flaps):
            pairs = random.sample(self.wires.pairs, random.randrange(1, 5))
            kind = random.choice(("cut", "held", "reset", "heal"))
            if kind == "cut":
                self.wires.cut(pairs)
            elif kind == "held":
                self.wires.set(pairs, held=True)
            elif kind == "reset":
                self.wires.reset(pairs)
            else:
                self.wires.heal()
            time.sleep(random.uniform(0.05, 0.5))


if __name__ == "__main__":
    main()
