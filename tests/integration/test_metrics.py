#!/usr/bin/env python3
"""Goal: the metrics of running nodes say who is missing, who costs time and how long syncs take,
and every one of them has a meaning."""

import unittest

from network import Network, hefu, hefu_json, main, purchase, wait_until, write_csv

DEAD = 3
BANK = "harbour-bank"


class Metrics(unittest.TestCase):
    """One network, of which one validator dies."""

    @classmethod
    def setUpClass(cls):
        cls.network = network = Network("metrics")
        network.start()
        network.wait_ready()
        cls.names = [f"node-{i}" for i in range(4)]
        funding = [{"id": f"{n:032x}", "kind": "FUND", "payee": n, "amount": "5000000.00",
                    "currency": "CNY", "business_date": "2026-11-23", "match_key": f"{n:032x}"}
                   for n in range(1, 9)]
        path = write_csv(network.folder / "funding.csv", funding)
        hefu("submit", path, "--client", network.client("settlement-agent"), "--wait")

    def status(self, *words):
        return hefu_json("status", "--client", self.network.profile_for(BANK, 0), *words)

    def metrics(self):
        """Value by (name, labels)."""
        return {(row["name"], row["labels"]): row["value"] for row in self.status("--metrics")}

    def submit(self, salt):
        path = write_csv(self.network.folder / f"{salt}.csv",
                         [purchase(n, "10.00", salt=salt) for n in range(3)])
        hefu("submit", path, "--client", self.network.profile_for(BANK, 0), "--wait")

    def test_metrics(self):
        rows = self.status("--metrics")
        for row in rows:
            self.assertTrue(row["help"] and row["kind"], row)
        self.assertEqual(len({(row["name"], row["labels"]) for row in rows}), len(rows))
        metrics = self.metrics()
        self.assertGreater(metrics["finality_ms_count", ""], 0)
        self.assertEqual(metrics["finality_ms_bucket", 'le="+Inf"'],
                         metrics["finality_ms_count", ""])
        for file in ("store", "register"):
            self.assertGreater(metrics["fsync_us_count", f'file="{file}"'], 0)
            self.assertGreater(metrics["fsync_us_sum", f'file="{file}"'], 0)
        self.assertGreater(metrics["register_view", ""], 0)
        status = self.status()
        self.assertEqual(metrics["epoch", ""], status["epoch"])
        self.assertEqual(metrics["delta_ms", ""], status["delta_ms"])
        self.assertGreaterEqual(status["height"], metrics["height", ""])
        self.assertGreater(metrics["height", ""], 0)
        self.assertIn(("pool_batches", ""), metrics)
        self.assertEqual(self.status()["missing"], "none")

        dead = self.names[DEAD]
        self.network.kill(DEAD)
        wait_until("the dead validator is missing", 30,
                   lambda: self.metrics()["validator_missing", f'validator="{dead}"'] == 1)
        for turn in range(6):
            self.submit(0x20 + turn)
        silent = ("view_timeouts", f'leader="{dead}",reason="silent"')
        wait_until("its views are skipped", 30, lambda: self.metrics()[silent] > 0)
        status = self.status()
        self.assertEqual(status["missing"], dead)
        self.assertIn(f"{dead}: ", status["timeouts_by_leader"])
        self.assertIn(f"{dead} away, silent for ", status["peers"])
        self.assertEqual(status["validators_missing"], 1)
        table = hefu("status", "--client", self.network.profile_for(BANK, 0)).out
        self.assertRegex(table, r"(?m)^fsync +store mean .* ms; register mean .* ms$")
        self.assertRegex(table, r"(?m)^finality +\d+ blocks, mean ")

    def test_a_home_has_none(self):
        done = hefu("status", "--home", self.network.home(0), "--metrics", expect=2)
        self.assertIn("needs --client", done.err)


if __name__ == "__main__":
    main()
