#!/usr/bin/env python3
"""Goal: people change the validators of a running network, and none of them can do it alone.

The key of one validator of four is replaced, with the tool alone: proposed by one owner, approved
by others until they own a quorum, taken up by the node's new key. Every refusal has its verdict, a
second change is withdrawn, and the chain verifies from genesis over the terminal block.
"""

import json
import unittest

from network import Network, hefu, hefu_json, main, wait_until

REPLACED = 3


class Actions(unittest.TestCase):
    def setUp(self):
        self.network = Network("actions")
        self.addCleanup(self.network.end)
        self.network.start()
        self.network.wait_ready()
        genesis = json.loads((self.network.net / "genesis.json").read_text())
        self.owners = [v["participant"] for v in genesis["validators"]]

    def person(self, validator, checker=False):
        """The profile of a validator's owner, or of its second person."""
        number = str(self.owners[validator])
        profile = next(p for p in self.network.profiles()
                       if self.network.setting(p, "participant") == number)
        return profile / "checker" if checker else profile

    def act(self, verb, operand, profile, *more, verdict="POSTED"):
        """Runs an action verb, whose verdict must be this one; the action's id."""
        answer = hefu_json("action", verb, operand, "--client", profile, *more,
                           expect=0 if verdict == "POSTED" else 1)
        self.assertEqual(answer["verdict"], verdict, answer)
        return answer["action"]

    def show(self, action):
        return hefu_json("action", "show", action, "--home", self.network.home(0))

    def change(self, name, **lists):
        path = self.network.folder / name
        path.write_text(json.dumps({"action": "validators", **lists}))
        return path

    def new_keys(self):
        """A next consensus key for the node, which keeps its transport key."""
        home = self.network.home(REPLACED)
        key = hefu_json("key", "new", home / "keys" / "next.key", "--kind", "consensus",
                        "--passphrase-file", home / "passphrase")["public_key"]
        config = home / "config.ini"
        config.write_text(config.read_text().replace("[keys]\n", "[keys]\nnext = keys/next.key\n"))
        return key, self.network.transport_keys()[REPLACED]

    def test_replace_a_key(self):
        key, transport = self.new_keys()
        replacing = {"name": f"node-{REPLACED}", "new_key": key, "new_transport_key": transport}
        change = self.change("change.json", replace=[replacing])
        home = ("--home", self.network.home(0))

        action = self.act("propose", change, self.person(0), *home)
        shown = self.show(action)
        self.assertEqual((shown["state"], shown["epoch"], shown["approvals"]), ("PROPOSED", 1, 0))
        # Who approves must see every key that the change brings in.
        self.assertIn(key, shown["changes"])
        self.assertIn(transport, shown["changes"])
        # The maker cannot approve; its second person can, but owns no further validator.
        self.act("approve", action, self.person(0), verdict="ANSWERED_BEFORE")
        self.act("approve", action, self.person(0, checker=True))
        self.act("approve", action, self.person(1, checker=True))
        self.act("approve", action, self.person(1), verdict="ANSWERED_BEFORE")
        self.assertEqual(self.show(action)["state"], "PROPOSED")
        self.act("approve", action, self.person(2))
        self.assertEqual(self.show(action)["state"], "APPROVED")
        self.act("propose", change, self.person(1), *home, verdict="CHANGE_UNDER_WAY")

        # The node takes its next key up, says READY, and the epoch ends.
        self.network.stop(REPLACED)
        self.network.start(REPLACED)
        wait_until("the change is done", 30, lambda: self.show(action)["state"] == "DONE")
        self.network.agree()

        # The new set decides: an action for the old epoch is refused, one for the new one is taken.
        removal = [{"key": key}]
        self.act("propose", self.change("late.json", epoch=1, remove=removal), self.person(0),
                 verdict="EPOCH_DIFFERS")
        self.act("propose", self.change("few.json", remove=removal), self.person(0),
                 verdict="VALIDATORS_TOO_FEW")
        self.network.agree()
        for i in range(4):
            self.network.check_clean(self.network.home(i))
        listed = hefu_json("action", "list", *home)
        self.assertEqual([(row["action"], row["state"]) for row in listed], [(action, "DONE")])
        self.assertEqual(hefu_json("action", "list", "--open", *home), [])

    def test_help_of_the_family(self):
        told = hefu("action", "--help").out
        self.assertIn("hefu action propose FILE\n", told)
        self.assertIn("hefu action list\n", told)

    def test_withdrawn_and_refused(self):
        key, transport = self.new_keys()
        replacing = [{"name": f"node-{REPLACED}", "new_key": key, "new_transport_key": transport}]
        change = self.change("change.json", replace=replacing)
        home = ("--home", self.network.home(0))
        action = self.act("propose", change, self.person(0), *home)
        self.act("disapprove", action, self.person(0, checker=True))
        self.assertEqual(self.show(action)["state"], "REFUSED")
        self.act("approve", action, self.person(1), verdict="ACTION_ENDED")
        # One owner cannot keep itself in; two leave no quorum.
        action = self.act("propose", change, self.person(1), *home)
        self.act("disapprove", action, self.person(REPLACED))
        self.assertEqual(self.show(action)["state"], "PROPOSED")
        self.act("disapprove", action, self.person(2))
        self.assertEqual(self.show(action)["state"], "REFUSED")
        self.act("approve", "00" * 32, self.person(1), verdict="ACTION_NOT_FOUND")
        hefu("action", "show", "00" * 32, *home, expect=4)
        hefu("action", "approve", "00", "--client", self.person(1), expect=2)
        self.network.agree()
        self.network.check_clean(self.network.home(1))


if __name__ == "__main__":
    main()
