"""A load on a network while faults happen to it, and the check that nothing of it was lost."""

import collections
import json
import random
import threading
import time

from network import (Failure, Network, generate_day, hefu, purchase, read_csv, wait_until,
                     write_csv)

FILE_RECORDS = 100
GO_ON_SECONDS = 5
UNREACHABLE, NOT_FOUND, FINDINGS = 6, 4, 1


class Load(threading.Thread):
    """Submits small files to one node, one after the other, until it is told to finish.

    A file whose submission did not end cleanly is sent again until it did, as a person would: what
    the first attempt may have brought in must not be applied again.
    """

    def __init__(self, network, i, wait, records=FILE_RECORDS, patience=40):
        super().__init__(daemon=True)
        self.network, self.node, self.wait, self.records = network, i, wait, records
        self.patience = patience
        self.profile = network.profile_for("harbour-bank", i)
        self.salt = network.next_salt()
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
        path = write_csv(self.network.folder / f"load-{self.salt}-{at}.csv",
                         [purchase(at * self.records + n, f"0.0{n % 9 + 1}", salt=self.salt)
                          for n in range(self.records)])
        self.files.append(path)
        return path

    def submit(self, path):
        deadline = time.monotonic() + self.patience
        options = ["--wait"] if self.wait else []
        while time.monotonic() < deadline:
            done = hefu("submit", path, "--client", self.profile, "--timeout", 20,
                        "--connect-timeout", 5, "--format", "jsonl", *options,
                        expect={0, FINDINGS, UNREACHABLE})
            if done.code == 0 or "was already submitted" in done.err:
                self.repeated += done.code != 0
                self.accepted += [row["id"] for row in read_csv(path)]
                return
            if done.code == FINDINGS:
                raise Failure(f"{path}: {done.err}{done.out}")
            time.sleep(0.05)
        raise Failure(f"{path}: not submitted within {self.patience} s: {done.err}")

    def finish(self):
        self.finishing.set()
        self.join(self.patience + 20)
        if self.is_alive() or self.failure is not None:
            raise self.failure or Failure(f"the load of node {self.node} does not end")
        return self.files


def funded(name, validators=4, day_records=0, before_start=None):
    """A running network whose participants have money; with it a day's other files, not sent."""
    network = Network(name, validators)
    if before_start is not None:
        before_start(network)
    network.start()
    network.wait_ready()
    files = generate_day(network.folder / "day", day_records or 100, 5)
    client, path = files[0]
    hefu("submit", path, "--client", network.client(client), "--wait")
    return network, files[1:]


def records_at(network, i):
    """How many records are final on node i, running or not; 0 while it has no store yet."""
    done = hefu("status", "--home", network.home(i), "--format", "json", expect={0, NOT_FOUND})
    return json.loads(done.out)["total_records"] if done.code == 0 else 0


def goes_on(network, i, before=None, seconds=GO_ON_SECONDS):
    """Records become final on node i that no node had before, soon; in how many seconds."""
    if before is None:
        before = max(records_at(network, node) for node in range(network.count))
    started = time.monotonic()
    wait_until(f"node {i} goes on after {before} records", seconds,
               lambda: records_at(network, i) > before)
    return time.monotonic() - started


def find(network, i, accepted):
    """Some of the records accepted before a fault, the last ones first, are final on node i."""
    last = accepted[-1:] + accepted[-FILE_RECORDS:][:1]
    for record in last + random.sample(accepted, min(3, len(accepted))):
        def found(record=record):
            done = hefu("record", "show", record, "--home", network.home(i), "--format", "json",
                        expect={0, 4})
            return done.code == 0 and '"POSTED"' in done.out
        wait_until(f"record {record} is final on node {i}", 10, found)


def check_whole(network, paths, alarms=True):
    """Every record of the files is posted exactly once, on every node, in the same blocks.

    All nodes run and come to the same last block; then they have the same block at every height,
    balanced books, and hefu verify replays each chain without a finding. alarms: none may show one.
    """
    wanted = collections.Counter(row["id"] for path in paths for row in read_csv(path))
    network.wait_ready()
    # What was only Accepted may not be final yet; it must become so.
    wait_until("no batch waits", 20, lambda: not any(
        network.status(i)["pool_batches"] for i in range(network.count)))
    network.agree()
    found = collections.Counter(row["id"] for row in network.records(0) if row["kind"] != "FUND")
    lost, twice = wanted - found, found - wanted
    if lost or twice:
        raise Failure(f"lost {len(lost)}: {list(lost)[:5]}, applied twice or from nowhere "
                      f"{len(twice)}: {list(twice)[:5]}")
    chain = network.chain(0)
    for i in range(network.count):
        network.check_books(i)
        network.check_clean(network.home(i))
        own = network.chain(i)
        if any(own[height] != chain[height] for height in own.keys() & chain.keys()):
            raise Failure(f"nodes 0 and {i} have different final blocks: {chain}, {own}")
        if alarms and network.alarms(i):
            raise Failure(f"node {i} raises {network.alarms(i)}")
    return chain


def distribution(what, seconds):
    """One line that a person compares: of times to go on, for instance."""
    ordered = sorted(seconds)
    median, p90 = (ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.9))
    print(f"{what}: {len(ordered)} times, min {ordered[0]:.2f} s, median {median:.2f} s, "
          f"p90 {p90:.2f} s, max {ordered[-1]:.2f} s", flush=True)
