#!/usr/bin/env python3
"""Validators are added, replaced and removed under load, on real processes; observers follow.

A standby that no configuration names is added, an observer becomes a validator in another's place,
and one is removed. All the time somebody submits; the longest pause between two final blocks is
measured by their headers, and must stay below two seconds. The observer that followed through all
of it verifies the whole chain, and receipts of the last epoch are checked with genesis alone.
"""

import datetime
import json
import time
import unittest

import network
from load import Load
from network import BIN, Network, Process, generate_day, hefu, hefu_json, wait_until

EPOCH_SECONDS = 30
PAUSE_SECONDS = 2.0
CONFIG = """[node]
role = validator
validator = {name}
listen = tcp://127.0.0.1:{port}
map_size = 1G

[keys]
consensus = keys/consensus.key
transport = keys/transport.key
passphrase_file = passphrase

[peers]
{peers}
"""


class Epochs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.network = Network("epochs", validators=4, observers=2, more_ports=1)
        cls.others = {}
        cls.network.start()
        cls.start_home("observer-0")
        cls.start_home("observer-1")
        cls.network.wait_ready()
        client, path = generate_day(cls.network.folder / "day", 100, 5)[0]
        hefu("submit", path, "--client", cls.network.client(client), "--wait")

    # What the test needs of a network that changes

    @classmethod
    def start_home(cls, name):
        cls.others[name] = Process([BIN / "hefud", "--home", cls.network.net / name],
                                   cls.network.folder / f"{name}.log")
        cls.network.others.append(cls.others[name])

    @classmethod
    def peers(cls, *but):
        return "\n".join(f"node-{i} = tcp://127.0.0.1:{cls.network.port + i}"
                         for i in range(4) if i not in but)

    @classmethod
    def make_keys(cls, home):
        """A new consensus key with its register, and a transport key; their public keys."""
        (home / "keys").mkdir(parents=True, exist_ok=True)
        (home / "passphrase").touch(exist_ok=True)
        if (home / "passphrase").stat().st_size == 0:
            (home / "passphrase").write_text("only for this test\n")
            (home / "passphrase").chmod(0o600)
        public = {}
        for kind in ("consensus", "transport"):
            path = home / "keys" / f"{kind}.key"
            if not path.exists():
                hefu("key", "new", path, "--kind", kind, "--passphrase-file", home / "passphrase")
            public[kind] = hefu_json("key", "show", path)["public_key"]
        return public

    def status(self, name):
        return hefu_json("status", "--home", self.network.net / name)

    def owner_profile(self, i):
        """The profile of the participant that runs validator i of genesis."""
        genesis = json.loads((self.network.net / "genesis.json").read_text())
        number = str(genesis["validators"][i]["participant"])
        return next(p for p in self.network.profiles()
                    if self.network.setting(p, "participant") == number)

    def decide(self, change, owners):
        """The first owner proposes, the others approve."""
        path = self.network.folder / f"change-{time.monotonic_ns()}.json"
        path.write_text(json.dumps(change))
        proposed = hefu_json("action", "propose", path, "--client", self.owner_profile(owners[0]))
        for owner in owners[1:]:
            hefu("action", "approve", proposed["action"], "--client", self.owner_profile(owner))

    def wait_epoch(self, load, epoch, *names):
        """Each of the homes has a final block of the epoch."""
        self.assertIsNone(load.failure)
        for name in names:
            wait_until(f"{name} is in epoch {epoch}", EPOCH_SECONDS,
                       lambda name=name: self.status(name)["epoch"] >= epoch)

    def participant_of(self, i):
        genesis = json.loads((self.network.net / "genesis.json").read_text())
        return genesis["validators"][i]["participant"]

    def member(self, i):
        genesis = json.loads((self.network.net / "genesis.json").read_text())
        return genesis["validators"][i]["key"]

    # The story

    def test_changes_under_load(self):
        homes = ["node-0", "node-1", "node-2", "node-3", "observer-0"]
        load = Load(self.network, 0, wait=True, records=10)
        time.sleep(1)

        # A standby that nobody's configuration knows is added.
        home = self.network.net / "node-4"
        home.mkdir()
        keys = self.make_keys(home)
        (home / "genesis.json").write_text((self.network.net / "genesis.json").read_text())
        (home / "config.ini").write_text(CONFIG.format(name="node-4", port=self.network.port + 6,
                                                       peers=self.peers()))
        self.start_home("node-4")
        self.decide({"action": "validators", "epoch": 1,
                     "add": [{"name": "node-4", "participant": self.participant_of(0),
                              "key": keys["consensus"], "transport_key": keys["transport"]}]},
                    owners=(0, 1, 2))
        self.wait_epoch(load, 2, *homes, "node-4")

        # An observer takes the place of a validator.
        observer = self.network.net / "observer-1"
        self.assertEqual(self.others["observer-1"].stop(), 0)
        keys = self.make_keys(observer)
        (observer / "config.ini").write_text(CONFIG.format(
            name="node-5", port=self.network.port + 5, peers=self.peers()))
        self.start_home("observer-1")
        self.decide({"action": "validators", "epoch": 2,
                     "replace": [{"key": self.member(3), "new_key": keys["consensus"],
                                  "new_transport_key": keys["transport"],
                                  "new_name": "node-5"}]}, owners=(0, 1, 2, 3))
        self.wait_epoch(load, 3, *homes, "node-4", "observer-1")
        self.assertIn("removed", self.network.nodes[3].text())
        self.assertEqual(self.network.stop(3), [0])

        # One is removed.
        self.decide({"action": "validators", "epoch": 3, "remove": [{"key": self.member(2)}]},
                    owners=(0, 1, 2))
        homes.remove("node-3")
        self.wait_epoch(load, 4, *homes, "node-4", "observer-1")

        # So far nobody who votes was stopped before it was replaced.
        time.sleep(1)
        self.check_pauses()

        # One goes on under its next key, for which it is restarted.
        home = self.network.home(1)
        hefu("key", "new", home / "keys" / "next.key", "--kind", "consensus", "--passphrase-file",
             home / "passphrase")
        genesis = json.loads((self.network.net / "genesis.json").read_text())
        self.assertEqual(self.network.stop(1), [0])
        config = home / "config.ini"
        config.write_text(config.read_text().replace(
            "[keys]\n", "[keys]\nnext = keys/next.key\n"))
        self.network.start(1)
        new_key = hefu_json("key", "show", home / "keys" / "next.key")["public_key"]
        self.decide({"action": "validators", "epoch": 4,
                     "replace": [{"key": self.member(1), "new_key": new_key,
                                  "new_transport_key": genesis["validators"][1]["transport_key"]}]},
                    owners=(0, 1))
        homes.remove("node-2")
        self.wait_epoch(load, 5, *homes, "node-4", "observer-1")
        self.assertIn("event=ready", self.network.nodes[1].text())
        time.sleep(2)
        load.finish()
        self.assertEqual(self.network.status(1)["role"], "node-1")

        self.check_same(["node-0", "node-1", "node-4", "observer-0", "observer-1"])
        self.check_observer(load)
        self.check_receipt(load)

    def check_pauses(self):
        """No two blocks are further apart than the limit while somebody submitted."""
        blocks = hefu_json("block", "list", "--from", 0, "--home", self.network.net / "node-0")
        times = [time_of(block["time"]) for block in blocks if block["height"] > 0]
        longest = max(later - earlier for earlier, later in zip(times, times[1:]))
        print(f"{len(blocks)} blocks, longest pause {longest:.3f} s", flush=True)
        self.assertLess(longest, PAUSE_SECONDS)

    def check_same(self, names):
        def same():
            tips = {(s["height"], s["state_root"]) for s in map(self.status, names)}
            return len(tips) == 1
        wait_until("all have the same state", EPOCH_SECONDS, same)

    def check_observer(self, load):
        """It has every epoch, verifies clean, and holds what was accepted."""
        home = self.network.net / "observer-0"
        found = self.network.check_clean(home)
        self.assertEqual(found["epochs"], 5)
        for level in ("headers", "signatures"):
            self.assertEqual(hefu_json("verify", "--level", level, "--home", home)["result"],
                             "clean")
        ids = [json.loads(line)["id"] for line in hefu("tail", "--home", home).out.splitlines()]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertLessEqual(set(load.accepted), set(ids))

    def check_receipt(self, load):
        """A receipt of the last epoch holds with nothing but genesis.json, and not without its
        steps."""
        home = self.network.net / "node-0"
        blocks = hefu_json("block", "list", "--from", 0, "--home", home)
        last = max(block["height"] for block in blocks if block["records"] > 0)
        batch = hefu_json("block", "show", last, "--batches", "--home", home)[0]
        path = self.network.folder / "receipt.json"
        hefu("receipt", batch["batch"], "--client", load.profile, "--out", path)
        genesis = self.network.net / "genesis.json"
        hefu("receipt", "--file", path, "--genesis", genesis)
        receipt = json.loads(path.read_text())
        self.assertEqual(len(receipt["proof"]["epochs"]), 4)
        receipt["proof"]["epochs"].pop(1)
        path.write_text(json.dumps(receipt))
        hefu("receipt", "--file", path, "--genesis", genesis, expect=3)


def time_of(text):
    """A time as the tools print it, in seconds since 1970."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


if __name__ == "__main__":
    network.main()
