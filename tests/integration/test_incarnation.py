#!/usr/bin/env python3
"""All stores of a network are restored from backups of different moments, and it goes on in a new
incarnation: with new keys, over the highest block that is left, under a document that its operators
make, adopt and compare (docs/operations.md, A new incarnation).

Records that were final after the last backup are lost, which is the honest case; what the ledger
keeps, refuses and takes again is checked one by one, and then all of it once more in a second
incarnation on top of the first.
"""

import json
import random
import shutil
import time
import unittest

import noise_peer as peer
from load import Load, goes_on, records_at
from network import (BIN, Failure, Network, Process, edit_ini, generate_day, hefu, hefu_json, main,
                     read_csv, seed, wait_until, write_csv)

USAGE, INTEGRITY, NOT_FOUND, UNREACHABLE = 2, 3, 4, 6
WRONG_CHAIN = 6  # base/status.h
BANK = "harbour-bank"
OWN = 4  # Lotus Bank: the participant that the hand-made peer speaks for
SEED = bytes(range(32))
TRANSPORT = bytes(range(32, 64))
ALL = range(4)


class Incarnation(unittest.TestCase):
    """One network through three incarnations."""

    # What happens to it

    @classmethod
    def setUpClass(cls):
        random.seed(seed())
        cls.network = network = Network("incarnation", observers=1)
        cls.observer = network.net / "observer-0"
        for path in [network.net, cls.observer] + [network.home(i) for i in ALL]:
            document = json.loads((path / "genesis.json").read_text())
            own = next(p for p in document["participants"] if p["number"] == OWN)
            own["transport_key"] = peer.x25519(TRANSPORT).hex()
            own["keys"][0]["key"] = peer.formats.public_key(SEED).hex()
            (path / "genesis.json").write_text(json.dumps(document))
        cls.chain_ids = [cls.shown(network.home(0))["chain_id"]]
        network.start()
        network.wait_ready()
        funding = generate_day(network.folder / "day", 100, 5)[0][1]
        hefu("submit", funding, "--client", network.client("settlement-agent"), "--wait")
        cls.lose_everything()

    @classmethod
    def backup(cls, i):
        """The folder of a backup of node i's store, which is stopped for it."""
        network = cls.network
        if network.stop(i) != [0]:
            raise Failure(f"node {i} did not stop cleanly")
        copy = network.folder / f"backup-{i}"
        shutil.copytree(network.home(i) / "chain", copy)
        network.start(i)
        return copy

    @classmethod
    def lose_everything(cls):
        """Backups of four moments, the highest of node 0; then more becomes final; then a crash of
        all. Keeps what was final then, and restores the backups."""
        network = cls.network
        load = Load(network, 0, wait=False, records=5)
        backups = {}
        for i in (3, 2, 1, 0):
            goes_on(network, i, seconds=15)
            backups[i] = cls.backup(i)
        goes_on(network, 1, seconds=15)
        load.finish()
        goes_on(network, 1, records_at(network, 1) - 1, seconds=15)
        network.kill(*ALL)
        cls.final = {row["id"] for row in network.records(1)}
        cls.files = load.files
        cls.beyond = network.folder / "beyond"
        shutil.copytree(network.home(1) / "chain", cls.beyond)
        for i in ALL:
            cls.restore(i, backups[i])
        cls.kept = {row["id"] for row in network.records(0)}
        cls.root = network.tip(0)[0]

    @classmethod
    def restore(cls, i, copy):
        chain = cls.network.home(i) / "chain"
        shutil.rmtree(chain)
        shutil.copytree(copy, chain)

    # What operators do

    @classmethod
    def shown(cls, home, *words):
        return hefu_json("genesis", "show", "--home", home, *words)

    def new_keys(self, number):
        """New keys in each home, named in config.ini and in the profiles of clients; the list of
        validators. They are those of another network, since `hefu key new` makes keys that take
        long to open on purpose."""
        network, spare = self.network, self.network.folder / f"spare-{number}"
        hefu("testnet", "init", "--out", spare, "--validators", 4, "--participants",
             network.folder / "participants.json")
        validators = json.loads((network.home(0) / "genesis.json").read_text())["validators"]
        for i, validator in enumerate(validators):
            keys = network.home(i) / f"keys-{number}"
            shutil.move(spare / f"node-{i}" / "keys", keys)
            shutil.move(spare / f"node-{i}" / "passphrase", keys)
            self.use_keys(i, keys.name, f"{keys.name}/passphrase")
            for field, kind in (("key", "consensus"), ("transport_key", "transport")):
                validator[field] = hefu_json("key", "show", keys / f"{kind}.key")["public_key"]
        for profile in network.profiles() + list((network.folder / "profiles").iterdir()):
            edit_ini(profile / "client.ini",
                     node_key=validators[network.node_of(profile)]["transport_key"])
        return validators

    def use_keys(self, i, folder, passphrase):
        edit_ini(self.network.home(i) / "config.ini", consensus=f"{folder}/consensus.key",
                 transport=f"{folder}/transport.key", passphrase_file=passphrase)

    def written(self, name, value):
        path = self.network.folder / name
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return path

    def make(self, i, validators, name, expect=0):
        """`hefu genesis continue` at node i; the document's path, and what was said."""
        out = self.network.folder / name
        done = hefu("genesis", "continue", "--home", self.network.home(i), "--validators",
                    self.written("validators.json", validators), "--out", out, "--format", "json",
                    expect=expect)
        return out, done

    def adopt(self, document, home, expect=0):
        return hefu("genesis", "adopt", document, "--home", home, "--format", "json",
                    expect=expect)

    def adopt_all(self, document):
        """In every home, and for the clients; all read out the same chain id."""
        for i in ALL:
            said = json.loads(self.adopt(document, self.network.home(i)).out)
            self.assertEqual(said["key"], f"validator node-{i}")
        self.adopt(document, self.observer)
        self.adopt(document, self.network.net)  # without a store, as a client has it
        ids = {self.shown(home)["chain_id"]
               for home in [self.network.home(i) for i in ALL] + [self.observer, self.network.net]}
        self.assertEqual(ids, {hefu_json("genesis", "show", document)["chain_id"]})
        self.chain_ids.append(ids.pop())

    # Checks

    def refuses(self, i, code, *words):
        """hefud does not start in node i's home, and says these words."""
        node = Process([BIN / "hefud", "--home", self.network.home(i)],
                       self.network.folder / f"refused-{i}.log")
        self.network.others.append(node)
        self.assertEqual(node.wait(20), code, node.tail())
        for word in words:
            self.assertIn(word, node.text())

    def submit(self, path, expect=0, i=0):
        return hefu("submit", path, "--client", self.network.profile_for(BANK, i), "--wait",
                    "--connect-timeout", 10, "--format", "json", expect=expect)

    def check_same(self, incarnations, lost=()):
        """All homes, the observer's too, are at one state; each chain verifies through all of its
        incarnations; every record stands in it once, but for the lost ones."""
        homes = [self.network.home(i) for i in ALL] + [self.observer]

        def same():
            tips = [hefu_json("status", "--home", home) for home in homes]
            return len({(tip["height"], tip["state_root"], tip["chain_id"]) for tip in tips}) == 1
        wait_until("all homes are at one state", 30, same)
        for home in homes:
            found = self.network.check_clean(home)
            self.assertEqual(found["incarnations"], incarnations, home)
            self.assertGreater(found["epochs"], incarnations - 1)
        for level in ("headers", "signatures"):
            self.assertEqual(hefu_json("verify", "--level", level, "--home", homes[0])["result"],
                             "clean")
        for i in ALL:
            self.network.check_books(i)
            self.assertEqual(self.network.alarms(i), [])
            self.assertEqual(hefu_json("status", "--home", homes[i])["incarnation"],
                             incarnations - 1)
        ids = [row["id"] for row in self.network.records(0)]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertEqual(set(ids) & set(lost), set())
        return ids

    def batch_at(self, heights):
        """The id of a batch of records in the last of these blocks that has one."""
        blocks = hefu_json("block", "list", "--from", 0, "--home", self.network.home(0))
        at = max(b["height"] for b in blocks if b["records"] > 0 and b["height"] in heights)
        return hefu_json("block", "show", at, "--batches", "--home",
                         self.network.home(0))[0]["batch"]

    # The story

    def test_story(self):
        lost = self.final - self.kept
        self.assertGreater(len(lost), 0)
        self.assertGreater(len(self.kept), 0)
        heights = [self.network.tip(i)[0] for i in ALL]
        print(f"backups end at {heights}; {len(self.kept)} records kept, {len(lost)} lost",
              flush=True)
        self.assertEqual(max(heights), self.root)
        self.assertLess(min(heights), self.root)

        old = json.loads((self.network.home(0) / "genesis.json").read_text())["validators"]
        validators = self.new_keys(1)
        self.wrong_documents(old, validators)
        document, done = self.make(0, validators, "genesis.new.json")
        said = json.loads(done.out)
        self.assertEqual((said["incarnation"], said["root_height"], said["root_chain_id"]),
                         (1, self.root, self.chain_ids[0]))
        self.make(0, validators, "genesis.new.json", expect=USAGE)  # never replaced
        self.beyond_the_root(validators, document)
        self.adopt_all(document)
        self.adopted_again(document)
        self.wrong_homes()
        self.first_start()
        self.check_same(2, lost)
        self.what_is_taken(lost)
        self.receipts()
        ids = self.check_same(2)
        self.assertEqual(self.final - set(ids), set())
        self.second(ids)

    def wrong_documents(self, old, validators):
        """What nobody should make."""
        _, done = self.make(0, old, "none.json", expect=USAGE)
        self.assertIn("make a new consensus key", done.err)
        _, done = self.make(0, [validators[0] | {"participant": 9999}] + validators[1:],
                            "none.json", expect=USAGE)
        self.assertIn("validators[0]: participant 9999 is not registered", done.err)
        _, done = self.make(0, [validators[0] | {"key": "77"}] + validators[1:], "none.json",
                            expect=USAGE)
        self.assertIn("validators[0].key: expected 64 hexadecimal digits", done.err)
        _, done = self.make(0, {"name": "node-0"}, "none.json", expect=USAGE)
        self.assertIn('there is no "validators" in it', done.err)
        _, done = self.make(0, "[{", "none.json", expect=USAGE)
        self.assertIn("not JSON", done.err)
        self.assertFalse((self.network.folder / "none.json").exists())

    def beyond_the_root(self, validators, document):
        """A root that is not the highest is refused by who has more, with what would be lost; one
        that the store does not have, too."""
        low, _ = self.make(3, validators, "genesis.low.json")
        done = self.adopt(low, self.network.home(0), expect=INTEGRITY)
        behind = self.root - self.network.tip(3)[0]
        records = records_at(self.network, 0) - records_at(self.network, 3)
        self.assertIn(f"{behind} final blocks", done.err)
        self.assertIn(f"{records} records, would be lost", done.err)
        wrong = json.loads(document.read_text())
        wrong["root"]["hash"] = "77" * 32
        done = self.adopt(self.written("wrong.json", wrong), self.network.home(0), expect=INTEGRITY)
        self.assertIn("another block at the root's height", done.err)
        for change in ({"empty_interval_ms": 1}, {"delta_ms": 1}):
            wrong = json.loads(document.read_text())
            wrong["consensus"] |= change
            done = self.adopt(self.written("wrong.json", wrong), self.network.home(0), expect=USAGE)
            self.assertIn("consensus: it is not incarnation 0's", done.err)
        wrong = json.loads(document.read_text())
        wrong["created_ms"] += 3600 * 1000
        done = self.adopt(self.written("wrong.json", wrong), self.network.home(0), expect=USAGE)
        self.assertIn("seconds after this machine's clock", done.err)
        wrong = json.loads(document.read_text())
        wrong["root"]["epoch"] += 1
        self.adopt(self.written("wrong.json", wrong), self.network.home(0), expect=USAGE)
        wrong["incarnation"] = 2
        done = self.adopt(self.written("wrong.json", wrong), self.network.home(0), expect=USAGE)
        self.assertIn("is of incarnation 2", done.err)
        self.assertFalse((self.network.home(0) / "genesis.0.json").exists())

    def adopted_again(self, document):
        """Adopting is idempotent, also after a crash between its two steps, and of a document that
        lies where the one before it goes; another of the same incarnation is told apart."""
        home = self.network.home(2)
        said = json.loads(self.adopt(document, home).out)
        self.assertEqual(said["adopted"], "yes, as it was before")
        shutil.copy(home / "genesis.0.json", home / "genesis.json")
        self.adopt(document, home)
        shutil.move(home / "genesis.0.json", home / "genesis.json")
        shutil.copy(document, home / "genesis.0.json")
        self.adopt(home / "genesis.0.json", home)
        other = json.loads(document.read_text())
        other["created_ms"] += 1
        done = self.adopt(self.written("wrong.json", other), home, expect=USAGE)
        self.assertIn("another document of incarnation 1", done.err)
        lineage = self.shown(home, "--lineage")
        self.assertEqual([row["chain_id"] for row in lineage], self.chain_ids)
        validators = self.shown(home, "--validators")
        self.assertEqual([row["name"] for row in validators], [f"node-{i}" for i in ALL])
        _, done = self.make(2, validators, "none.json", expect=USAGE)
        self.assertIn("is of incarnation 0, and genesis.json of incarnation 1", done.err)
        self.adopt(self.network.folder / "none.json", home, expect=NOT_FOUND)

    def wrong_homes(self):
        """What does not start."""
        home = self.network.home(0)
        self.use_keys(0, "keys", "passphrase")
        said = json.loads(self.adopt(home / "genesis.json", home).out)
        self.assertIn("NOT in the document", said["key"])
        self.refuses(0, INTEGRITY, "keys/consensus.key.register", "belongs to the chain")
        self.use_keys(0, "keys-1", "keys-1/passphrase")
        own = home / "keys-1" / "consensus.key.register"
        shutil.move(own, home / "kept.register")
        shutil.copy(home / "keys" / own.name, own)
        self.refuses(0, INTEGRITY, "keys-1/consensus.key.register", "another key")
        shutil.move(home / "kept.register", own)

        earlier, newest = home / "genesis.0.json", home / "genesis.json"
        texts = earlier.read_text(), newest.read_text()
        earlier.unlink()
        self.refuses(0, USAGE, "genesis.0.json: there is no such file")
        hefu("status", "--home", home, expect=NOT_FOUND)
        earlier.write_text(texts[1])
        newest.write_text(texts[0])
        self.refuses(0, INTEGRITY)
        newest.write_text(texts[1])
        done = hefu("verify", "--home", home, expect=USAGE)
        self.assertIn("incarnation: 1, where the document of incarnation 0 stands", done.err)
        changed = json.loads(texts[0])
        changed["created_ms"] += 1
        earlier.write_text(json.dumps(changed))
        self.refuses(0, USAGE, "root.chain_id")
        earlier.write_text(texts[0])
        newest.write_text(texts[1])

        # Another document with the same root: its chain id is what operators compare.
        other = self.network.folder / "other"
        shutil.copytree(home, other, ignore=shutil.ignore_patterns("keys*", "*.sock"))
        changed = json.loads(texts[1])
        changed["created_ms"] += 1
        (other / "genesis.json").write_text(json.dumps(changed))
        self.assertNotEqual(self.shown(other)["chain_id"], self.chain_ids[1])
        changed["root"]["height"] += 1
        (other / "genesis.json").write_text(json.dumps(changed))
        hefu("status", "--home", other)  # a store below the root is still one of incarnation 0
        changed["root"]["chain_id"] = "77" * 32
        (other / "genesis.json").write_text(json.dumps(changed))
        done = hefu("status", "--home", other, expect=USAGE)
        self.assertIn("root.chain_id", done.err)

        # A store that goes beyond the root, put there after the document was adopted.
        kept = self.network.folder / "kept-1"
        shutil.move(self.network.home(1) / "chain", kept)
        shutil.copytree(self.beyond, self.network.home(1) / "chain")
        self.refuses(1, INTEGRITY, f"beyond block {self.root}")
        self.restore(1, kept)

    def first_start(self):
        """All start, one of them only after a kill -9 in its first start; an observer from block 0.
        Clients of the old document are not let in."""
        network = self.network
        found = network.check_clean(network.home(3))  # behind the root, and read as what it is
        self.assertEqual(found["incarnations"], 1)
        network.start(1)
        time.sleep(random.uniform(0.0, 0.8))
        network.kill(1)
        network.start()
        network.spawn("observer", BIN / "hefud", "--home", self.observer)
        network.wait_ready()
        done = self.adopt(network.net / "genesis.json", network.home(1), expect=USAGE)
        self.assertIn("a node runs on this home", done.err)
        stale = network.folder / "stale"
        shutil.copytree(network.client(BANK), stale)
        shutil.copy(network.net / "genesis.0.json", stale / "genesis.json")
        edit_ini(stale / "client.ini", genesis=stale / "genesis.json",
                 address=f"tcp://127.0.0.1:{network.port}")
        hefu("status", "--client", stale, expect=UNREACHABLE)

    def what_is_taken(self, lost):
        """What was final before the root stays taken; what was lost posts, and once; a batch that
        is signed for the old chain is refused by the name of its field."""
        whole = [path for path in self.files if {r["id"] for r in read_csv(path)} <= self.kept]
        gone = [path for path in self.files if {r["id"] for r in read_csv(path)} <= lost]
        self.assertIn("already submitted", self.submit(whole[0], expect=1).err)
        again = write_csv(self.network.folder / "again.csv", read_csv(whole[-1])[:1])
        self.submit(again, expect=1)
        self.assertEqual(read_csv(f"{again}.rejects.csv")[0]["name"], "EXISTS")
        for path in self.files:
            self.submit(path, expect={0, 1}, i=3)
        self.assertIn("already submitted", self.submit(gone[0], expect=1).err)

        link = peer.Peer(self.network.port)
        self.addCleanup(link.close)
        validator = json.loads((self.network.net / "genesis.json").read_text())["validators"][0]
        link.handshake(bytes.fromhex(self.chain_ids[1]), bytes.fromhex(validator["transport_key"]),
                       TRANSPORT)
        batch = peer.batch(SEED, bytes.fromhex(self.chain_ids[0]), OWN,
                           [peer.record(1, 100, OWN, 3)], int(time.time() * 1000))
        number, refused = link.submit(batch)
        self.assertEqual(number, peer.REFUSED)
        self.assertEqual((refused[1][0], refused[2][0]), (WRONG_CHAIN, b"chain_id"), refused)

    def lost_receipt(self):
        """Of a block that was final beyond the root: by the old document alone."""
        network = self.network
        old, path = network.folder / "old", network.folder / "lost.receipt"
        old.mkdir()
        shutil.copy(network.home(0) / "genesis.0.json", old / "genesis.json")
        shutil.copytree(self.beyond, old / "chain")
        blocks = hefu_json("block", "list", "--from", self.root + 1, "--home", old)
        at = max(b["height"] for b in blocks if b["records"] > 0)
        batch = hefu_json("block", "show", at, "--batches", "--home", old)[0]["batch"]
        hefu("receipt", batch, "--home", old, "--out", path)
        hefu("receipt", "--file", path, "--genesis", old / "genesis.json")
        done = hefu("receipt", "--file", path, "--genesis", network.home(0) / "genesis.json",
                    expect=INTEGRITY)
        self.assertIn("beyond the root", done.err)

    def receipts(self):
        """Before the root by its own document, or by the lineage; after it by the newest alone."""
        self.lost_receipt()
        home, folder = self.network.home(0), self.network.folder
        before, after = self.batch_at(range(self.root + 1)), self.batch_at(range(self.root + 2,
                                                                                 10**6))
        alone = folder / "alone.json"
        shutil.copy(home / "genesis.json", alone)
        profile = self.network.profile_for(BANK, 2)
        for batch, old in ((before, True), (after, False)):
            path = folder / f"{batch}.receipt"
            for source in (("--home", home), ("--client", profile)):
                path.unlink(missing_ok=True)
                hefu("receipt", batch, *source, "--out", path)
                for document, good in ((home / "genesis.json", True), (alone, not old),
                                       (home / "genesis.0.json", old)):
                    hefu("receipt", "--file", path, "--genesis", document,
                         expect=0 if good else INTEGRITY)
        block = hefu_json("block", "show", self.root + 1, "--home", home)
        self.assertIn("root block", block["final"])
        self.assertEqual((block["chain_id"], block["signatures"], block["batches"]),
                         (self.chain_ids[1], 0, 0))

    def second(self, ids):
        """Another incarnation, over the first. One node has its backup from before the first root
        again, and the observer nothing."""
        network = self.network
        network.kill(*ALL)
        for other in network.others:
            other.kill()
        self.restore(3, network.folder / "backup-3")
        shutil.rmtree(self.observer / "chain")
        heights = [network.tip(i)[0] for i in ALL]
        document, _ = self.make(heights.index(max(heights)), self.new_keys(2), "genesis.two.json")
        self.adopt_all(document)
        network.start()
        network.spawn("observer", BIN / "hefud", "--home", self.observer)
        network.wait_ready()
        rows = [row | {"id": f"{number:032x}"} for number, row in
                enumerate(read_csv(self.files[0]), 1)]
        path = write_csv(network.folder / "second.csv", rows)
        self.submit(path)
        now = self.check_same(3)
        self.assertEqual(len(now), len(ids) + len(read_csv(path)))
        self.assertEqual([row["chain_id"] for row in self.shown(self.observer, "--lineage")],
                         self.chain_ids)
        hefu("receipt", self.batch_at(range(self.root + 1)), "--home", network.home(3))
        network.stop()


if __name__ == "__main__":
    main()
