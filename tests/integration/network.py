"""A whole Hefu network of real processes on loopback, for the integration tests.

A test file defines unittest cases and ends with network.main(). Processes are ended only by the id
of a child of this one, and die with it. Each network lives in a folder of its own, which is removed
when every test of the file succeeded, and named when one did not.

HEFU_BIN_DIR names the folder with hefud and hefu, HEFU_SOURCE_DIR the sources.
"""

import collections
import csv
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE = pathlib.Path(os.environ.get("HEFU_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
BIN = pathlib.Path(os.environ.get("HEFU_BIN_DIR", SOURCE / "build" / "release"))
READY_SECONDS = 30
AGREE_SECONDS = 30
COMMAND_SECONDS = 60
# The fields of a line of a clearing file, in the order that these tests write them.
COLUMNS = ("id", "kind", "scheme", "payer", "payee", "amount", "currency", "business_date",
           "match_key")

_made = []

Done = collections.namedtuple("Done", "code out err")


class Failure(AssertionError):
    """Something that a test waited for did not happen, or a command ended otherwise."""


def wait_until(what, seconds, condition):
    """The first truthy value of condition(); Failure with the last falsy one after seconds."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise Failure(f"not within {seconds} s: {what} (last: {value!r})")
        time.sleep(0.02)


def environment():
    """Without what would stand in for an option, in the language of the messages."""
    kept = {k: v for k, v in os.environ.items() if k not in ("HEFU_HOME", "HEFU_CLIENT")}
    return kept | {"LC_ALL": "C.UTF-8", "NO_COLOR": "1"}


def hefu(*words, expect=0, seconds=COMMAND_SECONDS):
    """Runs hefu; expect is the exit status or a set of them, None for any."""
    command = [str(BIN / "hefu"), *map(str, words)]
    run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         env=environment(), timeout=seconds, check=False)
    wanted = {expect} if isinstance(expect, int) else expect
    if wanted is not None and run.returncode not in wanted:
        raise Failure(f"{' '.join(command)}: ended with {run.returncode}, expected {expect}\n"
                      f"{run.stdout[-2000:]}{run.stderr[-2000:]}")
    return Done(run.returncode, run.stdout, run.stderr)


def hefu_json(*words, **options):
    """What hefu prints as JSON: an object, or a list of them."""
    return json.loads(hefu(*words, "--format", "json", **options).out)


def free_ports(count):
    """The first of count consecutive free ports, below those that the system gives away itself."""
    for _ in range(1000):
        first = random.randrange(10000, 32000 - count)
        try:
            probes = []
            for port in range(first, first + count):
                probes.append(socket.socket())
                probes[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probes[-1].bind(("127.0.0.1", port))
            return first
        except OSError:
            pass
        finally:
            for probe in probes:
                probe.close()
    raise Failure(f"no {count} free ports in a row")


def fen(text):
    """An amount as integer minor units, without any rounding."""
    negative, text = text.startswith("-"), text.lstrip("-")
    whole, _, decimals = text.partition(".")
    minor = int(whole) * 100 + int((decimals + "00")[:2])
    if len(decimals) > 2:
        raise Failure(f"{text}: more than two decimals")
    return -minor if negative else minor


class Process:
    """A program of ours that runs until it is told to stop; stderr and stdout go to a log.

    The log may hold earlier runs too: text() is what this one wrote.
    """

    def __init__(self, command, log, more_environment=None):
        self.log = pathlib.Path(log)
        # Should this program be killed, what it started ends with it. setpriv is of util-linux.
        prefix = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        with open(log, "ab") as output:
            self.earlier = output.tell()
            self.child = subprocess.Popen([*prefix, *map(str, command)], stdin=subprocess.DEVNULL,
                                          stdout=output, stderr=output,
                                          env=environment() | (more_environment or {}))

    def running(self):
        return self.child.poll() is None

    def signal(self, number):
        if self.running():
            self.child.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.child.wait(10)

    def stop(self, seconds=20):
        """SIGTERM; the exit status."""
        self.signal(signal.SIGTERM)
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise Failure(f"{self.log}: did not stop within {seconds} s\n{self.tail()}") from error

    def wait(self, seconds):
        """The exit status of a program that ends by itself."""
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise Failure(f"{self.log}: still runs after {seconds} s\n{self.tail()}") from error

    def text(self):
        return self.log.read_bytes()[self.earlier:].decode("utf-8", "replace")

    def tail(self):
        return "\n".join(self.text().splitlines()[-15:])


class Network:
    """NET/genesis.json, NET/node-I, NET/clients/NAME as `hefu testnet init` lays them out."""

    def __init__(self, name, validators=4, observers=0, more_ports=0, plan=None):
        """plan writes participants.json to the path that it is given; None: the demo's few."""
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"hefu-{name}-"))
        self.count = validators
        self.nodes = [None] * validators
        self.environments = [{} for _ in range(validators)]  # added to a node's at its next start
        self.others = []
        self.salts = 0
        _made.append(self)
        participants = self.folder / "participants.json"
        if plan is None:
            run_python("scripts/generate-day", "--small", "--participants-out", participants)
        else:
            plan(participants)
        self.net = self.folder / "net"
        self.port = free_ports(validators + observers + more_ports)
        hefu("testnet", "init", "--out", self.net, "--validators", validators, "--observers",
             observers, "--participants", participants, "--base-port", self.port)

    # Processes

    def home(self, i):
        return self.net / f"node-{i}"

    def start(self, *numbers):
        for i in numbers or range(self.count):
            if self.nodes[i] is None or not self.nodes[i].running():
                self.nodes[i] = Process([BIN / "hefud", "--home", self.home(i)],
                                        self.folder / f"node-{i}.log", self.environments[i])

    def spawn(self, name, *command, more_environment=None):
        """Another program, ended with the network."""
        self.others.append(Process(command, self.folder / f"{name}.log", more_environment))
        return self.others[-1]

    def kill(self, *numbers):
        """kill -9 of all at once, then waits for each."""
        for i in numbers:
            self.nodes[i].signal(signal.SIGKILL)
        for i in numbers:
            self.nodes[i].kill()

    def stop(self, *numbers):
        """SIGTERM to each that runs; their exit statuses."""
        nodes = [self.nodes[i] for i in numbers or range(self.count)]
        for node in nodes:
            if node is not None:
                node.signal(signal.SIGTERM)
        return [node.stop() for node in nodes if node is not None]

    def running(self):
        return [i for i, node in enumerate(self.nodes) if node is not None and node.running()]

    def end(self):
        for process in [*self.nodes, *self.others]:
            if process is not None:
                process.signal(signal.SIGCONT)
                process.kill()

    # Clients

    def next_salt(self):
        """For purchase(): so that the ids of two loads differ."""
        self.salts += 1
        return 0x1000 + self.salts

    def profiles(self):
        return sorted((self.net / "clients").iterdir())

    def client(self, name):
        return self.net / "clients" / name

    def transport_keys(self):
        """Of the validators, in hexadecimal."""
        genesis = json.loads((self.net / "genesis.json").read_text())
        return [validator["transport_key"] for validator in genesis["validators"]]

    def setting(self, profile, key):
        for line in (profile / "client.ini").read_text().splitlines():
            if line.split("=")[0].strip() == key:
                return line.split("=", 1)[1].strip()
        raise Failure(f"{profile}/client.ini has no {key}")

    def node_of(self, profile):
        """The number of the node that a profile talks to."""
        return int(self.setting(profile, "address").rsplit(":", 1)[1]) - self.port

    def client_of_node(self, i):
        return next(p for p in self.profiles() if self.node_of(p) == i)

    def profile_for(self, name, i):
        """A copy of a client's profile that talks to node i."""
        genesis = json.loads((self.net / "genesis.json").read_text())
        copy = self.folder / "profiles" / f"{name}-at-{i}"
        if not copy.exists():
            shutil.copytree(self.client(name), copy)
            edit_ini(copy / "client.ini", address=f"tcp://127.0.0.1:{self.port + i}",
                     node_key=genesis["validators"][i]["transport_key"],
                     genesis=self.net / "genesis.json")
        return copy

    # Reading

    def status(self, i):
        """What the running node i says of itself."""
        return hefu_json("status", "--client", self.client_of_node(i))

    def alarms(self, i):
        """The running node's alarms but for those of the machine's disk."""
        alarms = self.status(i)["alarms"].split("; ")
        return [text for text in alarms if text != "none" and "of the disk is free" not in text]

    def tip(self, i):
        """(height, state_root) in node i's store, whether it runs or not."""
        status = hefu_json("status", "--home", self.home(i))
        return status["height"], status["state_root"]

    def wait_ready(self, *numbers, seconds=READY_SECONDS):
        """Each node answers and is connected to a quorum."""
        def ready(i):
            if not self.nodes[i].running():
                raise Failure(f"node {i} has ended\n{self.nodes[i].tail()}")
            answer = hefu("status", "--client", self.client_of_node(i), "--format", "json",
                          expect=None)
            return answer.code == 0 and json.loads(answer.out)["peers"].count(" at ") >= (
                2 * self.count // 3 + 1)
        for i in numbers or range(self.count):
            wait_until(f"node {i} is ready", seconds, lambda i=i: ready(i))

    def agree(self, *numbers, seconds=AGREE_SECONDS):
        """Waits until the nodes have the same height and state root; returns them."""
        def same():
            tips = {self.tip(i) for i in numbers or range(self.count)}
            return tips if len(tips) == 1 else None
        return wait_until("the nodes agree", seconds, same).pop()

    def chain(self, i):
        """The hash of every final block of node i, by height; it covers the roots too."""
        rows = hefu_json("block", "list", "--from", 0, "--home", self.home(i))
        return {row["height"]: row["hash"] for row in rows}

    # Checks that fail with what was wrong

    def check_books(self, i):
        """Debits equal credits in the trial balance, posted and pending; returns its rows."""
        rows = hefu_json("trial-balance", "--home", self.home(i))
        for currency in {row["currency"] for row in rows}:
            sums = collections.Counter()
            for row in rows:
                if row["currency"] == currency:
                    sums.update({k: v for k, v in row.items() if k.endswith("_minor")})
            for state in ("posted", "pending"):
                if sums[f"debits_{state}_minor"] != sums[f"credits_{state}_minor"]:
                    raise Failure(f"node {i}: {currency} {state} does not balance: {rows}")
            if sums["balance_minor"] != 0:
                raise Failure(f"node {i}: {currency} balances do not sum to zero: {rows}")
        return rows

    def check_clean(self, home):
        """hefu verify --level replay finds nothing."""
        found = hefu_json("verify", "--level", "replay", "--home", home)
        if found["result"] != "clean" or found["level"] != "replay":
            raise Failure(f"{home}: {found}")
        return found

    def records(self, i, accepted_only=True):
        """Every final record in the chain of node i, in order."""
        lines = hefu("tail", "--home", self.home(i)).out.splitlines()
        rows = [json.loads(line) for line in lines]
        return [row for row in rows if row["code"] < 10 or not accepted_only]


def run_python(script, *words):
    subprocess.run([sys.executable, "-B", str(SOURCE / script), *map(str, words)], check=True,
                   stdin=subprocess.DEVNULL, timeout=COMMAND_SECONDS)


def generate_day(folder, records, seed):
    """A small day's files; returns [(profile name, path)] in the order of submission."""
    run_python("scripts/generate-day", "--small", "--records", records, "--seed", seed, "--out",
               folder)
    files = [("settlement-agent", folder / "funding.csv")]
    for path in sorted(folder.glob("[0-9]*-*.csv")):
        files.append((path.stem.split("-", 1)[1], path))
    return files


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_csv(path, rows, columns=COLUMNS):
    """rows: dicts, or lists of cells written as they are."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([row.get(c, "") for c in columns] if isinstance(row, dict) else row)
    return path


def purchase(number, amount="12.34", salt=0x51, payer=4, payee=3, **cells):
    """A debit purchase at Harbour Bank (3) with an id made of salt and number."""
    row = {"id": f"01a203fc0000{salt:012x}{number:08x}", "kind": "CLEAR",
           "scheme": "debit purchase", "payer": payer, "payee": payee, "amount": amount,
           "currency": "CNY", "business_date": "2026-11-23"}
    return row | cells


def edit_ini(path, **values):
    """Replaces the values of keys that stand in the file already."""
    lines = path.read_text().splitlines()
    for key, value in values.items():
        at = [i for i, line in enumerate(lines) if line.split("=")[0].strip() == key]
        assert len(at) == 1, f"{path}: {key} stands there {len(at)} times"
        lines[at[0]] = f"{key} = {value}"
    path.write_text("\n".join(lines) + "\n")


def shim(name):
    """The library of tests/faults to preload; skips the whole file where it is not built."""
    path = BIN / "tests" / "faults" / f"{name}.so"
    if not path.exists():
        skip(f"{path} is not built here (a sanitizer's runtime must come first)")
    return str(path)


def skip(why):
    """Ends the file as skipped (ctest's status 77)."""
    print(f"skipped: {why}", flush=True)
    while _made:
        network = _made.pop()
        network.end()
        shutil.rmtree(network.folder)
    sys.exit(77)


def seed():
    """The seed of a test's random choices: HEFU_TEST_SEED, or a fresh one; printed in any case."""
    value = int(os.environ.get("HEFU_TEST_SEED", 0)) or random.SystemRandom().randrange(1, 2**32)
    print(f"seed: HEFU_TEST_SEED={value}", flush=True)
    return value


def main():
    """Runs the calling file's tests; ends all processes, removes or names the folders."""
    result = None
    try:
        result = unittest.main(exit=False, verbosity=2, module="__main__").result
    finally:
        clean = result is not None and result.wasSuccessful()
        for network in _made:
            network.end()
            if clean:
                shutil.rmtree(network.folder)
            else:
                print(f"kept, with the nodes' logs: {network.folder}", file=sys.stderr)
    sys.exit(0 if clean else 1)
