#!/usr/bin/env python3
"""Goal: a full disk stops a node before it can do harm, and says what to do; with room again it
goes on, and nothing is lost.

Homes lie on a small tmpfs. Mounting needs root, or a user namespace of one's own (unshare -Urm), in
which this file then runs; without either it is skipped.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import unittest

from load import Load, check_whole, funded, goes_on, records_at
from network import main, skip

INTEGRITY = 3
DISK_MIB = 48
MOUNTED = "HEFU_TEST_MOUNTS"


def enter_namespace():
    """Runs this file again where mounts are allowed and end with it."""
    if os.environ.get(MOUNTED):
        return
    for flags in ("-m", "-Urm"):
        probe = subprocess.run(["unshare", flags, "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
                               capture_output=True, check=False)
        if probe.returncode == 0:
            os.environ[MOUNTED] = "1"
            os.execvp("unshare", ["unshare", flags, sys.executable, "-B", *sys.argv])
    skip(f"no tmpfs can be mounted here: {probe.stderr.decode().strip()}")


class FullDisk(unittest.TestCase):
    """Each test has its own network and disk."""

    def disk_under(self, network, *numbers):
        """The nodes' homes move to a small disk."""
        disk = network.folder / "disk"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", disk],
                       check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(disk)], check=True)
        # Last in, first out: the processes end before the disk goes away.
        self.addCleanup(network.end)
        for i in numbers:
            home = network.home(i)
            shutil.move(home, disk / home.name)
            home.symlink_to(disk / home.name)
        return disk

    def fill(self, disk, leave_share=0.0):
        """Fills the disk but for a share of it."""
        leave = int(leave_share * (DISK_MIB << 20))
        room = os.statvfs(disk)
        size = room.f_bavail * room.f_frsize - leave
        with open(disk / "filler", "wb") as filler, contextlib.suppress(OSError):
            while size > 0:
                filler.write(bytes(min(size, 65536)))
                filler.flush()
                size -= 65536

    def says_full(self, network, i):
        """Node i ends by itself; its last line says where and what to do."""
        node = network.nodes[i]
        self.assertEqual(node.wait(30), INTEGRITY, node.tail())
        last = node.tail().splitlines()[-1]
        self.assertIn("free space", last)
        self.assertIn(str(network.home(i)), last)

    def test_one_node(self):
        """Writes fail in the middle of a load: the node ends, the others go on."""
        network, _ = funded("full-one", before_start=lambda n: self.disk_under(n, 3))
        disk = network.folder / "disk"
        loads = [Load(network, i, True) for i in range(3)]
        goes_on(network, 3)
        self.fill(disk)
        self.says_full(network, 3)
        network.check_clean(network.home(3))
        goes_on(network, 0)
        # Still full: it says so again, and harms nothing.
        network.start(3)
        self.says_full(network, 3)
        (disk / "filler").unlink()
        before = max(records_at(network, i) for i in range(3))
        network.start(3)
        goes_on(network, 3, before, 10)
        check_whole(network, [path for load in loads for path in load.finish()], alarms=False)

    def test_all_nodes(self):
        """One disk under all: the whole network stops; with room it goes on where it was."""
        network, _ = funded("full-all", before_start=lambda n: self.disk_under(n, 0, 1, 2, 3))
        disk = network.folder / "disk"
        loads = [Load(network, i, i % 2 == 0) for i in range(4)]
        goes_on(network, 0)
        self.fill(disk)
        for i in range(4):
            self.says_full(network, i)
        (disk / "filler").unlink()
        records = max(records_at(network, i) for i in range(4))
        network.start()
        for i in range(4):
            goes_on(network, i, records)
        check_whole(network, [path for load in loads for path in load.finish()], alarms=False)


if __name__ == "__main__":
    enter_namespace()
    main()
