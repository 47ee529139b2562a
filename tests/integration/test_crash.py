#!/usr/bin/env python3
"""Goal: validators die at any moment, alone or all at once; nothing accepted is lost, nothing is
applied twice, and the network goes on.

The moments are random; the seed is printed, HEFU_TEST_SEED repeats it.
"""

import random
import time
import unittest

from load import (GO_ON_SECONDS, Load, check_whole, distribution, find, funded, goes_on,
                  records_at)
from network import BIN, Network, hefu, main, seed, wait_until, write_csv

DAY_RECORDS = 60000


class Crash(unittest.TestCase):
    """Each test has its own network, for it must not matter what the others killed."""

    full_crashes, single_crashes, start_crashes = 5, 3, 5

    def test_kill_one_during_a_load(self):
        """A whole day's files, a client each; the clients of the dead node wait for it."""
        network, files = funded("crash-one", day_records=DAY_RECORDS)
        clients = [network.spawn(f"submit-{path.stem}", BIN / "hefu", "submit", path, "--client",
                                 network.client(name), "--format", "jsonl", "--wait")
                   for name, path in files]
        wait_until("the load has begun", 20, lambda: records_at(network, 0) > 10)
        network.kill(3)
        loads = [Load(network, i, True) for i in range(3)]
        goes_on(network, 0)
        network.start(3)
        network.wait_ready(3)
        for client in clients:
            self.assertEqual(client.wait(60), 0, client.tail())
        paths = [path for load in loads for path in load.finish()]
        check_whole(network, [path for _, path in files] + paths)

    def test_kill_one_again_and_again(self):
        """One after another at random moments; it starts while the others go on, and catches up."""
        random.seed(seed())
        network, _ = funded("crash-single")
        loads = [Load(network, i, i % 2 == 0) for i in range(4)]
        others, own = [], []
        for _ in range(self.single_crashes):
            time.sleep(random.uniform(0.1, 0.7))
            victim = random.randrange(4)
            network.kill(victim)
            others.append(goes_on(network, (victim + 1) % 4))
            time.sleep(random.uniform(0, 0.5))
            before = max(records_at(network, i) for i in range(4))
            network.start(victim)
            own.append(goes_on(network, victim, before))
        distribution("the others go on after one is killed", others)
        distribution("the killed one has new blocks after its start", own)
        check_whole(network, [path for load in loads for path in load.finish()])

    def test_kill_all(self):
        """All four at once, again and again, at random moments of a load.

        Every node must have records that none had when the last one started, soon after that.
        """
        random.seed(seed())
        network, _ = funded("crash-all")
        loads = [Load(network, i, i % 2 == 0) for i in range(4)]
        times = []
        for crash in range(self.full_crashes):
            time.sleep(random.uniform(0.1, 1.0))
            network.kill(0, 1, 2, 3)
            accepted = [record for load in loads for record in load.accepted]
            records = [records_at(network, i) for i in range(4)]
            apart = random.choice((0, 0, 0.1, 0.5))
            for i in random.sample(range(4), 4):
                time.sleep(random.uniform(0, apart))
                network.start(i)
            started = time.monotonic()
            before = max(records_at(network, i) for i in range(4))
            for i in range(4):
                goes_on(network, i, before)
            times.append(time.monotonic() - started)
            self.assertLess(times[-1], GO_ON_SECONDS)
            print(f"crash {crash}: {len(accepted)} records accepted, final on each {records}, "
                  f"all go on after {times[-1]:.2f} s", flush=True)
            find(network, crash % 4, accepted)
        paths = [path for load in loads for path in load.finish()]
        distribution("all four go on after the last start", times)
        self.assertGreater(len(paths), 4 * self.full_crashes)
        print(f"{sum(load.repeated for load in loads)} files were known when sent again")
        check_whole(network, paths)

    def test_kill_while_starting(self):
        """Fresh homes, killed before, while and after they make what a first start makes."""
        random.seed(seed())
        network = Network("crash-start")
        for _ in range(self.start_crashes):
            network.start()
            time.sleep(random.uniform(0, 0.15))
            network.kill(0, 1, 2, 3)
        network.start()
        network.wait_ready()
        path = write_csv(network.folder / "first.csv", [
            {"id": f"{n:032x}", "kind": "FUND", "payee": 3, "amount": "1.00", "currency": "CNY",
             "business_date": "2026-11-23", "match_key": f"{n:032x}"} for n in range(1, 9)])
        hefu("submit", path, "--client", network.client("settlement-agent"), "--wait")
        chains = [network.agree() and network.chain(i) for i in range(4)]
        self.assertEqual(chains, chains[:1] * 4)
        for i in range(4):
            network.check_clean(network.home(i))


if __name__ == "__main__":
    main()
