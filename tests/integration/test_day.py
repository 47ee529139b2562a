#!/usr/bin/env python3
"""Goal: a generated day cleared by four validators ends the same on each, verifies, and adds up.

What it must add up to is computed here from the input files alone, by the meaning of their columns
in docs/integrating.md, and compared to the last fen with net positions, statements and the
generator's own expected.csv.
"""

import collections
import shutil
import subprocess
import unittest

from network import (BIN, Network, environment, fen, generate_day, hefu, hefu_json, main,
                     read_csv)

RECORDS = 20000
SEED = 71
NETWORK = 2  # the participant that the card schemes pay their fees to


class Totals:
    """Per participant: credits and debits of POSITION; SETTLEMENT's in, out and funded."""

    def __init__(self):
        self.credits, self.debits = collections.Counter(), collections.Counter()
        self.gross_in, self.gross_out = collections.Counter(), collections.Counter()
        self.funded, self.fees = collections.Counter(), collections.Counter()
        self.records = 0

    def fee(self, debtor, creditor, text):
        self.fees[debtor] -= fen(text or "0")
        self.fees[creditor] += fen(text or "0")
        self.pay(debtor, creditor, fen(text or "0"))

    def pay(self, debtor, creditor, amount):
        if amount < 0:
            debtor, creditor, amount = creditor, debtor, -amount
        self.debits[debtor] += amount
        self.credits[creditor] += amount

    def take(self, row):
        self.records += 1
        payer, payee = int(row["payer"] or 0), int(row["payee"] or 0)
        amount = fen(row["amount"])
        if row["kind"] == "FUND":
            self.funded[payee] += amount
            return
        if row["kind"] == "PAY":
            self.gross_out[payer] += amount
            self.gross_in[payee] += amount
            return
        assert row["kind"] in ("CLEAR", "REFUND"), row
        self.pay(payer, payee, -amount if row["kind"] == "REFUND" else amount)
        self.fee(payee, payer, row["interchange"])
        self.fee(payer, NETWORK, row["payer_fee"])
        self.fee(payee, NETWORK, row["payee_fee"])


