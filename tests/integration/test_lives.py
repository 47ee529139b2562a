#!/usr/bin/env python3
"""Goal: holds on real nodes are captured, expire on time on an idle network, survive a restart, and
the auditor's replay finds the same."""

import unittest

from network import Network, hefu, main, purchase, wait_until, write_csv

BANK = "harbour-bank"
COLUMNS = ["id", "kind", "scheme", "payer", "payee", "amount", "currency", "business_date", "ref",
           "timeout_s", "flags"]
SHORT_S = 4
LONG_S = 3600


class Lives(unittest.TestCase):
    """One network; holds of two lengths."""

    def submit(self, name, rows):
        path = write_csv(self.network.folder / f"{name}.csv", rows, columns=COLUMNS)
        hefu("submit", path, "--client", self.network.client(BANK), "--wait")

    def pending(self, i=0):
        rows = {row["class"]: row for row in self.network.check_books(i)}
        return rows["POSITION"]["debits_pending_minor"]

    def posted(self, i=0):
        rows = {row["class"]: row for row in self.network.check_books(i)}
        return rows["POSITION"]["debits_posted_minor"]

    def test_holds(self):
        self.network = network = Network("lives")
        network.start()
        network.wait_ready()
        funding = [{"id": f"{n:032x}", "kind": "FUND", "payee": n, "amount": "5000000.00",
                    "currency": "CNY", "business_date": "2026-11-23", "match_key": f"{n:032x}"}
                   for n in range(1, 9)]
        path = write_csv(network.folder / "funding.csv", funding)
        hefu("submit", path, "--client", network.client("settlement-agent"), "--wait")
        hold = {"kind": "HOLD", "timeout_s": SHORT_S}
        rows = [purchase(n, "10.00", salt=1, **hold) for n in range(50)]
        rows += [purchase(n, "7.00", salt=2, **(hold | {"timeout_s": LONG_S})) for n in range(3)]
        self.submit("holds", rows)
        network.agree()
        self.assertEqual(self.pending(), 50 * 1000 + 3 * 700)
        captured = purchase(0, "4.00", salt=3, kind="CAPTURE", ref=purchase(0, salt=2)["id"])
        self.submit("capture", [captured])
        # Nothing more is submitted: the chain itself makes the block that the sweep needs.
        for i in range(4):
            wait_until(f"the short holds end on node {i}", 30,
                       lambda i=i: self.pending(i) == 3 * 700 - 400)
        self.assertEqual(self.posted(), 400)
        height = network.agree()[0]
        network.stop(1)
        network.start(1)
        network.wait_ready(1)
        late = purchase(1, "1.00", salt=3, kind="CAPTURE", ref=purchase(1, salt=2)["id"])
        self.submit("late", [late])
        self.assertGreater(network.agree()[0], height)
        self.assertEqual(self.pending(1), 3 * 700 - 500)
        for i in range(4):
            network.check_clean(network.home(i))


if __name__ == "__main__":
    main()
