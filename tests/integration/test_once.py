#!/usr/bin/env python3
"""Goal: what is submitted several times, in whatever way, is applied once and says so."""

import shutil
import unittest

from network import (BIN, Network, hefu, hefu_json, main, purchase, read_csv, wait_until,
                     write_csv)

RECORDS = 9000  # two batches
BANK = "harbour-bank"


class Once(unittest.TestCase):
    """One funded network; each test has its own files."""

    @classmethod
    def setUpClass(cls):
        cls.network = network = Network("once")
        network.start()
        network.wait_ready()
        funding = [{"id": f"{n:032x}", "kind": "FUND", "payee": n, "amount": "5000000.00",
                    "currency": "CNY", "business_date": "2026-11-23", "match_key": f"{n:032x}"}
                   for n in range(1, 9)]
        path = write_csv(network.folder / "funding.csv", funding)
        hefu("submit", path, "--client", network.client("settlement-agent"), "--wait")

    def file(self, name, rows):
        return write_csv(self.network.folder / f"{name}.csv", rows)

    def submit(self, path, i=2, expect=0):
        return hefu("submit", path, "--client", self.network.profile_for(BANK, i), "--wait",
                    expect=expect)

    def position(self, i=0):
        rows = hefu_json("account", "list", "--participant", BANK, "--class", "POSITION", "--all",
                         "--home", self.network.home(i))
        return rows[0]["balance_minor"]

    def times_posted(self, path):
        wanted = {row["id"] for row in read_csv(path)}
        rows = [row["id"] for row in self.network.records(0) if row["id"] in wanted]
        return len(rows), len(set(rows))

    def test_one_id_of_two_participants(self):
        """An id is one participant's own: both records are shown, in every format."""
        path = self.file("two", [purchase(1, "10.00", salt=0x71)])
        self.submit(path)
        hefu("submit", path, "--client", self.network.client("lotus-bank"), "--wait",
             expect={0, 1})
        self.network.agree()
        words = ("record", "show", purchase(1, salt=0x71)["id"], "--home", self.network.home(2))
        self.assertEqual(len(hefu_json(*words)), 2)
        table = hefu(*words).out
        self.assertEqual(table.count(words[2]), 2, table)
        own = hefu_json(*words, "--participant", BANK)
        self.assertEqual(own["id"], words[2])

    def test_to_all_nodes_at_once(self):
        path = self.file("at-once", [purchase(n, "10.00", salt=1) for n in range(RECORDS)])
        before = self.position()
        clients = []
        for i in range(4):
            # A folder each: their lists of rejects must not be one file.
            own = self.network.folder / f"at-once-{i}" / path.name
            own.parent.mkdir()
            shutil.copy(path, own)
            clients.append(self.network.spawn(
                f"at-once-{i}", BIN / "hefu", "submit", own, "--client",
                self.network.profile_for(BANK, i), "--wait"))
        codes = [client.wait(60) for client in clients]
        # Parts may have been applied for different clients, so none need be the only clean one.
        self.assertEqual(set(codes) - {0, 1}, set(), codes)
        self.assertLessEqual(codes.count(0), 1)
        self.assertEqual(self.times_posted(path), (RECORDS, RECORDS))
        self.assertEqual(self.position() - before, RECORDS * 1000)
        self.network.agree()
        for i in range(4):
            self.network.check_books(i)
            self.network.check_clean(self.network.home(i))

    def test_the_same_file_again(self):
        path = self.file("again", [purchase(n, salt=2) for n in range(50)])
        self.submit(path)
        before = self.position()
        for i in (2, 0):
            again = self.submit(path, i, expect=1)
            self.assertIn("again.csv was already submitted: nothing was applied again", again.err)
        # The name and the folder of a file do not make it another one.
        renamed = self.network.folder / "renamed.csv"
        shutil.copy(path, renamed)
        self.assertIn("was already submitted", self.submit(renamed, expect=1).err)
        self.assertEqual(self.position(), before)
        self.assertEqual(self.times_posted(path), (50, 50))

    def test_the_same_ids_in_another_file(self):
        rows = [purchase(n, salt=3) for n in range(10)]
        self.submit(self.file("first", rows))
        before = self.position()
        # The same records and one more: EXISTS for those, the new one is posted.
        more = self.file("more", rows + [purchase(10, "1.00", salt=3)])
        done = self.submit(more, expect=1)
        rejects = read_csv(str(more) + ".rejects.csv")
        self.assertEqual([(r["name"], r["line"]) for r in rejects],
                         [("EXISTS", str(n + 2)) for n in range(10)])
        self.assertIn("EXISTS", done.out)
        self.assertEqual(self.position() - before, 100)
        # The same ids with another amount: EXISTS_DIFFERENT, and nothing moves.
        other = self.file("other", [row | {"amount": "99.99"} for row in rows])
        self.submit(other, expect=1)
        self.assertEqual({r["name"] for r in read_csv(str(other) + ".rejects.csv")},
                         {"EXISTS_DIFFERENT"})
        self.assertEqual(self.position() - before, 100)

    def test_an_id_twice_in_one_file(self):
        path = self.file("twice", [purchase(1, salt=4), purchase(1, salt=4),
                                   purchase(1, "7.00", salt=4)])
        before = self.position()
        self.submit(path, expect=1)
        rejects = read_csv(str(path) + ".rejects.csv")
        self.assertEqual([(r["line"], r["name"]) for r in rejects],
                         [("3", "EXISTS"), ("4", "EXISTS_DIFFERENT")])
        self.assertEqual(self.position() - before, 1234)

    def test_interrupted_and_sent_again(self):
        """The client is killed on its way; the same command once more completes the file."""
        path = self.file("interrupted", [purchase(n, "2.00", salt=5) for n in range(4 * RECORDS)])
        before = self.position()
        profile = self.network.profile_for(BANK, 1)
        records = hefu_json("status", "--home", self.network.home(0))["total_records"]
        client = self.network.spawn("interrupted", BIN / "hefu", "submit", path, "--client",
                                    profile, "--wait")
        wait_until("a part is final", 20, lambda: hefu_json(
            "status", "--home", self.network.home(0))["total_records"] > records)
        client.kill()
        done = self.submit(path, 1, expect={0, 1})
        # A part that is pooled under its first batch may become final after its second one.
        self.assertTrue(done.code == 0 or "applied again" in done.err, done.err)
        self.network.agree()
        self.assertEqual(self.times_posted(path), (4 * RECORDS, 4 * RECORDS))
        self.assertEqual(self.position() - before, 4 * RECORDS * 200)


if __name__ == "__main__":
    main()
