#!/usr/bin/env python3
"""A validator whose vote register was lost, restored or damaged, as real processes.

Without --rejoin the process refuses to start, or to sign; with it the node follows until it may
sign above everything that its key may have signed. After each case the node is needed: another one
is stopped, and the chain goes on. No node ever holds evidence against another.
"""

import shutil
import unittest

from network import (BIN, Network, Process, generate_day, hefu, main, purchase, wait_until,
                     write_csv)

INTEGRITY = 3
BACK_SECONDS = 30


class Rejoin(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.network = Network("rejoin")
        cls.files = 0
        cls.network.start()
        cls.network.wait_ready()
        funding = generate_day(cls.network.folder / "day", 100, 1)[0][1]
        cls.submit(0, "settlement-agent", funding)
        for _ in range(3):
            cls.work(0)

    @classmethod
    def submit(cls, i, client, path):
        hefu("submit", path, "--client", cls.network.profile_for(client, i), "--wait")

    @classmethod
    def work(cls, i):
        """A record becomes final, taken in by node i."""
        cls.files += 1
        path = write_csv(cls.network.folder / f"work-{cls.files}.csv",
                         [purchase(cls.files, "0.01", salt=0x7e)])
        cls.submit(i, "harbour-bank", path)

    def register(self, i):
        return self.network.home(i) / "keys" / "consensus.key.register"

    def launch(self, i, *options):
        self.network.nodes[i] = Process([BIN / "hefud", "--home", self.network.home(i), *options],
                                        self.network.folder / f"node-{i}.log")
        return self.network.nodes[i]

    def refuses(self, i, *words):
        node = self.launch(i)
        self.assertEqual(node.wait(20), INTEGRITY, node.tail())
        for word in (str(self.register(i)), "--rejoin", *words):
            self.assertIn(word, node.text())

    def comes_back(self, i):
        """It rejoins under work, its floor is settled, and it is one of three that are needed."""
        node = self.network.nodes[i]
        self.network.wait_ready(i)

        def settled():
            self.work((i + 1) % 4)
            return "event=rejoined" in node.text() and "event=floor_settled" in node.text()
        wait_until(f"node {i} has rejoined and its floor is settled", BACK_SECONDS, settled)
        self.assertEqual(self.network.alarms(i), [])
        other = (i + 2) % 4
        self.network.stop(other)
        for _ in range(3):
            self.work((i + 1) % 4)
        self.network.start(other)
        self.network.wait_ready()
        self.network.agree()

    def says_that_it_rejoins(self, i):
        words = ("status", "--client", self.network.client_of_node(i))
        wait_until(f"node {i} answers", BACK_SECONDS, lambda: hefu(*words, expect=None).code == 0)
        self.assertIn("rejoining", "; ".join(self.network.alarms(i)))

    def tearDown(self):
        for i in range(4):
            log = (self.network.folder / f"node-{i}.log").read_text(errors="replace")
            self.assertNotIn("event=evidence", log)
            self.assertNotIn("event=halted", log)

    def test_a_lost_register(self):
        self.network.kill(1)
        self.register(1).unlink()
        self.work(0)
        self.refuses(1, "missing")
        self.assertFalse(self.register(1).exists())
        self.launch(1, "--rejoin")
        self.comes_back(1)
        # From now on as any other.
        self.network.stop(1)
        self.network.start(1)
        self.network.wait_ready(1)
        self.assertNotIn("event=rejoin", self.network.nodes[1].text())

    def test_a_lost_home_but_for_its_key(self):
        self.network.kill(2)
        self.register(2).unlink()
        shutil.rmtree(self.network.home(2) / "chain")
        self.refuses(2, "missing")
        self.launch(2, "--rejoin")
        self.comes_back(2)
        self.network.stop(2)
        self.network.check_clean(self.network.home(2))
        self.network.start(2)
        self.network.wait_ready(2)

    def test_a_damaged_register(self):
        self.network.kill(3)
        self.register(3).write_bytes(b"nothing that was ever written")
        self.refuses(3, "damaged")
        self.launch(3, "--rejoin")
        self.comes_back(3)
        self.assertEqual((self.register(3).parent / (self.register(3).name + ".aside-1"))
                         .read_bytes(), b"nothing that was ever written")

    def test_a_snapshot(self):
        """Store and register of an earlier day, put back: noticed, remembered, and rejoined."""
        self.network.stop(0)
        snapshot = self.network.folder / "snapshot"
        shutil.copytree(self.network.home(0), snapshot,
                        ignore=shutil.ignore_patterns("*.sock"))
        self.network.start(0)
        self.network.wait_ready(0)
        for _ in range(4):
            self.work(1)
        self.network.agree()
        self.network.kill(0)
        shutil.rmtree(self.network.home(0))
        shutil.copytree(snapshot, self.network.home(0))
        node = self.launch(0)
        wait_until("node 0 sees that its register is behind", BACK_SECONDS,
                   lambda: "beyond its vote register" in node.text())
        self.work(1)
        self.assertIn("beyond its vote register", "; ".join(self.network.alarms(0)))
        self.network.stop(0)
        self.refuses(0, "old copy was restored")
        self.launch(0, "--rejoin")
        self.comes_back(0)

    def test_waits_for_the_third(self):
        """At four validators all three others are needed; what it waits for is said."""
        self.network.kill(1, 3)
        self.register(1).unlink()
        node = self.launch(1, "--rejoin")
        self.says_that_it_rejoins(1)
        # A restart without the option goes on where it was: the register remembers.
        self.network.stop(1)
        node = self.launch(1)
        self.says_that_it_rejoins(1)
        self.assertNotIn("event=rejoined", node.text())
        self.network.start(3)
        self.comes_back(1)


class Small(unittest.TestCase):
    def test_three_cannot(self):
        network = Network("rejoin-three", validators=3)
        network.start()
        network.wait_ready()
        network.kill(1)
        (network.home(1) / "keys" / "consensus.key.register").unlink()
        node = network.spawn("three", BIN / "hefud", "--home", network.home(1), "--rejoin")
        self.assertEqual(node.wait(20), INTEGRITY, node.tail())
        self.assertIn("cannot rejoin", node.text())
        self.assertIn("four validators", node.text())


if __name__ == "__main__":
    main()
