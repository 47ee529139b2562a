#!/usr/bin/env python3
"""Goal: a node whose data directory is deleted or rolled back, with its vote register kept, gets
the chain from the others and contradicts nothing that it signed before.

It happens under a load, again and again. Beside the check of the whole: the register never goes
down, and nobody holds evidence against the node.
"""

import itertools
import pathlib
import random
import shutil
import struct
import time
import unittest

from load import Load, check_whole, distribution, funded, goes_on, records_at
from network import main, seed

SLOT_BYTES, SEQUENCE_AT, PLACE_AT = 4096, 16, 88


def register(network, i):
    """(epoch, view, floor epoch, floor view) of the newer slot of a stopped node's register."""
    path: pathlib.Path = network.home(i) / "keys" / "consensus.key.register"
    data = path.read_bytes()
    slots = [data[at:at + SLOT_BYTES] for at in (0, SLOT_BYTES)]
    newer = max(slots, key=lambda slot: struct.unpack_from("<Q", slot, SEQUENCE_AT)[0])
    return struct.unpack_from("<4Q", newer, PLACE_AT)


class LostStore(unittest.TestCase):
    """Each test has its own network."""

    rounds = 2

    def run_rounds(self, name, lose):
        """Kills a node at random, calls lose(network, i), starts it; so many times."""
        random.seed(seed())
        network, _ = funded(name)
        loads = [Load(network, i, i % 2 == 0) for i in range(4)]
        goes_on(network, 0)
        times, seen = [], {}
        for _ in range(self.rounds):
            i = random.randrange(4)
            time.sleep(random.uniform(0.1, 0.5))
            network.kill(i)
            before = register(network, i)
            self.assertGreaterEqual(before, seen.get(i, before))
            seen[i] = before
            lose(network, i)
            time.sleep(random.uniform(0, 0.3))
            records = max(records_at(network, other) for other in range(4) if other != i)
            started = time.monotonic()
            network.start(i)
            goes_on(network, i, records, 20)
            times.append(time.monotonic() - started)
        distribution("it has the chain and new blocks", times)
        chain = check_whole(network, [path for load in loads for path in load.finish()])
        for i in range(4):
            self.assertEqual(network.status(i)["evidence"], 0)
        network.stop()
        for i, before in seen.items():
            self.assertGreater(register(network, i), before)
        self.assertGreater(len(chain), self.rounds)

    def test_deleted(self):
        self.run_rounds("lost-deleted",
                        lambda network, i: shutil.rmtree(network.home(i) / "chain"))

    def test_rolled_back(self):
        """The data directory of a moment ago comes back: a snapshot of the disk, or a backup."""
        kept, numbers = {}, itertools.count()

        def lose(network, i):
            chain = network.home(i) / "chain"
            copy = network.folder / f"kept-{next(numbers)}"
            shutil.copytree(chain, copy)
            if i in kept:
                shutil.rmtree(chain)
                shutil.copytree(kept[i], chain)
            kept[i] = copy
        self.rounds *= 2
        self.run_rounds("lost-rolled-back", lose)


if __name__ == "__main__":
    main()
