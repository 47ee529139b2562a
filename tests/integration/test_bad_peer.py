#!/usr/bin/env python3
"""Goal: whatever comes over TCP that should not, the node closes the link or refuses with a code
and a sentence, a counter moves, and nothing else happens: the network goes on.

A hand-made peer (noise_peer.py) has the keys of one participant, put into genesis.json before the
first start, so that it can also say wrong things over an authenticated link.
"""

import json
import os
import struct
import time
import unittest

import noise_peer as peer
from network import Network, hefu, main, purchase, read_csv, wait_until, write_csv

OWN = 4  # Lotus Bank
SEED = bytes(range(32))
TRANSPORT = bytes(range(32, 64))
HANDSHAKE_SECONDS = 5
# base/status.h
OVERSIZED, WRONG_CHAIN, BAD_SIGNATURE, BAD_HASH, EXPIRED, DENIED = 3, 6, 7, 8, 12, 16


class BadPeer(unittest.TestCase):
    """One network for all: after each test it must still take and settle a good batch."""

    @classmethod
    def setUpClass(cls):
        cls.network = network = Network("bad-peer")
        for path in [network.net / "genesis.json"] + [network.home(i) / "genesis.json"
                                                      for i in range(4)]:
            genesis = json.loads(path.read_text())
            own = next(p for p in genesis["participants"] if p["number"] == OWN)
            own["transport_key"] = peer.x25519(TRANSPORT).hex()
            own["keys"][0]["key"] = peer.formats.public_key(SEED).hex()
            path.write_text(json.dumps(genesis))
        network.start()
        network.wait_ready()
        path = write_csv(network.folder / "funding.csv", [
            {"id": f"{1:032x}", "kind": "FUND", "payee": 3, "amount": "1000000.00",
             "currency": "CNY", "business_date": "2026-11-23", "match_key": f"{1:032x}"}])
        hefu("submit", path, "--client", network.client("settlement-agent"), "--wait")
        cls.node_key = bytes.fromhex(genesis["validators"][0]["transport_key"])
        text = hefu("status", "--home", network.home(0), "--format", "json").out
        cls.chain_id = bytes.fromhex(json.loads(text)["chain_id"])
        cls.numbers = iter(range(10**6))

    def setUp(self):
        self.before = self.counters()

    def tearDown(self):
        """All four run, nothing alarms, and a record sent now becomes final."""
        network = self.network
        self.assertEqual(network.running(), [0, 1, 2, 3])
        number = next(self.numbers)
        path = write_csv(network.folder / f"after-{number}.csv",
                         [purchase(number, "0.01", payer=4, payee=3)])
        hefu("submit", path, "--client", network.profile_for("harbour-bank", 0), "--wait",
             expect={0, 1})
        for i in range(4):
            self.assertEqual(network.alarms(i), [])

    def connect(self):
        link = peer.Peer(self.network.port)
        self.addCleanup(link.close)
        return link

    def authenticated(self, secret=TRANSPORT, node_key=None, chain_id=None):
        link = self.connect()
        link.handshake(chain_id or self.chain_id, node_key or self.node_key, secret)
        return link

    def counters(self):
        link = self.authenticated()
        number, report = link.ask(peer.NODE_STATUS, b"")
        link.close()
        self.assertEqual(number, peer.STATUS_REPORT)
        fields = [peer.decode(counter) for counter in report[14]]
        return {field[1][0].decode(): field[2][0] for field in fields}

    def moved(self, name, by=1):
        """The counter goes up by so much, no later than the node notices the end of a link."""
        wait_until(f"counter {name} moves by {by}", 5,
                   lambda: self.counters()[name] >= self.before[name] + by)

    # Before and during the handshake

    def test_garbage(self):
        for length in (48, 200, 70000):
            link = self.connect()
            try:
                link.send_raw(os.urandom(length))
            except peer.Closed:
                pass
            self.assertEqual(link.wait_closed(), b"")
        self.moved("links_failed_handshake", 3)

    def test_partial_handshake(self):
        links = [self.connect() for _ in range(3)]
        for link, length in zip(links, (0, 1, 47)):
            link.send_raw(bytes(length))
        started = time.monotonic()
        for link in links:
            self.assertEqual(link.wait_closed(), b"")
        self.assertLess(time.monotonic() - started, HANDSHAKE_SECONDS + 2)
        self.moved("links_failed_handshake", 3)

    def test_stranger(self):
        link = self.authenticated(secret=os.urandom(32))
        self.assertEqual(link.wait_closed(), b"")
        self.moved("links_stranger")

    def test_wrong_chain(self):
        with self.assertRaises(peer.Closed):
            self.authenticated(chain_id=bytes(32))
        self.moved("links_failed_handshake")

    def test_wrong_node_key(self):
        with self.assertRaises(peer.Closed):
            self.authenticated(node_key=peer.x25519(os.urandom(32)))
        self.moved("links_failed_handshake")

    def test_keys_of_low_order(self):
        link = self.connect()
        link.send_raw(bytes(48))
        self.assertEqual(link.wait_closed(), b"")
        self.moved("links_failed_handshake")

    def test_replayed_handshake(self):
        recorded = self.authenticated().sent
        link = self.connect()
        link.send_raw(recorded[:48])
        link.receive_raw(48)
        link.send_raw(recorded[48:])
        self.assertEqual(link.wait_closed(), b"")
        self.moved("links_failed_handshake")

    # Over an authenticated link

    def end_of(self, link):
        """Reads on until the node's close message or the end of the stream."""
        try:
            while True:
                link.receive_message()
        except peer.Closed:
            pass

    def test_forged_message(self):
        link = self.authenticated()
        link.send_raw(os.urandom(64))
        self.end_of(link)
        self.moved("links_forged")

    def test_replayed_message(self):
        link = self.authenticated()
        before = len(link.sent)
        link.ask(peer.NODE_STATUS, b"")
        link.send_raw(link.sent[before:])
        self.end_of(link)
        self.moved("links_forged")

    def test_bad_frames(self):
        bad = {
            "a class that does not exist": struct.pack("<BI", 9, 4) + b"abcd",
            "an empty frame": struct.pack("<BI", peer.CLASS_QUERY, 0),
            "a ping with a length": struct.pack("<BI", peer.PING, 1) + b"a",
            "a frame of 4 GiB": struct.pack("<BI", peer.CLASS_BATCH, 2**32 - 1) + bytes(
                peer.BODY_MAX - 5),
            "a batch above 2 MiB": struct.pack("<BI", peer.CLASS_BATCH, 2**21 + 1) + bytes(
                peer.BODY_MAX - 5),
            "a vote from a client": struct.pack("<BI", peer.CLASS_VOTE, 4) + b"vote",
            "a continuation of nothing": struct.pack("<BI", 128 | peer.CLASS_QUERY, 4) + b"more",
            "an unfinished piece in a short message":
                struct.pack("<BI", peer.CLASS_QUERY, 100) + b"few",
            "half a piece's head": b"\4\1",
        }
        for what, body in bad.items():
            with self.subTest(what):
                link = self.authenticated()
                link.send_message(body)
                self.end_of(link)
        self.moved("links_bad_frame", len(bad))

    def test_partial_frame(self):
        link = self.authenticated()
        link.send_message(struct.pack("<BI", peer.CLASS_BATCH, 100000) + bytes(peer.BODY_MAX - 5))
        started = time.monotonic()
        self.end_of(link)  # it pings meanwhile, and we do not
        self.assertLess(time.monotonic() - started, 8)

    def test_frames_that_are_no_message(self):
        for frame in (b"\x08\x02", b"garbage" * 9, b"\x08\x01\x11" + bytes(8),
                      b"\x08\x01\x11" + bytes(8) + b"\x3a\x00", b"\x08\x01" * 1000):
            with self.subTest(frame[:16]):
                link = self.authenticated()
                link.send_frame(frame, peer.CLASS_QUERY)
                self.end_of(link)
        self.moved("frames_refused", 5)

    # Batches

    def batch(self, count=3, seed=SEED, participant=OWN, age_ms=0, **changes):
        records = [peer.record(next(self.numbers), 100, 3, 4) for _ in range(count)]
        return peer.batch(seed, changes.pop("chain_id", self.chain_id), participant, records,
                          int(time.time() * 1000) - age_ms, **changes)

    def refusal(self, batch):
        number, answer = self.link.submit(batch)
        self.assertEqual(number, peer.REFUSED, answer)
        return answer[1][0], answer[3][0].decode()

    def test_batches(self):
        self.link = self.authenticated()
        number, answer = self.link.submit(self.batch())
        self.assertEqual(number, peer.ACCEPTED, answer)
        refused = [
            (self.batch(seed=bytes(32)), BAD_SIGNATURE, "not signed by the participant's key"),
            (self.batch(chain_id=bytes(32)), WRONG_CHAIN, "another chain"),
            (self.batch(age_ms=2 * 3600 * 1000), EXPIRED, "expires_ms of the batch is past"),
            (self.batch(records_root=bytes(32)), BAD_HASH, "do not match records_root"),
            (self.batch(count=1, key_no=7), DENIED, "no such key"),
            (self.batch(count=1, participant=9999), DENIED, "no such key"),
            (self.batch(count=1)[:-1], None, ""),
            (self.batch(count=1) + b"1", None, ""),
            (self.batch(count=1, kind=9), None, ""),
            (self.batch(count=1, version=2), None, ""),
            (self.batch(count=1, parts=1, part=1), None, ""),
        ]
        for at, (batch, code, sentence) in enumerate(refused):
            with self.subTest(at):
                found = self.refusal(batch)
                self.assertNotEqual(found[1], "")
                if code is not None:
                    self.assertEqual(found[0], code, found)
                    self.assertIn(sentence, found[1])
        self.moved("batches_refused", len(refused))
        # The link was open all the time, and still takes a good one.
        number, answer = self.link.submit(self.batch())
        self.assertEqual(number, peer.ACCEPTED, answer)

    def test_empty_batch(self):
        """No correct program sends one: not even the frame is accepted."""
        link = self.authenticated()
        with self.assertRaises(peer.Closed):
            link.submit(self.batch(count=0))
        self.moved("frames_refused")

    def test_oversized_batch(self):
        """A header that announces 8,193 records is refused before its body is looked at."""
        self.link = self.authenticated()
        batch = self.batch(count=1)
        header = bytearray(batch[:192])
        offset, width = peer.formats.BATCH.fields["count"]
        header[offset : offset + width] = (8193).to_bytes(width, "little")
        signature = peer.formats.sign(SEED, peer.formats.batch_signed(bytes(header)))
        found = self.refusal(bytes(header) + signature + batch[256:] * 2)
        self.assertEqual(found[0], OVERSIZED, found)
        self.assertIn("at most 8,192 records", found[1])

    # The same by the programs of the house

    def test_profile_with_another_key(self):
        profile = self.network.profile_for("red-maple-bank", 0)
        key = profile / "keys" / "participant.key"
        key.unlink()
        hefu("key", "new", key, "--passphrase-file", profile / "passphrase")
        path = write_csv(self.network.folder / "wrong-key.csv", [purchase(1, salt=77)])
        done = hefu("submit", path, "--client", profile, "--wait", expect=2)
        self.assertIn("BAD_SIGNATURE", done.err)
        self.assertIn("check the key file", done.err)

    def test_profile_of_another_network(self):
        other = Network("bad-peer-other", validators=1)
        profile = other.profile_for("harbour-bank", 0)
        text = (profile / "client.ini").read_text()
        address = f"tcp://127.0.0.1:{self.network.port}"
        for key, value in (("address", address), ("node_key", self.node_key.hex())):
            line = next(row for row in text.splitlines() if row.startswith(f"{key} "))
            text = text.replace(line, f"{key} = {value}")
        (profile / "client.ini").write_text(text)
        path = write_csv(self.network.folder / "other-chain.csv", [purchase(1, salt=78)])
        done = hefu("submit", path, "--client", profile, "--wait", expect=6)
        self.assertIn(address, done.err)
        self.assertIn("closed the handshake", done.err)
        self.moved("links_failed_handshake")
        self.assertEqual(read_csv(path)[0]["id"] in
                         {row["id"] for row in self.network.records(0, accepted_only=False)}, False)


if __name__ == "__main__":
    main()
