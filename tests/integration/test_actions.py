#!/usr/bin/env python3
"""Goal: people change the validators of a running network, and none of them can do it alone.

The key of one validator of four is replaced, with the tool alone: proposed by one owner, approved
by others until they own a quorum, taken up by the node's new key. Every refusal has its verdict, a
second change is withdrawn, and the chain verifies from genesis over the terminal block.
"""

import json
import shutil
import unittest

from network import (Network, edit_ini, hefu, hefu_json, main, purchase, wait_until, write_csv)

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

        self.check_validators_receipts()

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

    def check_validators_receipts(self):
        """What a validator signs with its own key, READY before it is a member, has receipts too,
        from a node and from a home; a file of them holds with genesis alone."""
        genesis = self.network.net / "genesis.json"
        path = self.network.folder / "ready.json"
        ready = []
        for height in range(1, hefu_json("status", "--home", self.network.home(0))["height"] + 1):
            for batch in hefu_json("block", "show", height, "--batches", "--home",
                                   self.network.home(0)):
                if batch["key_no"] >= 2 ** 31:
                    ready.append(batch["batch"])
        self.assertGreaterEqual(len(ready), 1)
        for batch in ready:
            for source in (("--client", self.person(1)), ("--home", self.network.home(2))):
                hefu("receipt", batch, *source, "--out", path)
                hefu("receipt", batch, "--file", path, "--genesis", genesis)
        self.check_changed(path, genesis)

    def check_changed(self, path, genesis):
        """Nothing of the proof of a key can change, or be left out."""
        receipt = json.loads(path.read_text())
        changed = self.network.folder / "changed.json"
        for name, text in receipt["proof"]["key"].items():
            other = json.loads(json.dumps(receipt))
            middle = len(text) // 4 * 2
            other["proof"]["key"][name] = (text[:middle] + f"{int(text[middle], 16) ^ 1:x}"
                                           + text[middle + 1:])
            changed.write_text(json.dumps(other))
            hefu("receipt", "--file", changed, "--genesis", genesis, expect=3)
        other = json.loads(json.dumps(receipt))
        other["proof"].pop("key")
        changed.write_text(json.dumps(other))
        done = hefu("receipt", "--file", changed, "--genesis", genesis, expect=3)
        self.assertIn("neither genesis nor the receipt", done.err)

    def new_profile(self, name, number, **keys):
        """A profile like a known bank's, with another participant's number."""
        folder = self.network.net / "clients" / f"late-{name}"
        shutil.copytree(self.network.client("lotus-bank"), folder)
        public = []
        for kind, name in (("signing", "participant"), ("transport", "transport")):
            path = folder / "keys" / f"{name}.key"
            path.unlink()
            public.append(hefu_json("key", "new", path, "--kind", kind, "--passphrase-file",
                                    folder / "passphrase")["public_key"])
        edit_ini(folder / "client.ini", participant=number, **keys)
        return folder, public

    def decide(self, action):
        path = self.network.folder / "action.json"
        path.write_text(json.dumps(action))
        operator = self.network.client("operator")
        proposed = self.act("propose", path, operator)
        self.act("approve", proposed, operator / "checker")
        self.network.agree()

    def file(self, profile, number):
        """The id of a batch that this profile files."""
        path = write_csv(self.network.folder / f"late-{number}.csv", [purchase(number, "0.01")])
        done = hefu_json("submit", path, "--client", profile, "--wait", expect={0, 1})
        self.network.agree()
        return done[0]["batch"]

    def test_receipts_of_given_keys(self):
        """A participant and a key that actions brought: receipts stand by themselves, with the
        name, also after the key is gone again."""
        genesis = self.network.net / "genesis.json"
        number = max(p["number"] for p in json.loads(genesis.read_text())["participants"]) + 1
        late, (key, transport) = self.new_profile("one", number)
        self.decide({"action": "participant", "participant": {
            "number": number, "name": "Late Bank", "roles": ["bank"], "transport_key": transport,
            "keys": [{"key_no": 1, "permissions": ["submit", "act"], "key": key}]}})
        second, (key, _) = self.new_profile("two", number, key_no=2)
        shutil.copy(late / "keys" / "transport.key", second / "keys" / "transport.key")
        self.decide({"action": "keys", "participant": number,
                     "add": [{"key_no": 2, "permissions": ["submit"], "key": key}]})
        batches = [(self.file(late, 1), "Late Bank"), (self.file(second, 2), str(number))]
        self.decide({"action": "keys", "participant": number, "remove": [2]})
        other = self.network.client("harbour-bank")
        path = self.network.folder / "late.json"
        for batch, name in batches:
            got = hefu_json("receipt", batch, "--client", other, "--out", path)
            alone = hefu_json("receipt", "--file", path, "--genesis", genesis)
            self.assertEqual(got, alone)
            self.assertEqual(got["participant"], name)
            hefu("receipt", batch, "--home", self.network.home(1), "--out", path)
            hefu("receipt", batch, "--file", path, "--genesis", genesis)
        self.check_changed(path, genesis)
        for i in range(4):
            self.network.check_clean(self.network.home(i))

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
