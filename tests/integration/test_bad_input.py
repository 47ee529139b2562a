#!/usr/bin/env python3
"""Goal: bad files of people are refused with what, where and what to do; nothing is applied.

Clearing files, client profiles, and a node's configuration, genesis, keys and register.
"""

import os
import shutil
import unittest

from network import (BIN, Network, edit_ini, hefu, hefu_json, main, purchase, read_csv,
                     wait_until, write_csv)

BANK = "harbour-bank"
USAGE, INTEGRITY, NOT_FOUND, UNREACHABLE = 2, 3, 4, 6


def flip(path, offset):
    """One bit of one byte."""
    with open(path, "r+b") as file:
        file.seek(offset, os.SEEK_SET if offset >= 0 else os.SEEK_END)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))


def replace(path, old, new):
    text = path.read_text()
    assert old in text, f"{path} does not contain {old!r}"
    path.write_text(text.replace(old, new, 1))


class BadInput(unittest.TestCase):
    """One network that runs, and must run on."""

    @classmethod
    def setUpClass(cls):
        cls.spare = Network("bad-input-spare", validators=1)
        cls.network = network = Network("bad-input")
        network.start()
        network.wait_ready()
        path = write_csv(network.folder / "funding.csv", [
            {"id": f"{n:032x}", "kind": "FUND", "payee": n, "amount": "1000000.00",
             "currency": "CNY", "business_date": "2026-11-23", "match_key": f"{n:032x}"}
            for n in range(1, 9)])
        hefu("submit", path, "--client", network.client("settlement-agent"), "--wait")
        cls.profile = network.client(BANK)

    def setUp(self):
        self.records = self.count()

    def tearDown(self):
        self.assertEqual(self.network.running(), [0, 1, 2, 3])

    def count(self):
        """Of the records that are final, on all nodes: node 0 may be the last to have them."""
        self.network.agree()
        return hefu_json("status", "--home", self.network.home(0))["total_records"]

    def submit(self, path, *options, expect=0, profile=None):
        return hefu("submit", path, "--client", profile or self.profile, "--wait", *options,
                    expect=expect)

    # Clearing files

    def test_bad_lines(self):
        good = purchase(1, salt=21)
        cells = [str(good.get(c, "")) for c in ("id", "kind", "scheme", "payer", "payee", "amount",
                                                "currency", "business_date", "match_key")]
        bad = [
            ({"amount": "12.345"}, 6, "amount: expected at most 2 decimals, as CNY has"),
            ({"amount": "12,50"}, 6, 'amount: expected a decimal number'),
            ({"amount": "-1.00"}, 6, 'amount: expected a decimal number'),
            ({"amount": ""}, 6, 'amount: expected a value, which every CLEAR has'),
            ({"amount": "1e3"}, 6, 'amount: expected a decimal number'),
            ({"amount": "9" * 30}, 6, "amount: expected less than 10^18"),
            ({"currency": "USD"}, 7, "currency: expected a currency of this network"),
            ({"currency": ""}, 7, "currency: expected a currency of this network"),
            ({"business_date": "23.11.2026"}, 8, "business_date: expected a date such as"),
            ({"business_date": "2026-02-30"}, 8, "business_date: expected a date such as"),
            ({"payer": "999999"}, 4, "payer: expected a participant's number, BIC"),
            ({"payee": "Nobody Bank"}, 5, "payee: expected a participant's number, BIC"),
            ({"payer": ""}, 4, "payer: expected a value, which every CLEAR has"),
            ({"scheme": "no such scheme"}, 3, "scheme: expected a scheme's number or name"),
            ({"kind": "STEAL"}, 2, "kind: expected a kind such as"),
            ({"id": "xyz"}, 1, "id: expected 32 hexadecimal digits or a UUID"),
            ({"match_key": "1"}, 9, "match_key: expected 32 hexadecimal digits"),
        ]
        rows = [good]
        rows += [good | {"id": f"{0xbad0 + n:032x}"} | change
                 for n, (change, _, _) in enumerate(bad)]
        rows += [cells + ["one too many"], cells[:-1]]
        bad += [(None, 10, "expected 9 columns as in the header, found 10"),
                (None, None, "expected 9 columns as in the header, found 8")]
        rows += [purchase(2, salt=21)]
        path = write_csv(self.network.folder / "lines.csv", rows)

        done = self.submit(path, expect=USAGE)
        lines = done.err.splitlines()
        for at, (_, column, text) in enumerate(bad):
            place = f"{path}:{at + 3}:" + (f"{column}: " if column else "")
            self.assertTrue(any(place in line and text in line for line in lines),
                            f"{place} {text} is not in:\n{done.err}")
        self.assertIn(f"{len(bad)} bad lines, nothing was sent", done.err)
        self.assertIn("--skip-bad", done.err)
        self.assertEqual(self.count(), self.records)
        self.assertFalse(path.with_name("lines.csv.rejects.csv").exists())

        self.submit(path, "--skip-bad", expect=1)
        self.assertEqual(self.count(), self.records + 2)
        rejects = read_csv(str(path) + ".rejects.csv")
        self.assertEqual([(r["line"], r["name"]) for r in rejects],
                         [(str(at + 3), "BAD_LINE") for at in range(len(bad))])
        for reject, (_, _, text) in zip(rejects, bad):
            self.assertIn(text, reject["sentence"])
        self.assertIn("POSTED", hefu("record", "show", good["id"], "--home",
                                     self.network.home(0)).out)

    def test_bad_files(self):
        folder = self.network.folder
        header = ",".join(("kind", "payer", "payee", "amount", "currency", "business_date"))
        line = "CLEAR,4,3,1.00,CNY,2026-11-23\n"
        cases = {
            "empty": (b"", "empty.csv"),
            "unknown-column": (f"{header},colour\n".encode(), ':1:7: header: there is no column '
                               '"colour"'),
            "missing-column": (b"kind,payer\n", "header: column currency is missing"),
            "double-column": (f"{header},payer\n".encode(), ":1:7: header: column payer stands "
                              "twice"),
            "open-quote": (f'{header}\n"{line}'.encode(), ":2:"),
            "binary": (bytes(range(256)) * 40, "binary.csv"),
            "only-header": (f"{header}\n".encode(), "there is no record after the header line"),
            "long-line": (f"{header}\n{'9' * 2_000_000}\n".encode(), ":2:"),
            "zero-bytes": (f"{header}\n{line}".encode() + bytes(100), "zero-bytes.csv:"),
        }
        for name, (data, text) in cases.items():
            with self.subTest(name):
                path = folder / f"{name}.csv"
                path.write_bytes(data)
                done = self.submit(path, "--scheme", "debit purchase", expect={1, USAGE})
                self.assertIn(text, done.err)
                self.assertIn(path.name, done.err)
        done = self.submit(folder / "not-there.csv", expect={USAGE, NOT_FOUND})
        self.assertIn("not-there.csv", done.err)
        done = self.submit(folder, expect=USAGE)
        self.assertIn(str(folder), done.err)
        self.assertEqual(self.count(), self.records)

    # A client's profile

    def check_profile(self, damage, text, expect=USAGE):
        """A copy of the profile, damaged: the command says where and what, and sends nothing."""
        copy = self.network.folder / "damaged"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.network.profile_for(BANK, 0), copy)
        shutil.copy(self.network.net / "genesis.json", copy)
        edit_ini(copy / "client.ini", genesis="genesis.json")
        damage(copy)
        path = write_csv(self.network.folder / "profile.csv", [purchase(1, salt=22)])
        done = self.submit(path, "--connect-timeout", 1, expect=expect, profile=copy)
        self.assertIn(text, done.err)
        self.assertEqual(done.out, "")

    def test_damaged_profiles(self):
        cases = {
            "no key": (lambda c: (c / "keys/participant.key").unlink(), "keys/participant.key"),
            "flipped key": (lambda c: flip(c / "keys/participant.key", -20),
                            "keys/participant.key"),
            "truncated key": (lambda c: os.truncate(c / "keys/participant.key", 70),
                              "keys/participant.key"),
            "empty key": (lambda c: os.truncate(c / "keys/participant.key", 0),
                          "keys/participant.key"),
            "another kind of key": (lambda c: shutil.copy(c / "keys/transport.key",
                                                          c / "keys/participant.key"),
                                    "keys/participant.key"),
            "readable key": (lambda c: os.chmod(c / "keys/participant.key", 0o644),
                             "keys/participant.key"),
            "wrong passphrase": (lambda c: (c / "passphrase").write_text("wrong\n"), "passphrase"),
            "no passphrase": (lambda c: (c / "passphrase").unlink(), "passphrase"),
            "no client.ini": (lambda c: (c / "client.ini").unlink(), "client.ini"),
            "unknown setting": (lambda c: replace(c / "client.ini", "roles =", "rolls ="),
                                "client.ini:5"),
            "bad number": (lambda c: edit_ini(c / "client.ini", participant="three"),
                           "client.ini:3"),
            "bad node key": (lambda c: edit_ini(c / "client.ini", node_key="12"), "client.ini:7"),
            "no genesis": (lambda c: (c / "genesis.json").unlink(), "genesis.json"),
            "half a genesis": (lambda c: os.truncate(c / "genesis.json", 3000), "genesis.json:"),
            "a wrong member": (lambda c: replace(c / "genesis.json", '"epoch', '"apoch')
                               if '"epoch' in (c / "genesis.json").read_text() else
                               replace(c / "genesis.json", '"validators"', '"validatorz"'),
                               "genesis.json"),
        }
        for name, (damage, text) in cases.items():
            with self.subTest(name):
                self.check_profile(damage, text)
        with self.subTest("another network's genesis"):
            self.check_profile(lambda c: replace(c / "genesis.json", "hefu-testnet",
                                                 "hefu-another"), "closed the handshake",
                               UNREACHABLE)
        self.assertEqual(self.count(), self.records)

    def test_node_not_there(self):
        self.check_profile(lambda c: edit_ini(c / "client.ini", address="tcp://127.0.0.1:9"),
                           "tcp://127.0.0.1:9", UNREACHABLE)

    def test_node_not_there_yet(self):
        """The first connection is tried for a while: the file goes to a node that comes later."""
        self.network.kill(3)
        path = write_csv(self.network.folder / "early.csv", [purchase(1, salt=0x77)])
        client = self.network.spawn("early", BIN / "hefu", "submit", path, "--client",
                                    self.network.profile_for(BANK, 3), "--wait")
        wait_until("it says that it waits", 10, lambda: "does not answer yet" in client.text())
        self.network.start(3)
        self.assertEqual(client.wait(30), 0, client.tail())
        self.records = self.count()

    # A node's home

    def check_home(self, name, damage, text, expect):
        """A node whose home is damaged before its first start says so and ends."""
        home = self.network.folder / "spare" / name.replace(" ", "-")
        shutil.copytree(self.spare.home(0), home)
        damage(home)
        node = self.network.spawn(name.replace(" ", "-"), BIN / "hefud", "--home", home)
        code = node.wait(20)
        self.assertIn(text, node.text())
        self.assertEqual(code, expect, node.text())
        self.assertIn("hefud: ", node.text().splitlines()[-1])

    def test_damaged_homes(self):
        cases = {
            "no config": (lambda h: (h / "config.ini").unlink(), "config.ini", USAGE),
            "unknown key": (lambda h: replace(h / "config.ini", "map_size", "mop_size"),
                            "config.ini:6", USAGE),
            "unknown section": (lambda h: replace(h / "config.ini", "[limits]", "[limit]"),
                                "config.ini:", USAGE),
            "bad size": (lambda h: edit_ini(h / "config.ini", map_size="much"), "config.ini:6",
                         USAGE),
            "bad address": (lambda h: edit_ini(h / "config.ini", listen="here"), "config.ini:5",
                            USAGE),
            "no genesis": (lambda h: (h / "genesis.json").unlink(), "genesis.json", USAGE),
            "half a genesis": (lambda h: os.truncate(h / "genesis.json", 2000), "genesis.json:",
                               USAGE),
            "another genesis": (lambda h: shutil.copy(self.network.net / "genesis.json", h),
                                "consensus.key", INTEGRITY),
            "no key": (lambda h: (h / "keys/consensus.key").unlink(), "consensus.key", USAGE),
            "flipped key": (lambda h: flip(h / "keys/consensus.key", -20), "consensus.key",
                            INTEGRITY),
            "truncated key": (lambda h: os.truncate(h / "keys/transport.key", 60),
                              "transport.key", USAGE),
            "readable key": (lambda h: os.chmod(h / "keys/consensus.key", 0o644), "consensus.key",
                             INTEGRITY),
            "no passphrase": (lambda h: (h / "passphrase").unlink(), "passphrase", USAGE),
            "no register": (lambda h: (h / "keys/consensus.key.register").unlink(),
                            "--rejoin", INTEGRITY),
            "empty register": (lambda h: os.truncate(h / "keys/consensus.key.register", 0),
                               "consensus.key.register", INTEGRITY),
            "short register": (lambda h: os.truncate(h / "keys/consensus.key.register", 5000),
                               "consensus.key.register", INTEGRITY),
            "another register": (lambda h: shutil.copy(
                self.network.home(1) / "keys/consensus.key.register", h / "keys"),
                "consensus.key.register", INTEGRITY),
            "no home": (shutil.rmtree, "config.ini", USAGE),
        }
        for name, (damage, text, expect) in cases.items():
            with self.subTest(name):
                self.check_home(name, damage, text, expect)

    def test_two_processes_of_one_home(self):
        """The second refuses: a key must not sign for two."""
        second = self.network.spawn("second", BIN / "hefud", "--home", self.network.home(0))
        self.assertEqual(second.wait(20), INTEGRITY, second.text())
        self.assertIn("consensus.key.register", second.text())
        # Nor from a copy of the home that uses the same register.
        copy = self.network.folder / "second-home"
        shutil.copytree(self.network.home(0), copy, ignore=shutil.ignore_patterns("*.sock"))
        shutil.rmtree(copy / "keys")
        (copy / "keys").symlink_to(self.network.home(0) / "keys")
        second = self.network.spawn("second-copy", BIN / "hefud", "--home", copy)
        self.assertEqual(second.wait(20), INTEGRITY, second.text())
        self.assertIn("another process", second.text())
        path = write_csv(self.network.folder / "still.csv", [purchase(1, salt=23)])
        hefu("submit", path, "--client", self.network.profile_for(BANK, 0), "--wait")
        wait_until("node 0 is alone and well", 5, lambda: self.count() > self.records)

    def test_a_port_in_use(self):
        """Said with the address and the setting to change; the register is not the reason."""
        self.check_home("port in use", lambda h: edit_ini(
            h / "config.ini", listen=f"tcp://127.0.0.1:{self.network.port}"),
            f"cannot listen on tcp://127.0.0.1:{self.network.port}", USAGE)


if __name__ == "__main__":
    main()
