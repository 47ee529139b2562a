#!/usr/bin/env python3
"""Goal: one key in two processes never costs the network more than that one validator.

A second process on the same home refuses to start. A copied home (a stolen snapshot of a virtual
machine, a restored backup that someone started) has a register of its own, so nothing on its
machine can refuse it: both run. Then no two blocks are final at one height, the network goes on,
and somebody raises an alarm: the twins see signatures of theirs that they do not remember, or
others hold two of their votes that contradict each other.
"""

import random
import shutil
import time
import unittest

from load import Load, check_whole, funded, goes_on
from network import BIN, Process, edit_ini, free_ports, hefu_json, main, seed, wait_until

INTEGRITY = 3
ALARMS = ("beyond its vote register", "signed two conflicting votes")


class TwoOfOneKey(unittest.TestCase):
    """Each test has its own network, with a load on the three nodes that have no twin."""

    def setUp(self):
        random.seed(seed())
        self.network, _ = funded("two-of-one-key")
        keys = self.network.transport_keys()
        # The smaller key dials: a twin of the smallest reaches all others, one of the largest none.
        self.smallest, self.largest = keys.index(min(keys)), keys.index(max(keys))

    def load(self, victim):
        self.others = [i for i in range(4) if i != victim]
        self.loads = [Load(self.network, i, True) for i in self.others]
        goes_on(self.network, victim)

    def whole(self):
        check_whole(self.network, [path for load in self.loads for path in load.finish()],
                    alarms=False)

    def twin(self, victim):
        """A copy of the whole home of one moment, its register too, beside the victim."""
        network, stolen = self.network, self.network.folder / "stolen"
        network.kill(victim)
        shutil.copytree(network.home(victim), stolen, ignore=shutil.ignore_patterns("*.sock"))
        edit_ini(stolen / "config.ini", listen=f"tcp://127.0.0.1:{free_ports(1)}")
        network.start(victim)
        twin = network.spawn("twin", BIN / "hefud", "--home", stolen)
        wait_until("the twin runs", 10, lambda: "event=started" in twin.text())
        return twin, stolen

    def test_same_home(self):
        """The second refuses, by the lock of the register, and the first goes on."""
        self.load(3)
        home = self.network.home(3)
        second = self.network.spawn("second", BIN / "hefud", "--home", home)
        self.assertEqual(second.wait(10), INTEGRITY, second.tail())
        self.assertIn("another process uses this key", second.tail())
        # With a data directory of its own it is the same key, and the same refusal.
        other = self.network.folder / "other"
        shutil.copytree(home, other, ignore=shutil.ignore_patterns("chain", "*.sock", "*.register"))
        edit_ini(other / "config.ini", consensus=home / "keys" / "consensus.key")
        third = self.network.spawn("third", BIN / "hefud", "--home", other)
        self.assertEqual(third.wait(10), INTEGRITY, third.tail())
        self.assertIn("another process uses this key", third.tail())
        goes_on(self.network, 3)
        self.whole()

    def test_next_is_the_same_key(self):
        """A copy of the key, with a register of its own, is no next key: the node refuses."""
        home = self.network.home(3)
        self.network.stop(3)
        keys = home / "keys"
        for suffix in ("", ".register"):
            shutil.copy(keys / f"consensus.key{suffix}", keys / f"next.key{suffix}")
        edit_ini(home / "config.ini", consensus="keys/consensus.key\nnext = keys/next.key")
        refused = self.network.spawn("refused", BIN / "hefud", "--home", home)
        self.assertEqual(refused.wait(10), INTEGRITY, refused.tail())
        self.assertIn("this is the same key", refused.tail())

    def test_stolen_snapshot(self):
        """The twin takes part: a few signatures later one of the two knows of the other."""
        victim = self.smallest
        self.load(victim)
        twin, stolen = self.twin(victim)
        wait_until("somebody raises an alarm", 30, lambda: self.alarms(twin))
        print(*self.alarms(twin), sep="\n", flush=True)
        # For longer than every timer, whatever the two now do.
        until = time.monotonic() + 3
        while time.monotonic() < until:
            goes_on(self.network, random.choice(self.others), seconds=10)
        self.same_chain(stolen)
        twin.kill()
        # With the twin gone the validator comes back: docs/operations.md, Rejoining.
        network = self.network
        network.stop(victim)
        network.nodes[victim] = Process([BIN / "hefud", "--home", network.home(victim), "--rejoin"],
                                        network.folder / "rejoining.log")
        wait_until("it has rejoined", 30,
                   lambda: "event=rejoined" in network.nodes[victim].text())
        network.wait_ready()
        wait_until("it may sign", 30, lambda: network.status(victim)["may_sign"] == 1)
        goes_on(network, victim, seconds=10)
        self.whole()

    def test_twin_that_nobody_hears(self):
        """Others dial the victim, at its own address: the twin stays alone and costs nothing."""
        victim = self.largest
        self.load(victim)
        twin, stolen = self.twin(victim)
        for i in (*self.others, victim):
            goes_on(self.network, i, seconds=10)
        self.assertNotIn("peer_up", twin.text())
        self.same_chain(stolen)
        self.assertEqual(self.alarms(twin), [])
        twin.kill()
        self.whole()

    def alarms(self, twin):
        """Of the two, or of those who hold two votes of theirs that contradict each other."""
        texts = [node.text() for node in self.network.nodes] + [twin.text()]
        return [f"{i}: {line}" for i, text in enumerate(texts) for line in text.splitlines()
                if any(alarm in line for alarm in ALARMS)]

    def same_chain(self, home):
        """What the twin holds as final is what the others hold."""
        rows = hefu_json("block", "list", "--from", 0, "--home", home)
        own = {row["height"]: row["hash"] for row in rows}
        others = self.network.chain(self.others[0])
        self.assertEqual({h: others[h] for h in own if h in others},
                         {h: own[h] for h in own if h in others})


if __name__ == "__main__":
    main()
