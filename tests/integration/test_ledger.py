"""What the settlement ledger does, on four real validators: the story of scripts/testnet-ledger
(gridlock, halves, an exception, a hold, a dispute, a cycle that settles, one that goes SHORT), and
every verb that reads what came of it, in every format."""
import csv
import io
import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(os.environ.get("HEFU_SOURCE_DIR", Path(__file__).parents[2]))
BIN = Path(os.environ["HEFU_BIN_DIR"])

# Verb and the least number of rows that the story leaves for it.
VERBS = [
    (["cycle", "list"], 3), (["cycle", "list", "--unsettled"], 1), (["cycle", "show", "2"], 1),
    (["cycle", "net", "1"], 3), (["cycle", "preview", "3"], 0), (["cycle", "preview", "--all"], 0),
    (["queue"], 0), (["queue", "--payer", "harbour-bank", "--currency", "CNY"], 0),
    (["limits"], 0), (["limits", "--all"], 7), (["limits", "--participant", "2"], 1),
    (["disputes"], 0), (["disputes", "--all"], 1), (["exceptions"], 0),
    (["exceptions", "--participant", "lotus-bank"], 0), (["participant"], 7),
    (["participant", "lotus-bank"], 1), (["participant", "lotus-bank", "--keys"], 2),
    (["service"], 2), (["service", "card clearing"], 1), (["scheme"], 3), (["scheme", "2"], 1),
    (["record", "history", f"{34:032x}"], 3), (["action", "list"], 2),
]


