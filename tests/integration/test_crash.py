#!/usr/bin/env python3
"""Goal: validators die at any moment, alone or all at once, or stand still; nothing accepted is
lost, nothing is applied twice, and the network goes on.

The moments are random; the seed is printed, HEFU_TEST_SEED repeats it.
"""

import collections
import random
import signal
import threading
import time
import unittest

from network import (BIN, Failure, Network, generate_day, hefu, hefu_json, main, purchase,
                     read_csv, seed, wait_until, write_csv)

DAY_RECORDS = 60000
FILE_RECORDS = 100
FULL_CRASHES = 5
GO_ON_SECONDS = 5
UNREACHABLE, FINDINGS = 6, 1


class Load(threading.Thread):
    """Submits small files to one node, one after the other, until it is told to finish.

    A file whose submission did not end cleanly is sent again until it did, as a person would: what
    the first attempt may have brought in must not be applied again.
    """

    def __init__(self, network, i, wait):
        super().__init__(daemon=True)
        self.network, self.node, self.wait = network, i, wait
        self.profile = network.profile_for("harbour-bank", i)
        self.files, self.repeated = [], 0
        self.accepted = []  # ids that the node has answered Accepted, or Final, for
        self.finishing = threading.Event()
        self.failure = None
        self.start()

    def run(self):
        try:
            while not self.finishing.is_set():
                self.submit(self.write())
        except Exception as error:  # pylint: disable=W0718
            self.failure = error

    def write(self):
        at = len(self.files)
        path = write_csv(self.network.folder / f"load-{self.node}-{at}.csv",
                         [purchase(at * FILE_RECORDS + n, f"0.{n % 99 + 1:02}", salt=self.node + 1)
                          for n in range(FILE_RECORDS)])
        self.files.append(path)
        return path

    def submit(self, path):
        deadline = time.monotonic() + 40
        options = ["--wait"] if self.wait else []
        while time.monotonic() < deadline:
            done = hefu("submit", path, "--client", self.profile, "--timeout", 20, "--format",
                        "jsonl", *options, expect={0, FINDINGS, UNREACHABLE})
            if done.code == 0 or "was already submitted" in done.err:
                self.repeated += done.code != 0
                self.accepted += [row["id"] for row in read_csv(path)]
                return
            if done.code == FINDINGS:
                raise Failure(f"{path}: {done.err}{done.out}")
            time.sleep(0.05)
        raise Failure(f"{path}: not submitted within 40 s: {done.err}")

    def finish(self):
        self.finishing.set()
        self.join(60)
        if self.is_alive() or self.failure is not None:
            raise self.failure or Failure(f"the load of node {self.node} does not end")


