#!/usr/bin/env python3
"""Goal: whichever call to the disk fails, the node ends by itself with exit status 3 and says why,
or rightly goes on; a start without the fault then finds everything whole.

tests/faults/fail_nth.c, preloaded, makes the n-th call of a class fail; a first run without
failures tells how many there are. With one validator the whole network is one process, so each n
starts from the same copy and every n can be tried. Then node 3 of four fails again and again beside
the others.
"""

import collections
import shutil
import signal
import struct
import unittest

from load import check_whole, funded
from network import (BIN, Network, generate_day, hefu, main, purchase, read_csv, shim, wait_until,
                     write_csv)

SHIM = shim("fail_nth")
INTEGRITY = 3
RECORDS = 20
WRITES = "write,writev,pwrite,pwritev"
SYNCS = "fsync,fdatasync,msync,ftruncate"
# What fails, and how. A sync has no half; what fails late has happened nevertheless.
FAULTS = ((WRITES, "EIO"), (WRITES, "ENOSPC"), (WRITES, "short"), (WRITES, "late"),
          (SYNCS, "EIO"), (SYNCS, "late"))
SAYS = ("cannot be opened", "look at the system's log", "free space on the disk", "repair the disk",
        "run hefu verify", "memory")


def environment(counter, calls, how, nth):
    # nng 1.5.2 does not survive a failed allocation in its own start, nor in that of its threads
    # (it may even hang), so only those of everybody else fail.
    return {"LD_PRELOAD": SHIM, "HEFU_FAIL_CALLS": calls, "HEFU_FAIL_NTH": str(nth),
            "HEFU_FAIL_HOW": how, "HEFU_FAIL_COUNTER": str(counter),
            "HEFU_FAIL_EXCEPT": "libnng,libc.so,ld-"}


def counts(counter):
    """(calls made, calls that failed)"""
    return struct.unpack("<QQ", counter.read_bytes())


class FailNth(unittest.TestCase):
    """One validator; each run on a fresh copy of its home."""

    # Runs of each fault and start, spread over all n; 0: every n.
    faults, runs_of_a_fault = (FAULTS[0], FAULTS[2], FAULTS[4]), 2

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
            node.signal(signal.SIGTERM)
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
        stride = max(1, total // self.runs_of_a_fault) if self.runs_of_a_fault else 1
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
        for calls, how in self.faults:
            self.sweep("first start", calls, how)

    def test_restart(self):
        for calls, how in self.faults:
            self.sweep("restart", calls, how)


class NoMemory(unittest.TestCase):
    """Allocations that fail while a node starts."""

    runs = 10  # spread over all n; 0: every n

    def start(self, network, first, at, nth):
        """Starts a fresh home, then stops it if it came up; its exit status and its last line."""
        home = network.home(0)
        shutil.rmtree(home)
        copy(first, home)
        counter = network.folder / f"counter-{at}"
        node = network.spawn(f"start-{at}", BIN / "hefud", "--home", home,
                             more_environment=environment(counter, "malloc", "", nth))
        wait_until("it starts or ends", 20, lambda: not node.running()
                   or "event=started" in node.text())
        node.signal(signal.SIGTERM)
        code = node.wait(20)
        lines = node.text().splitlines()
        return code, lines[-1] if lines else "", counts(counter)

    def test_start(self):
        network = Network("no-memory", validators=1)
        first = network.folder / "first"
        copy(network.home(0), first)
        total = self.start(network, first, 0, 0)[2][0]
        stride = max(1, total // self.runs) if self.runs else 1
        codes = collections.Counter()
        # The first ones all: buffers grow, and a library may go on with what it could not store.
        every = sorted({*range(1, 21), *range(1, total + 1, stride)})
        for at, nth in enumerate(every, 1):
            with self.subTest(nth=nth):
                code, last, _ = self.start(network, first, at, nth)
                codes[code] += 1
                if code != 0:
                    self.assertEqual(code, INTEGRITY, last)
                    self.assertIn("memory", last)
                    network.start(0)
                    network.wait_ready(0)
                    self.assertEqual(network.stop(0), [0], network.nodes[0].tail())
        print(f"malloc: {total} calls, every {stride}. failed; exit statuses {dict(codes)}",
              flush=True)


class BesideOthers(unittest.TestCase):
    """Node 3 of four fails again and again while the network settles records."""

    faults, runs_of_a_fault = (FAULTS[0], FAULTS[4]), 2

    def test_one_of_four(self):
        network, _ = funded("fail-beside")
        files, ended, total = [], collections.Counter(), 0
        network.stop(3)
        for calls, how in self.faults:
            total = self.run_beside(network, files, calls, how, 0)[1]
            stride = max(1, total // self.runs_of_a_fault) if self.runs_of_a_fault else 1
            for nth in range(1, total + 1, stride):
                with self.subTest(calls=calls, how=how, nth=nth):
                    code = self.run_beside(network, files, calls, how, nth)[0]
                    ended[code] += 1
            print(f"{calls} {how}: {total} calls, every {stride}.", flush=True)
        print(f"exit statuses: {dict(ended)}", flush=True)
        network.environments[3] = {}
        network.start(3)
        check_whole(network, files)
        self.assertGreater(ended[INTEGRITY], 0)

    def run_beside(self, network, files, calls, how, nth):
        """Node 3 runs with the fault until it fails or has all; then without it."""
        counter = network.folder / f"counter-{len(files)}"
        network.environments[3] = environment(counter, calls, how, nth)
        network.start(3)
        node = network.nodes[3]
        ready = f"start {len(files)}"
        for _ in range(2):
            path = write_csv(network.folder / f"beside-{len(files)}.csv", [
                purchase(len(files) * RECORDS + n, "0.01", salt=0xbe) for n in range(RECORDS)])
            files.append(path)
            hefu("submit", path, "--client", network.profile_for("harbour-bank", 0), "--wait")
            wait_until(f"{ready}: node 3 fails or follows", 20, lambda: not node.running()
                       or network.tip(3)[0] >= network.tip(0)[0])
        wait_until("it can take a signal", 20, lambda: not node.running()
                   or "event=started" in node.text())
        node.signal(signal.SIGTERM)
        code = node.wait(20)
        made, failed = counts(counter)
        if code != 0:
            self.assertTrue(failed, node.tail())
            self.assertEqual(code, INTEGRITY, node.tail())
            self.assertTrue(any(text in node.tail().splitlines()[-1] for text in SAYS), node.tail())
        network.environments[3] = {}
        network.start(3)
        height = network.tip(0)[0]
        wait_until("node 3 has all", 20, lambda: "event=started" in network.nodes[3].text()
                   and network.tip(3)[0] >= height)
        self.assertEqual(network.stop(3), [0], network.nodes[3].tail())
        network.check_clean(network.home(3))
        own, others = network.chain(3), network.chain(0)
        self.assertEqual({h: others[h] for h in own if h in others}, own)
        return code, made


def copy(home, to):
    shutil.copytree(home, to, ignore=shutil.ignore_patterns("*.sock"))


if __name__ == "__main__":
    main()
