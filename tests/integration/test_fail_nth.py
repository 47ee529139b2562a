#!/usr/bin/env python3
"""Goal: whichever call to the disk fails, the node ends by itself with exit status 3 and says why, or
rightly goes on; a start without the fault then finds everything whole.

tests/faults/fail_nth.c, preloaded, makes the n-th call of a class fail; a first run without failures
tells how many there are. With one validator the whole network is one process, so each n starts from
the same copy and every n can be tried. Then node 3 of four fails again and again beside the others.
"""

import collections
import os
import pathlib
import shutil
import struct
import time
import unittest

from load import check_whole, funded
from network import (BIN, Failure, Network, Process, generate_day, hefu, hefu_json, main, purchase,
                     read_csv, shim, wait_until, write_csv)

SHIM = shim("fail_nth")
INTEGRITY = 3
RECORDS = 20
WRITES = "write,writev,pwrite,pwritev"
SYNCS = "fsync,fdatasync,msync,ftruncate"
# What fails, and how. A sync has no half; what fails late has happened nevertheless.
FAULTS = ((WRITES, "EIO"), (WRITES, "ENOSPC"), (WRITES, "short"), (WRITES, "late"),
          (SYNCS, "EIO"), (SYNCS, "late"))
SAYS = ("cannot be opened", "look at the system's log", "free space on the disk", "repair the disk",
        "run hefu verify")


def environment(counter, calls, how, nth, sticky=False):
    more = {"LD_PRELOAD": SHIM, "HEFU_FAIL_CALLS": calls, "HEFU_FAIL_NTH": str(nth),
            "HEFU_FAIL_HOW": how, "HEFU_FAIL_COUNTER": str(counter)}
    return more | ({"HEFU_FAIL_STICKY": "1"} if sticky else {})


def counts(counter):
    """(calls made, calls that failed)"""
    return struct.unpack("<QQ", counter.read_bytes())


class FailNth(unittest.TestCase):
    """One validator; each run on a fresh copy of its home."""

    runs_of_a_class = 4  # of each fault and start; spread over all n

    @classmethod
    def setUpClass(cls):
        cls.network = network = Network("fail-nth", validators=1)
        cls.homes = {"first start": network.folder / "first", "restart": network.folder / "later"}
        copy(network.home(0), cls.homes["first start"])
        network.start()
        network.wait_ready()
        for name, path in generate_day(network.folder / "day", 200, 9)[:1]:
            hefu("submit", path, "--client", network.client(name), "--wait")
        network.stop()
        copy(network.home(0), cls.homes["restart"])
        cls.files, cls.runs = 0, 0

    def run_once(self, start, calls, how, nth):
        """A short run with the fault; whether it failed, and how many calls there were."""
        network, home = self.network, self.network.home(0)
        network.end()
        network.others.clear()
        shutil.rmtree(home)
        copy(self.homes[start], home)
        type(self).runs += 1
        counter = network.folder / f"counter-{self.runs}"
        node = network.spawn(f"run-{self.runs}", BIN / "hefud", "--home", home,
                             more_environment=environment(counter, calls, how, nth))
        ids = [f"{0x77000000 + self.runs * 100 + n:032x}" for n in range(RECORDS)]
        path = write_csv(network.folder / f"file-{self.runs}.csv",
                         [{"id": each, "kind": "FUND", "payee": 3, "amount": "1.00",
                           "currency": "CNY", "business_date": "2026-11-23", "match_key": each}
                          for each in ids])
        client = network.spawn(f"submit-{self.runs}", BIN / "hefu", "submit", path, "--client",
                               network.client("settlement-agent"), "--wait")
        wait_until("the run ends", 20, lambda: not client.running() or not node.running())
        if node.running():
            self.assertEqual(client.wait(1), 0, client.tail())
            node.signal(15)
        code = node.wait(20)
        made, failed = counts(counter)
        if code != 0:
            self.assertTrue(failed, f"ended with {code} though nothing failed: {node.tail()}")
            self.assertEqual(code, INTEGRITY, node.tail())
            # The last line says where, and in words what to do.
            last = node.tail().splitlines()[-1]
            self.assertIn(str(home), last)
            self.assertTrue(any(text in last for text in SAYS), last)
        return node, client, path, failed, made, code

    def recover(self, client, path, before):
        """Without the fault: it starts, takes what was under way, and is whole."""
        network = self.network
        network.nodes[0] = None
        network.start(0)
        network.wait_ready()
        self.assertEqual(client.wait(30), 0, client.tail())
        self.assertEqual(network.stop(), [0], network.nodes[0].tail())
        wanted = collections.Counter(row["id"] for row in read_csv(path))
        found = collections.Counter(row["id"] for row in network.records(0))
        self.assertEqual(sum((wanted - found).values()), 0)
        self.assertEqual(max(found.values()), 1)
        self.assertEqual(len(found), before + RECORDS)
        network.check_books(0)
        network.check_clean(network.home(0))

    def sweep(self, start, calls, how):
        before = 10 if start == "restart" else 0
        total = self.run_once(start, calls, how, 0)[4]
        self.assertGreater(total, 2)
        stride = max(1, total // self.runs_of_a_class) if self.runs_of_a_class else 1
        ended = went_on = 0
        for nth in range(1, total + 1, stride):
            with self.subTest(start=start, calls=calls, how=how, nth=nth):
                _, client, path, failed, _, code = self.run_once(start, calls, how, nth)
                ended += code != 0
                went_on += failed > 0 and code == 0
                self.recover(client, path, before)
        print(f"{start}, {calls} {how}: {total} calls, every {stride}. failed: ended {ended} "
              f"times with status 3, went on {went_on} times", flush=True)
        self.assertGreater(ended, 0)

    def test_first_start(self):
        for calls, how in FAULTS:
            self.sweep("first start", calls, how)

    def test_restart(self):
        for calls, how in FAULTS:
            self.sweep("restart", calls, how)


def copy(home, to):
    shutil.copytree(home, to, ignore=shutil.ignore_patterns("*.sock"))


if __name__ == "__main__":
    main()