class Crash(unittest.TestCase):
    """Each test has its own network, for it must not matter what the others killed."""

    def funded(self, name):
        """A funded network, and a day's other files, not yet submitted."""
        network = Network(name)
        network.start()
        network.wait_ready()
        files = generate_day(network.folder / "day", DAY_RECORDS, 5)
        client, path = files[0]
        hefu("submit", path, "--client", network.client(client), "--wait")
        return network, files[1:]

    def records_at(self, network, i):
        return hefu_json("status", "--home", network.home(i))["total_records"]

    def goes_on(self, network, i, before=0):
        """Records become final on node i that no node had before, soon; in how many seconds."""
        before = before or max(self.records_at(network, node) for node in range(network.count))
        started = time.monotonic()
        wait_until(f"node {i} goes on after {before} records", GO_ON_SECONDS,
                   lambda: self.records_at(network, i) > before)
        return time.monotonic() - started

    def check_whole(self, network, paths):
        """Every record of the files is posted exactly once, and all nodes agree on that."""
        wanted = collections.Counter(row["id"] for path in paths for row in read_csv(path))
        # What was only Accepted may not be final yet; it must become so.
        wait_until("no batch waits", 20, lambda: not any(
            network.status(i)["pool_batches"] for i in range(network.count)))
        tip = network.agree()
        found = collections.Counter(
            row["id"] for row in network.records(0) if row["kind"] != "FUND")
        lost, twice = wanted - found, found - wanted
        self.assertEqual((len(lost), len(twice)), (0, 0), f"lost {list(lost)[:5]}, "
                         f"applied twice {list(twice)[:5]}")
        for i in range(network.count):
            network.check_books(i)
            network.check_clean(network.home(i))
            block = hefu_json("block", "show", tip[0], "--home", network.home(i))
            self.assertEqual(block["state_root"], tip[1])

    def test_kill_one_during_a_load(self):
        """A whole day's files, a client each; the clients of the dead node wait for it."""
        network, files = self.funded("crash-one")
        clients = [network.spawn(f"submit-{path.stem}", BIN / "hefu", "submit", path, "--client",
                                 network.client(name), "--format", "jsonl", "--wait")
                   for name, path in files]
        wait_until("the load has begun", 20, lambda: self.records_at(network, 0) > 10)
        network.kill(3)
        loads = [Load(network, i, True) for i in range(3)]
        self.goes_on(network, 0)
        time.sleep(0.5)
        network.start(3)
        network.wait_ready(3)
        for client, (name, path) in zip(clients, files):
            if client.wait(60) == UNREACHABLE:  # not connected yet when its node died
                hefu("submit", path, "--client", network.client(name), "--wait")
            else:
                self.assertEqual(client.wait(0), 0, client.tail())
        for load in loads:
            load.finish()
        self.check_whole(network, [path for _, path in files]
                         + [path for load in loads for path in load.files])

    def test_stand_still(self):
        """SIGSTOP: the process holds its connections but says nothing; SIGCONT: it catches up."""
        network, _ = self.funded("crash-still")
        loads = [Load(network, i, True) for i in range(4)]
        self.goes_on(network, 1)
        network.nodes[2].signal(signal.SIGSTOP)
        self.goes_on(network, 1)
        time.sleep(3.5)  # longer than links wait for a silent peer
        self.goes_on(network, 1)
        network.nodes[2].signal(signal.SIGCONT)
        self.goes_on(network, 2)
        for load in loads:
            load.finish()
        self.check_whole(network, [path for load in loads for path in load.files])

    def test_kill_all(self):
        """All four at once, again and again, at random moments of a load."""
        random.seed(seed())
        network, _ = self.funded("crash-all")
        loads = [Load(network, i, i % 2 == 0) for i in range(4)]
        for crash in range(FULL_CRASHES):
            time.sleep(random.uniform(0.1, 1.0))
            network.kill(0, 1, 2, 3)
            accepted = [record for load in loads for record in load.accepted]
            records = [self.records_at(network, i) for i in range(4)]
            for i in random.sample(range(4), 4):
                network.start(i)
                time.sleep(random.uniform(0, 0.1))
            took = self.goes_on(network, crash % 4, max(records))
            print(f"crash {crash}: {len(accepted)} records accepted, final on each {records}, "
                  f"goes on after {took:.2f} s", flush=True)
            self.find(network, crash % 4, accepted)
        for load in loads:
            load.finish()
        self.assertGreater(sum(len(load.files) for load in loads), 4 * FULL_CRASHES)
        print(f"{sum(load.repeated for load in loads)} files were known when sent again")
        self.check_whole(network, [path for load in loads for path in load.files])

    def find(self, network, i, accepted):
        """Some of the records accepted before a crash, the last ones first, are final on node i."""
        last = accepted[-1:] + accepted[-FILE_RECORDS:][:1]
        for record in last + random.sample(accepted, min(3, len(accepted))):
            def found(record=record):
                done = hefu("record", "show", record, "--home", network.home(i), "--format",
                            "json", expect={0, 4})
                return done.code == 0 and '"POSTED"' in done.out
            wait_until(f"record {record} is final on node {i}", 10, found)


if __name__ == "__main__":
    main()