class Ledger(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="hefu-ledger-")
        self.environment = os.environ | {"HEFU_NET": f"{self.folder.name}/net",
                                         "HEFU_BIN_DIR": str(BIN)}

    def tearDown(self):
        self.folder.cleanup()

    def hefu(self, *words):
        done = subprocess.run([BIN / "hefu", *words], capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertIn(done.returncode, (0, 1), f"{words}: {done.stderr}")
        return done.stdout

    def rows(self, words, home):
        """The rows that the three formats for programs agree on."""
        table = self.hefu(*words, "--home", home)
        self.assertTrue(table.strip(), words)
        whole = json.loads(self.hefu(*words, "--home", home, "--format", "json"))
        whole = whole if isinstance(whole, list) else [whole]
        lines = [json.loads(line) for line in
                 self.hefu(*words, "--home", home, "--format", "jsonl").splitlines()]
        cells = list(csv.DictReader(io.StringIO(self.hefu(*words, "--home", home,
                                                          "--format", "csv"))))
        self.assertEqual(len(whole), len(lines), words)
        self.assertEqual(whole, lines, words)
        self.assertEqual(len(whole), len(cells), words)
        for row, line in zip(whole, cells):
            for name, text in line.items():
                self.assertEqual(text, "" if row[name] is None else str(row[name]), (words, name))
        return whole

    def test_story(self):
        told = subprocess.run([SOURCE / "scripts" / "testnet-ledger"], env=self.environment,
                              capture_output=True, text=True, timeout=280, check=False)
        self.assertEqual(told.returncode, 0, told.stdout[-3000:] + told.stderr)
        home = f"{self.folder.name}/net-ledger/node-0"
        for words, least in VERBS:
            self.assertGreaterEqual(len(self.rows(words, home)), least, words)
            verb = words[:2] if words[0] in ("cycle", "record", "action") else words[:1]
            self.assertIn(f"SYNOPSIS\n    hefu {' '.join(verb)}", self.hefu(*verb, "--help"))

        cycles = {row["cycle"]: row for row in self.rows(["cycle", "list"], home)}
        self.assertEqual([cycles[n]["state"] for n in (1, 2, 3)], ["SETTLED", "SETTLED", "OPEN"])
        self.assertEqual([cycles[n]["finality"] for n in (1, 2, 3)],
                         ["money-final", "money-final", "ledger-final"])
        for number in (1, 2):
            nets = self.rows(["cycle", "net", str(number)], home)
            self.assertEqual(sum(row["net_minor"] for row in nets), 0)
        history = self.rows(["record", "history", f"{64:032x}"], home)
        self.assertEqual([row["cause"] for row in history],
                         ["CHARGEBACK", "REPRESENT", "PRE_ARBITRATE", "DECLINE", "RULE"])
        self.assertEqual(history[-1]["to"], "STANDS")
        lines = self.rows(["statement", "--participant", "harbour-bank", "--currency", "CNY",
                           "--account", "SETTLEMENT"], home)
        self.assertEqual([row["kind"] for row in lines if row["type"] == "entry"],
                         ["FUND", "OFFSET", "OFFSET", "FUND", "SETTLED", "SETTLED"])
        self.assertEqual(lines[-1]["balance"], "1505.00")
        self.assertEqual(lines[-2]["id"], "cycle 2 of service 1")
        stand = {row["name"]: row["status"] for row in self.rows(["participant"], home)}
        self.assertEqual(stand["Red Maple Bank"], "SUSPENDED")
        self.assertEqual(stand["Lotus Bank"], "ACTIVE")
        self.actions(home)

    def network(self, *words):
        subprocess.run([SOURCE / "scripts" / "testnet", *words], check=True, timeout=120,
                       env=self.environment | {"HEFU_NET": f"{self.folder.name}/net-ledger"},
                       stdout=subprocess.DEVNULL)

    def act(self, action, *approvers):
        """Proposed by the operator, approved by the profiles."""
        clients = f"{self.folder.name}/net-ledger/clients"
        path = Path(self.folder.name) / "action.json"
        path.write_text(json.dumps(action), encoding="utf-8")
        proposed = json.loads(self.hefu("action", "propose", str(path), "--client",
                                        f"{clients}/operator", "--format", "json"))
        self.assertEqual(proposed["verdict"], "POSTED", proposed)
        for approver in approvers:
            answer = json.loads(self.hefu("action", "approve", proposed["action"], "--client",
                                          f"{clients}/{approver}", "--format", "json"))
            self.assertEqual(answer["verdict"], "POSTED", answer)
        self.network("agree")
        return proposed["action"]

    def new_profile(self, folder):
        """The profile of a bank that genesis does not know; its public keys."""
        shutil.copytree(folder.parent / "lotus-bank", folder)
        keys = []
        for kind, name in (("signing", "participant"), ("transport", "transport")):
            path = folder / "keys" / f"{name}.key"
            path.unlink()
            made = json.loads(self.hefu("key", "new", str(path), "--kind", kind,
                                        "--passphrase-file", str(folder / "passphrase"),
                                        "--format", "json"))
            keys.append(made["public_key"])
        ini = folder / "client.ini"
        ini.write_text(ini.read_text(encoding="utf-8").replace("participant = 3",
                                                               "participant = 8"), encoding="utf-8")
        return keys

    def submit_late(self, profile, home):
        """What registered a moment ago files under a scheme as young as itself."""
        path = Path(self.folder.name) / "late.csv"
        path.write_text("kind,id,scheme,payer,payee,amount,currency,business_date\n"
                        f"CLEAR,{900:032x},4,harbour-bank,8,1.00,CNY,2026-11-23\n",
                        encoding="utf-8")
        done = subprocess.run([BIN / "hefu", "submit", str(path), "--client", str(profile),
                               "--wait"], capture_output=True, text=True, timeout=120,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.network("agree")
        filed = self.rows(["record", "show", f"{900:032x}"], home)[0]
        self.assertEqual((filed["submitter"], filed["scheme"], filed["verdict"]),
                         ("Late Bank", "late scheme", "POSTED"))

    def actions(self, home):
        """Reference data changes by approval, is read back, and the chain replays."""
        self.network("up")
        late = Path(self.folder.name) / "net-ledger" / "clients" / "late-bank"
        key, transport = self.new_profile(late)
        try:
            limit = self.act({"action": "limit", "limit": {"participant": "lotus-bank",
                                                           "currency": "CNY", "cap": 777}},
                             "operator/checker")
            self.act({"action": "standing", "participant": 5, "status": "active"},
                     "operator/checker")
            self.act({"action": "participant",
                      "participant": {"number": 8, "name": "Late Bank", "roles": ["bank"],
                                      "settles_through": "harbour-bank",
                                      "transport_key": transport,
                                      "keys": [{"key_no": 1, "permissions": ["submit", "act"],
                                                "key": key}]}}, "operator/checker")
            self.act({"action": "scheme",
                      "scheme": {"number": 4, "name": "late scheme", "service": "card clearing",
                                 "submitters": ["payee"], "confirmations": 1}},
                     "operator/checker", "settlement-agent")
            self.submit_late(late, home)
            open_action = self.act({"action": "scheme",
                                    "scheme": {"number": 5, "name": "never", "service": 1,
                                               "submitters": ["payee"], "confirmations": 1}},
                                   "operator/checker")
        finally:
            self.network("down")
        self.assertEqual(self.rows(["limits", "--participant", "3"], home)[0]["cap_minor"], 777)
        people = {row["name"]: row for row in self.rows(["participant"], home)}
        self.assertEqual(people["Red Maple Bank"]["status"], "ACTIVE")
        self.assertEqual(people["Late Bank"]["participant"], 8)
        self.assertEqual(people["Late Bank"]["settles_through"], "Harbour Bank")
        self.assertEqual(len(self.rows(["scheme"], home)), 4)
        states = {row["action"]: row["state"] for row in self.rows(["action", "list"], home)}
        self.assertEqual(states[limit], "DONE")
        self.assertEqual(states[open_action], "PROPOSED")
        shown = self.rows(["action", "show", limit], home)[0]
        self.assertEqual(shown["changes"], "Lotus Bank: cap 7.77 CNY, not covered")
        for i in range(4):
            self.assertIn("clean", self.hefu("verify", "--level", "replay", "--home",
                                             f"{self.folder.name}/net-ledger/node-{i}"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