class Day(unittest.TestCase):
    """One network, one day; the tests read what it left."""

    @classmethod
    def setUpClass(cls):
        cls.network = network = Network("day")
        network.start()
        network.wait_ready()
        cls.day = network.folder / "day"
        cls.files = generate_day(cls.day, RECORDS, SEED)
        cls.totals, cls.batches = Totals(), []
        for name, path in cls.files:
            for row in read_csv(path):
                cls.totals.take(row)
            done = hefu_json("submit", path, "--client", network.client(name), "--wait")
            cls.batches += [(name, batch) for batch in done]
        cls.tip = network.agree()

    def numbers(self):
        return [int(row["participant"]) for row in read_csv(self.day / "expected.csv")]

    def test_every_record_is_posted_once(self):
        self.assertEqual(self.totals.records,
                         RECORDS + len(read_csv(self.day / "funding.csv")))
        self.assertEqual(sum(batch["records"] for _, batch in self.batches), self.totals.records)
        self.assertEqual(sum(batch["accepted"] for _, batch in self.batches), self.totals.records)
        self.assertEqual(list(self.day.glob("*.rejects.csv")), [])

    def test_tail_gives_what_was_submitted(self):
        wanted = {}
        for _, path in self.files:
            for row in read_csv(path):
                wanted[row["id"]] = (row["kind"], fen(row["amount"]))
        for i in (0, 3):
            rows = self.network.records(i, accepted_only=False)
            self.assertEqual(len(rows), self.totals.records)
            self.assertEqual({r["id"]: (r["kind"], r["amount_minor"]) for r in rows}, wanted)
            self.assertEqual({r["verdict"] for r in rows}, {"POSTED"})

    def test_all_nodes_agree_and_balance(self):
        height = self.tip[0]
        for i in range(4):
            # An idle network adds an empty block now and then: compare at one height.
            block = hefu_json("block", "show", height, "--home", self.network.home(i))
            self.assertEqual((block["height"], block["state_root"]), self.tip)
            status = self.network.status(i)
            self.assertGreaterEqual(status["height"], height)
            self.assertEqual(self.network.alarms(i), [])
            self.assertEqual(status["total_records"], self.totals.records)
            rows = {row["class"]: row for row in self.network.check_books(i)}
            turnover = sum(self.totals.debits.values())
            self.assertEqual(rows["POSITION"]["debits_posted_minor"], turnover)
            self.assertEqual(rows["POSITION"]["credits_posted_minor"], turnover)
            self.assertEqual(rows["SETTLEMENT"]["balance_minor"],
                             sum(self.totals.funded.values()))

    def test_net_positions(self):
        totals = self.totals
        for i in range(4):
            home = self.network.home(i)
            rows = hefu_json("cycle", "net", "--home", home)
            self.assertEqual(sum(row["net_minor"] for row in rows), 0)
            found = {row["participant"]: (row["debits_minor"], row["credits_minor"],
                                          row["net_minor"]) for row in rows}
            wanted = {n: (totals.debits[n], totals.credits[n], totals.credits[n] - totals.debits[n])
                      for n in self.numbers() if totals.debits[n] or totals.credits[n]}
            self.assertEqual({n: v for n, v in found.items() if any(v)}, wanted)
            self.assertEqual({n for n, v in found.items() if not any(v)} & set(wanted), set())
        path = self.network.folder / "net.csv"
        path.write_text(hefu("cycle", "net", "--home", home, "--format", "csv").out)
        self.assertEqual({int(row["participant"]): fen(row["net"]) for row in read_csv(path)},
                         {n: v[2] for n, v in found.items()})

    def test_the_generator_expects_the_same(self):
        for row in read_csv(self.day / "expected.csv"):
            n, totals = int(row["participant"]), self.totals
            found = [fen(row[c]) for c in ("credits", "debits", "net", "fees", "gross_in",
                                           "gross_out", "funded")]
            self.assertEqual(found, [totals.credits[n], totals.debits[n],
                                     totals.credits[n] - totals.debits[n], totals.fees[n],
                                     totals.gross_in[n], totals.gross_out[n], totals.funded[n]],
                             row)

    def statement(self, i, number, account):
        rows = hefu_json("statement", "--participant", number, "--currency", "CNY", "--account",
                         account, "--home", self.network.home(i))
        opening, entries, closing = rows[0], rows[1:-1], rows[-1]
        self.assertEqual((opening["type"], closing["type"]), ("opening", "closing"))
        self.assertEqual({row["type"] for row in entries} - {"entry"}, set())
        balance = opening["balance_minor"]
        for row in entries:
            balance += row["credit_minor"] - row["debit_minor"]
            self.assertEqual(row["balance_minor"], balance)
        self.assertEqual(closing["balance_minor"], balance)
        debits = sum(row["debit_minor"] for row in entries)
        credit = sum(row["credit_minor"] for row in entries)
        self.assertEqual((closing["debit_minor"], closing["credit_minor"]), (debits, credit))
        return debits, credit

    def test_statements(self):
        totals = self.totals
        for at, n in enumerate(self.numbers()):
            i = at % 4
            self.assertEqual(self.statement(i, n, "POSITION"), (totals.debits[n],
                                                                totals.credits[n]))
            self.assertEqual(self.statement(i, n, "SETTLEMENT"),
                             (totals.gross_out[n], totals.gross_in[n] + totals.funded[n]))

    def test_output_that_is_cut_short(self):
        """A full disk is told: a statement that lacks its end must not pass for a whole one."""
        home = self.network.home(0)
        for words in (("--help",), ("tail", "--home", home), ("account", "list", "--home", home),
                      ("statement", "--participant", "harbour-bank", "--currency", "CNY",
                       "--home", home, "--format", "csv")):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([BIN / "hefu", *words], stdout=full, env=environment(),
                                      stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn("could not be written", done.stderr)

    def test_statement_of_no_period(self):
        hefu("statement", "--participant", "harbour-bank", "--currency", "CNY", "--from", 2,
             "--to", 1, "--home", self.network.home(0), expect=2)

    def test_receipts(self):
        genesis = self.network.net / "genesis.json"
        for at, (name, batch) in enumerate(self.batches):
            path = self.network.folder / f"receipt-{at}.json"
            got = hefu_json("receipt", batch["batch"], "--client", self.network.client(name),
                            "--out", path)
            self.assertEqual((got["records"], got["accepted"]), (batch["records"],) * 2)
            alone = hefu_json("receipt", "--file", path, "--genesis", genesis)
            self.assertEqual(alone["batch"], batch["batch"])
            hefu("receipt", batch["batch"], "--file", path, "--genesis", genesis)
            other = self.batches[at - 1][1]["batch"]  # an honest receipt, for another batch
            hefu("receipt", other, "--file", path, "--genesis", genesis, expect=3)
        # One digit of one verdict's proof changed: it no longer holds.
        text = path.read_text()
        at = text.index('"verdicts"') + len('"verdicts": "') + 2
        digit = "1" if text[at] != "1" else "2"
        path.write_text(text[:at] + digit + text[at + 1:])
        hefu("receipt", "--file", path, "--genesis", genesis, expect=3)

    def test_verify_by_replay(self):
        for i in range(4):
            found = self.network.check_clean(self.network.home(i))
            self.assertEqual(found["records"], self.totals.records)
            self.assertGreaterEqual(found["height"], self.tip[0])

    def test_zz_copy_of_a_stopped_node(self):
        """Last in the order of names: the others ask a running node 1."""
        self.assertEqual(self.network.stop(1), [0])
        copy = self.network.folder / "copy"
        copy.mkdir()
        shutil.copy(self.network.home(1) / "genesis.json", copy)
        shutil.copytree(self.network.home(1) / "chain", copy / "chain")
        self.assertEqual(self.network.check_clean(copy)["records"], self.totals.records)
        self.assertEqual(hefu_json("status", "--home", copy)["state_root"],
                         self.network.tip(1)[1])


if __name__ == "__main__":
    main()
