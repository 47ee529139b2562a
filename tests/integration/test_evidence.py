#!/usr/bin/env python3
"""A validator that signs twice, as a hand-made peer with a validator's keys: every node stores the
evidence, a block records it, and anyone with genesis.json can check it; what is forged is refused.
"""

import json
import struct
import unittest

import noise_peer as peer
from network import Network, hefu, hefu_json, main, purchase, wait_until, write_csv
from noise_peer import formats

FAULTY = 3  # its node never runs
SEED = bytes(range(32))
TRANSPORT = bytes(range(32, 64))
NOTARIZE, NULLIFY, FINALIZE = 1, 2, 3
INTEGRITY, USAGE, NOT_FOUND = 3, 2, 4
FRAME_VOTE, FRAME_EVIDENCE = 2, 14


def field(number, data):
    return peer.varint(number << 3 | 2) + peer.varint(len(data)) + data


class Evidence(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.network = network = Network("evidence")
        paths = [network.net / "genesis.json"] + [network.home(i) / "genesis.json"
                                                  for i in range(4)]
        for path in paths:
            genesis = json.loads(path.read_text())
            genesis["validators"][FAULTY]["key"] = formats.public_key(SEED).hex()
            genesis["validators"][FAULTY]["transport_key"] = peer.x25519(TRANSPORT).hex()
            path.write_text(json.dumps(genesis))
        cls.genesis = genesis
        network.start(0, 1, 2)
        for i in range(3):
            wait_until(f"node {i} answers", 20, lambda i=i: hefu(
                "status", "--client", network.client_of_node(i), expect=None).code == 0)
        cls.chain_id = bytes.fromhex(hefu_json("status", "--home", network.home(0))["chain_id"])
        cls.set_hash = formats.validator_set_hash(
            [(bytes.fromhex(v["key"]), bytes.fromhex(v["transport_key"]), v["participant"])
             for v in genesis["validators"]])

    def vote(self, kind, view, block, signer=FAULTY, seed=SEED):
        """A Vote message, signed with the faulty key."""
        parent_view = 0 if kind == NULLIFY else view - 1
        preimage = formats.preimage(kind, 1, view, parent_view, block, self.chain_id,
                                    self.set_hash)
        return (b"\x08" + peer.varint(kind) + b"\x15" + struct.pack("<I", signer)
                + b"\x19" + struct.pack("<Q", 1) + b"\x21" + struct.pack("<Q", view)
                + b"\x29" + struct.pack("<Q", parent_view) + field(6, block)
                + field(7, formats.sign(seed, preimage)))

    def send(self, i, *frames):
        link = peer.Peer(self.network.port + i)
        link.handshake(self.chain_id,
                       bytes.fromhex(self.genesis["validators"][i]["transport_key"]), TRANSPORT)
        for number, body in frames:
            link.send_frame(b"\x08\x01" + field(number, body), peer.CLASS_VOTE)
        self.addCleanup(link.close)
        return link

    def rows(self, i):
        return hefu_json("evidence", "list", "--home", self.network.home(i))

    def recorded(self, view):
        """The rows of the view's evidence on all nodes, once a block has recorded it."""
        def found():
            rows = [[row for row in self.rows(i) if row["view"] == view] for i in range(3)]
            return rows if all(len(r) == 1 and r[0]["height"] is not None for r in rows) else None
        return [r[0] for r in wait_until(f"the evidence of view {view} is recorded", 30, found)]

    def counter(self, i, name):
        report = hefu_json("status", "--client", self.network.client_of_node(i))
        return int(report[name])

    def test_double_votes(self):
        """One node sees both votes; all three know of it, the chain records it once for all."""
        cases = {4: (self.vote(NOTARIZE, 4, b"a" * 32), self.vote(NOTARIZE, 4, b"b" * 32),
                     ("notarize", "notarize")),
                 5: (self.vote(FINALIZE, 5, b"a" * 32), self.vote(FINALIZE, 5, b"b" * 32),
                     ("finalize", "finalize")),
                 6: (self.vote(NULLIFY, 6, bytes(32)), self.vote(FINALIZE, 6, b"b" * 32),
                     ("nullify", "finalize"))}
        self.send(0, *[(FRAME_VOTE, vote) for case in cases.values() for vote in case[:2]])
        for view, (_, _, kinds) in cases.items():
            rows = self.recorded(view)
            for row in rows:
                self.assertEqual((row["first"], row["second"]), kinds)
                self.assertEqual(row["validator"], self.genesis["validators"][FAULTY]["name"])
                self.assertEqual(row["height"], rows[0]["height"])
                self.assertEqual(row["epoch"], 1)
        self.check_offline()
        # The network goes on, its books and its proofs are whole.
        path = write_csv(self.network.folder / "after.csv", [purchase(1, "0.01")])
        hefu("submit", path, "--client", self.network.profile_for("harbour-bank", 1), "--wait",
             expect={0, 1})
        self.network.agree(0, 1, 2)
        self.network.stop(1)
        self.network.check_clean(self.network.home(1))
        self.network.start(1)

    def check_offline(self):
        """Exported, it needs nothing but genesis; a changed byte or another genesis is told."""
        home = self.network.home(2)
        genesis = self.network.net / "genesis.json"
        shown = hefu_json("evidence", "show", 1, "--home", home)
        self.assertTrue(shown["verdict"].startswith("holds"))
        self.assertEqual(shown["key"], formats.public_key(SEED).hex())
        self.check_receipt(shown["batch"], genesis)
        path = self.network.folder / "one.evidence"
        hefu("evidence", "export", 1, path, "--home", home)
        proved = hefu_json("evidence", "verify", path, "--genesis", genesis)
        for name in ("key", "view", "first", "second", "first_block", "second_block",
                     "first_signatures", "second_signatures"):
            self.assertEqual(proved[name], shown[name])
        hefu("evidence", "export", 1, path, "--home", home, expect=USAGE)  # it exists
        hefu("evidence", "show", 99, "--home", home, expect=NOT_FOUND)
        good = path.read_bytes()
        forged = self.network.folder / "forged.evidence"
        for at in range(0, len(good), 7):
            forged.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
            hefu("evidence", "verify", forged, "--genesis", genesis, expect=INTEGRITY)
        for length in (0, 10, len(good) - 1):
            forged.write_bytes(good[:length])
            hefu("evidence", "verify", forged, "--genesis", genesis, expect=INTEGRITY)
        other = self.network.folder / "other-genesis.json"
        changed = json.loads(genesis.read_text()) | {"network": "another"}
        other.write_text(json.dumps(changed))
        done = hefu("evidence", "verify", path, "--genesis", other, expect=INTEGRITY)
        self.assertIn("another chain", done.err)

    def check_receipt(self, batch, genesis):
        """The batch that recorded it, which a validator signed, has a receipt like any other."""
        path = self.network.folder / "receipt.json"
        for source in (("--client", self.network.client_of_node(1)),
                       ("--home", self.network.home(2))):
            hefu("receipt", batch, *source, "--out", path)
            hefu("receipt", batch, "--file", path, "--genesis", genesis)
        changed = json.loads(path.read_text())
        signature = changed["proof"]["batch_signature"]
        changed["proof"]["batch_signature"] = f"{int(signature[0], 16) ^ 1:x}" + signature[1:]
        path.write_text(json.dumps(changed))
        hefu("receipt", "--file", path, "--genesis", genesis, expect=INTEGRITY)

    def test_forged(self):
        """An honest validator is accused: refused, counted, the link ends; nothing is stored."""
        before = len(self.rows(0))
        refused = self.counter(0, "evidence_refused")
        accused = (self.vote(FINALIZE, 7, b"a" * 32, signer=1),
                   self.vote(FINALIZE, 7, b"b" * 32, signer=1))
        body = field(1, accused[0]) + field(2, accused[1])
        link = self.send(0, *[(FRAME_EVIDENCE, body)] * 3)
        link.wait_closed()
        self.assertEqual(self.counter(0, "evidence_refused"), refused + 3)
        self.assertEqual(len([r for r in self.rows(0) if r["view"] == 7]), 0)
        self.assertGreaterEqual(len(self.rows(0)), before)


if __name__ == "__main__":
    main()
