#!/usr/bin/env python3
"""Goal: a settlement day on four validators comes to what its files say, to the last fen.

Banks, some of which settle through sponsors, insurers and funds file every kind of business in
three cycles: halves that match, also over a cut-off, that differ and that nobody answers; holds
captured in part; refunds, reversals, chargebacks; payments that wait for money and a ring of them
that none can begin. One bank owes more than it has: its cycle goes SHORT after the funding window,
and settles out of what it pledged and the fund once that has grown. Then nets, settlements,
accounts and statements on every node are compared with settlement_books.py, which knows the files
and the refused ids alone.
"""

import concurrent.futures
import datetime
import json
import threading
import time
import unittest

import settlement_files
from network import Network, hefu, hefu_json, main, wait_until
from settlement_books import Books

AT_ONCE = 4
CLASSES = ("SETTLEMENT", "POSITION", "COLLATERAL", "CLAIM", "CASH", "PAYOUT", "NETTING", "FUND")
ZONE = datetime.timezone(datetime.timedelta(hours=8))


class SettlementDay(unittest.TestCase):
    """One network, one day; the tests read what it left."""

    size = settlement_files.SHORT
    seed = 18
    settle_seconds = 60
    cutoff_in_s = 12 * 3600  # the third cut-off is by time only if it is soon
    by_time = False

    @classmethod
    def setUpClass(cls):
        cls.lock = threading.Lock()
        started = datetime.datetime.now(ZONE)
        cls.day = settlement_files.Day(cls.size, cls.seed, f"{started:%F}")
        cls.people = cls.day.people
        cutoff = started + datetime.timedelta(seconds=cls.cutoff_in_s + 59)
        cls.cutoff = cutoff.replace(second=0, microsecond=0)
        cls.network = network = Network("settlement", plan=lambda path: (
            settlement_files.write_participants(path, cls.people, [f"{cls.cutoff:%H:%M}"])))
        network.start()
        network.wait_ready()
        cls.books = Books(cls.people.members, settlement_files.FUND_SHARE_PPM)
        cls.batches = []
        cls.run_day(cls.day.write(network.folder / "day"))
        cls.tip = network.agree()

    @classmethod
    def run_day(cls, waves):
        for at, (wave, files) in enumerate(waves):
            cls.file(files)
            cls.books.take_wave(files)
            if wave == "4a":
                # The fund has grown: the cycle that was SHORT settles.
                cls.await_cycle(3, "SETTLED")
                assert cls.books.settle(3, overdue=True)
            elif at + 1 < len(waves) and waves[at + 1][0][0] != wave[0]:
                cls.close(int(wave[0]))

    @classmethod
    def file(cls, files):
        """All files of a wave, several at once."""
        def submit(number, path):
            with cls.lock:
                cls.keep_open()
            profile = cls.network.client(settlement_files.slug(cls.people.names[number]))
            return hefu_json("submit", path, "--client", profile, "--wait", expect={0, 1})
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for done in pool.map(lambda file: submit(*file), files):
                cls.batches += done

    # Cycles

    @classmethod
    def act(cls, body):
        """The operator's maker proposes, its checker approves."""
        path = cls.network.folder / "action.json"
        path.write_text(json.dumps({"action": "cycle", "service": 1} | body))
        operator = cls.network.client("operator")
        action = hefu_json("action", "propose", path, "--client", operator)["action"]
        hefu("action", "approve", action, "--client", operator / "checker")

    @classmethod
    def keep_open(cls):
        """Where the cut-off is soon: a slow machine gets more time, by EXTEND."""
        now = datetime.datetime.now(ZONE)
        if cls.by_time and cls.books.cycle < 4 and (cls.cutoff - now).total_seconds() < 40:
            cls.cutoff = (now + datetime.timedelta(seconds=80)).replace(microsecond=0)
            until = cls.cutoff.astimezone(datetime.timezone.utc)
            cls.act({"cycle": cls.books.cycle, "do": "extend", "until": f"{until:%FT%TZ}"})

    @classmethod
    def await_cycle(cls, cycle, state, node=0):
        def reached():
            rows = hefu_json("cycle", "list", "--home", cls.network.home(node))
            return any(row["cycle"] == cycle and row["state"] == state for row in rows)
        seconds = cls.settle_seconds
        if cls.by_time and cycle == 3:
            seconds += max(0, cls.cutoff.timestamp() - time.time())
        wait_until(f"cycle {cycle} is {state}", seconds, reached)

    @classmethod
    def close(cls, cycle):
        if cycle < 3 or not cls.by_time:
            cls.act({"cycle": cycle, "do": "close"})
        cls.books.close()
        settles = cls.books.settle(cycle)
        assert settles == (cycle != 3), f"cycle {cycle} is meant otherwise"
        cls.await_cycle(cycle, "SETTLED" if settles else "SHORT")
        if not settles:
            assert not cls.books.settle(cycle, overdue=True)

    # What the day left

    def test_verdicts(self):
        """Refused is what was meant to be, for the reason that was meant; all else was taken."""
        rows = self.network.records(0, accepted_only=False)
        filed = {row["id"] for files in self.day.waves.values() for rows_of in files.values()
                 for row in rows_of}
        refused = {r["id"]: r["verdict"] for r in rows
                   if r["code"] >= 10 and not 20 <= r["code"] < 30}
        self.assertEqual({row["id"] for row in rows}, filed)
        self.assertEqual(refused, self.day.refused)
        self.assertEqual(sum(batch["rejected"] for batch in self.batches), len(refused))
        found = {row["verdict"] for row in rows}
        self.assertLessEqual({"POSTED", "PENDING", "QUEUED", "MATCHED", "EXCEPTION_AMOUNT"}, found)

    def test_nodes_agree(self):
        height = self.tip[0]
        for i in range(4):
            block = hefu_json("block", "show", height, "--home", self.network.home(i))
            self.assertEqual((block["height"], block["state_root"]), self.tip)
            self.network.check_books(i)
            self.assertEqual(hefu_json("queue", "--home", self.network.home(i)), [])

    def test_nets_of_every_cycle(self):
        for i in range(4):
            for cycle in range(1, 5):
                rows = hefu_json("cycle", "net", cycle, "--home", self.network.home(i))
                found = {row["participant"]: (row["debits_minor"], row["credits_minor"])
                         for row in rows}
                self.assertEqual({n: v for n, v in found.items() if any(v)},
                                 {n: v for n, v in self.books.nets_of(cycle).items() if any(v)})
                self.assertTrue(all(row["net_minor"] == row["credits_minor"] - row["debits_minor"]
                                    for row in rows))

    def test_cycles(self):
        for i in range(4):
            rows = {row["cycle"]: row for row in
                    hefu_json("cycle", "list", "--home", self.network.home(i))}
            states = ["SETTLED", "SETTLED", "SETTLED", "OPEN"]
            self.assertEqual([rows[n]["state"] for n in range(1, 5)], states)
            self.assertEqual({n: row["turnover_minor"] for n, row in rows.items()},
                             {n: self.books.turnover[n] for n in range(1, 5)})
            third = hefu_json("cycle", "show", 3, "--home", self.network.home(i))
            self.assertIn("defaulted", third["flags"])
            self.assertIn("overdue", third["flags"])
            self.assertEqual("by action" in third["flags"], not self.by_time)

    def test_the_default(self):
        n = self.people.defaulter
        self.assertEqual(list(self.books.defaulted), [n])
        self.assertLess(self.books.account(n, "CLAIM").balance, 0)
        self.assertEqual(self.books.account(n, "COLLATERAL").balance, 0)
        for i in range(4):
            rows = hefu_json("participant", n, "--home", self.network.home(i))
            row = rows[0] if isinstance(rows, list) else rows
            self.assertEqual(row["status"], "SUSPENDED")

    def test_accounts(self):
        """All four totals of every account there is, on every node."""
        for i in range(4):
            rows = hefu_json("account", "list", "--all", "--home", self.network.home(i))
            found = {}
            for row in rows:
                owner = int(row["participant"]) if str(row["participant"]).isdigit() else 0
                found[owner, row["class"]] = tuple(
                    row[f"{name}_minor"] for name in ("debits_posted", "credits_posted",
                                                      "debits_pending", "credits_pending"))
            self.assertEqual({k[1] for k in found}, set(CLASSES))
            self.assertEqual({k: v for k, v in found.items() if any(v)},
                             {k: a.totals() for k, a in self.books.accounts.items()
                              if any(a.totals())})

    def statement(self, i, number, kind):
        rows = hefu_json("statement", "--participant", number, "--currency", "CNY", "--account",
                         kind, "--home", self.network.home(i))
        opening, entries, closing = rows[0], rows[1:-1], rows[-1]
        self.assertEqual((opening["type"], closing["type"]), ("opening", "closing"))
        balance, sizes = opening["balance_minor"], []
        for row in entries:
            if row["state"] == "POSTED":
                sizes.append(row["credit_minor"] - row["debit_minor"])
                balance += sizes[-1]
            self.assertEqual(row["balance_minor"], balance)
        self.assertEqual(closing["balance_minor"], balance)
        self.assertEqual((closing["debit_minor"], closing["credit_minor"]),
                         (-sum(s for s in sizes if s < 0), sum(s for s in sizes if s > 0)))
        return sorted(sizes)

    def test_statements(self):
        """Every entry of every statement: the same sizes as the books'. Each on one node."""
        accounts = [(at % 4, n, kind) for at, n in enumerate(sorted(self.people.names))
                    for kind in ("SETTLEMENT", "POSITION", "COLLATERAL", "CLAIM")
                    if self.books.account(n, kind).entries]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            found = pool.map(lambda account: self.statement(*account), accounts)
        for (_, n, kind), sizes in zip(accounts, found):
            self.assertEqual(sizes, sorted(self.books.account(n, kind).entries), (n, kind))

    def test_verify_by_replay(self):
        for i in range(4):
            found = self.network.check_clean(self.network.home(i))
            self.assertGreaterEqual(found["height"], self.tip[0])


if __name__ == "__main__":
    main()
