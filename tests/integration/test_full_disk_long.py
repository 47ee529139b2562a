#!/usr/bin/env python3
"""Goal: as test_full_disk.py, and a disk that is nearly full is noticed before writes fail."""

import test_full_disk
from load import check_whole, funded
from network import hefu, main, purchase, wait_until, write_csv

UNREACHABLE = 6


class FullDiskLong(test_full_disk.FullDisk):
    """The same tests, and the thresholds of the node's own check every 5 s."""

    def test_nearly_full(self):
        """Below a tenth no new batches, below a twentieth the node ends by itself, cleanly."""
        network, _ = funded("full-nearly", before_start=lambda n: self.disk_under(n, 3))
        disk = network.folder / "disk"
        self.fill(disk, 0.08)
        text = "less than 10 % of the disk is free: no new batches are taken"
        wait_until("it refuses batches", 15, lambda: text in network.status(3)["alarms"])
        path = write_csv(network.folder / "busy.csv", [purchase(1, salt=0xd1)])
        words = ("submit", path, "--client", network.profile_for("harbour-bank", 3), "--wait")
        hefu(*words, "--timeout", 1, expect=UNREACHABLE)
        (disk / "filler").unlink()
        wait_until("it takes batches again", 15, lambda: text not in network.status(3)["alarms"])
        hefu(*words)
        self.fill(disk, 0.04)
        self.says_full(network, 3)
        (disk / "filler").unlink()
        network.start(3)
        check_whole(network, [path], alarms=False)


if __name__ == "__main__":
    test_full_disk.enter_namespace()
    main()
