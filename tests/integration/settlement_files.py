"""The files of a settlement day: who takes part, and what each participant files in which wave.

A wave is what is filed at the same time: nothing in it depends on the order in which its files
arrive. What refers to a record stands in a later wave. A file is WAVE-NAME.csv, filed by the
participant whose profile is NAME. Each wave is of one cycle, which is closed after its last wave.
"""

import csv
import json
import random
import re

COLUMNS = ("id", "kind", "scheme", "payer", "payee", "amount", "currency", "business_date",
           "interchange", "payer_fee", "payee_fee", "match_key", "ref", "ref_participant",
           "timeout_s", "flags", "reason")
NETWORK, FIRST_BANK = 1, 2
SPONSORS = 5          # the first banks each settle for every tenth of the others too
EXCEPTION_BANKS = 4   # those after the sponsors also have exceptions and holds to answer
FUNDING_WINDOW_S = 3
FUND_SHARE_PPM = 500_000
DAY_S = 86_400
YUAN = 100


class Size:
    """How much of everything a day has."""

    def __init__(self, banks, insurers, funds, filing, transfers, purchases):
        self.banks, self.insurers, self.funds = banks, insurers, funds
        self.filing = filing        # how many banks file both-sided transfers in each cycle
        self.transfers = transfers  # that each of them pays in each
        self.purchases = purchases  # that the card network files in each


SHORT = Size(60, 6, 12, (12, 6, 6), 40, 900)
FULL = Size(450, 55, 100, (450, 60, 60), 40, 20_000)


def yuan(fen):
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def slug(name):
    return re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")


class People:
    """Numbers of everyone: the network, banks, insurers, funds, agent, operator."""

    def __init__(self, size):
        last = FIRST_BANK
        self.names = {NETWORK: "Lianhe Card Network"}
        groups = []
        for word, count in (("Bank", size.banks), ("Insurer", size.insurers), ("Fund", size.funds)):
            groups.append(list(range(last, last + count)))
            self.names.update({n: f"{word} {n - last + 1:03d}" for n in groups[-1]})
            last += count
        self.banks, self.insurers, self.funds = groups
        self.agent, self.operator = last, last + 1
        self.names.update({self.agent: "Settlement Agent", self.operator: "Operator"})
        self.sponsors = self.banks[:SPONSORS]
        self.members = {n: self.sponsors[i // 10 % SPONSORS]
                        for i, n in enumerate(self.banks) if i >= 20 and i % 10 == 7}
        self.defaulter = self.banks[-1]

    def document(self, cutoffs):
        roles = {NETWORK: "NETWORK", self.agent: "AGENT", self.operator: "OPERATOR"}
        roles |= {n: "BANK" for n in self.banks} | {n: "INSURER" for n in self.insurers}
        roles |= {n: "FUND" for n in self.funds}
        people = []
        for n, name in sorted(self.names.items()):
            cap = "2000000000.00" if n in self.sponsors or n == NETWORK else "500000000.00"
            limit = {"currency": "CNY", "cap": cap, "covered": n != self.defaulter}
            person = {"number": n, "name": name, "roles": [roles[n]], "limits": [limit]}
            if n in self.members:
                person["settles_through"] = self.members[n]
            people.append(person)
        return {
            "network": "hefu-settlement-day",
            "utc_offset_minutes": 480,
            "empty_interval_ms": 2000,
            "parameters": {"fund_share_ppm": FUND_SHARE_PPM},
            "currencies": [{"code": "CNY", "numeric": 156, "decimals": 2}],
            "services": [
                {"number": 1, "name": "card clearing", "currency": "CNY", "mode": "DEFERRED",
                 "settlement": "PREFUNDED", "cutoffs": cutoffs,
                 "funding_window_s": FUNDING_WINDOW_S},
                {"number": 2, "name": "gross settlement", "currency": "CNY", "mode": "GROSS",
                 "settlement": "PREFUNDED"}],
            "schemes": [
                {"number": 1, "name": "debit purchase", "service": "card clearing",
                 "network": "lianhe-card-network", "submitters": ["payee", "network"],
                 "chargeback_s": 120 * DAY_S, "represent_s": 20 * DAY_S,
                 "pre_arbitrate_s": 10 * DAY_S, "answer_s": 10 * DAY_S},
                {"number": 2, "name": "bank transfer", "service": "card clearing",
                 "submitters": ["payer", "payee"], "confirmations": 2},
                {"number": 3, "name": "gross payment", "service": "gross settlement",
                 "submitters": ["payer"]}],
            "participants": people,
        }


class Day:
    """The waves of one day: {wave: {participant: [row]}}, and which records must be refused."""

    def __init__(self, size, seed, date):
        self.size, self.date = size, date
        self.random = random.Random(f"hefu settlement day {seed}")
        self.people = People(size)
        self.salt = self.random.getrandbits(48)
        self.counter = 0
        self.waves, self.refused = {}, {}
        self.purchases = []
        p = self.people
        # The defaulter has no business before the third cycle; members have like any bank.
        self.active = [n for n in p.banks if n != p.defaulter]
        self.answering = p.banks[SPONSORS:SPONSORS + EXCEPTION_BANKS]
        for cycle in (1, 2, 3):
            self.make_cycle(cycle)
        self.make_rest()

    def row(self, wave, submitter, kind, refused=None, **cells):
        self.counter += 1
        cells = {k: yuan(v) if k in ("amount", "interchange", "payer_fee", "payee_fee") else v
                 for k, v in cells.items()}
        row = {"id": f"01a2{self.counter:016x}{self.salt:012x}", "kind": kind, "currency": "CNY",
               "business_date": self.date} | cells
        self.waves.setdefault(wave, {}).setdefault(submitter, []).append(row)
        if refused is not None:
            self.refused[row["id"]] = refused
        return row

    def key(self):
        return f"{self.random.getrandbits(128):032x}"

    def amount(self, median_yuan):
        return max(1, min(int(median_yuan * YUAN * self.random.lognormvariate(0.0, 1.0)),
                          100_000 * YUAN))

    # The kinds of business

    def fund(self, wave, payee, amount):
        self.row(wave, self.people.agent, "FUND", payee=payee, amount=amount, match_key=self.key())

    def opening(self):
        """Wave 1a and 1b: money from outside, then what is pledged and contributed of it."""
        p = self.people
        for n in p.banks:
            if n != p.defaulter and n not in p.members:
                self.fund("1a", n, (300 if n in p.sponsors else 60) * 1_000_000 * YUAN)
        for n in [NETWORK, *p.insurers, *p.funds]:
            self.fund("1a", n, 1_000_000 * YUAN if n == NETWORK else 50_000 * YUAN)
        self.fund("1a", p.defaulter, 200_000 * YUAN)
        self.row("1b", p.defaulter, "PLEDGE", payer=p.defaulter, amount=150_000 * YUAN)
        for n in self.answering:
            self.row("1b", n, "PLEDGE", payer=n, amount=10_000_000 * YUAN)
            self.row("1b", n, "CONTRIBUTE", payer=n, amount=25_000 * YUAN)
        self.row("1b", p.defaulter, "PLEDGE", payer=p.defaulter, amount=50_001 * YUAN,
                 refused="INSUFFICIENT_FUNDS")

    def purchase(self, wave, submitter, payer, payee, amount, kind="CLEAR", **cells):
        return self.row(wave, submitter, kind, scheme=1, payer=payer, payee=payee, amount=amount,
                        interchange=min(amount * 35 // 10_000, 1300),
                        payer_fee=min(amount * 325 // 1_000_000, 325),
                        payee_fee=min(amount * 325 // 1_000_000, 325), **cells)

    def card_business(self, cycle):
        for _ in range(self.size.purchases):
            payer, payee = self.random.sample(self.active, 2)
            self.purchases.append(self.purchase(f"{cycle}c", NETWORK, payer, payee,
                                                self.amount(90)))

    def returns(self, cycle):
        """Refunds, reversals, chargebacks and their answers, each on a purchase of its own."""
        mine = self.purchases[-self.size.purchases:]
        chosen = self.random.sample(mine, self.size.purchases // 20)
        for at, row in enumerate(chosen):
            amount = int(row["amount"].replace(".", ""))
            sides = {"scheme": 1, "payer": row["payer"], "payee": row["payee"], "ref": row["id"]}
            if at % 5 == 0:
                self.row(f"{cycle}d", NETWORK, "REVERSE", **sides)
            elif at % 5 == 1 and amount > 1:
                # Two thirds back, and then more than what is left.
                self.row(f"{cycle}d", NETWORK, "REFUND", amount=amount * 2 // 3, **sides)
                self.row(f"{cycle}e", NETWORK, "REFUND", amount=amount, **sides,
                         refused="EXCEEDS_REMAINING")
            elif at % 5 == 2 and amount > 1:
                self.row(f"{cycle}d", NETWORK, "REFUND", amount=amount, **sides)
                self.row(f"{cycle}e", NETWORK, "REVERSE", **sides, refused="ALREADY_RETURNED")
            else:
                self.row(f"{cycle}d", NETWORK, "REFUND", amount=amount, **sides)

    def disputes(self, cycle):
        """Purchases with the answering banks as payers, which charge them back."""
        banks = self.answering
        for at, payer in enumerate(banks):
            payee = banks[(at + 1) % len(banks)]
            amount = self.amount(400)
            bought = self.purchase(f"{cycle}c", NETWORK, payer, payee, amount)
            sides = {"scheme": 1, "payer": payer, "payee": payee}
            charged = self.row(f"{cycle}d", payer, "CHARGEBACK", amount=amount, ref=bought["id"],
                               ref_participant=NETWORK, reason="4853", **sides)
            if cycle < 3:  # in the third it would meet the answer in the same wave
                self.row(f"{cycle}e", payer, "CHARGEBACK", amount=1, ref=bought["id"],
                         ref_participant=NETWORK, reason="4853", **sides,
                         refused="EXCEEDS_REMAINING")
            step = ("ACCEPT", "REPRESENT")[at % 2]
            # The answer to a chargeback falls into the next cycle, but for the last one's.
            wave = f"{cycle + 1}d" if cycle < 3 else f"{cycle}e"
            self.row(wave, payee, step, ref=charged["id"], ref_participant=payer, **sides)

    def transfers(self, cycle):
        """Both sides file each; some files of the second half come a cycle later."""
        filing = self.active[:self.size.filing[cycle - 1]]
        late = [n for n in filing if n < FIRST_BANK + 8]
        for payer in filing:
            for at in range(self.size.transfers):
                payee = self.random.choice(filing)
                if payee == payer:
                    continue
                cells = {"scheme": 2, "payer": payer, "payee": payee, "amount": self.amount(700),
                         "match_key": self.key()}
                self.row(f"{cycle}c", payer, "CLEAR", **cells)
                is_late = cycle < 3 and at % 8 == 0 and payer in late and payee in late
                self.row(f"{cycle + 1}c" if is_late else f"{cycle}c", payee, "CLEAR", **cells)

    def unequal_halves(self, cycle):
        """Exceptions: one half affirmed, both rejected, or left; and halves nobody answers."""
        banks = self.answering
        for at in range(4 * len(banks)):
            payer, payee = self.random.sample(banks, 2)
            amount = self.amount(900)
            cells = {"scheme": 2, "payer": payer, "payee": payee, "match_key": self.key()}
            ours = self.row(f"{cycle}c", payer, "CLEAR", amount=amount, **cells)
            if at % 4 == 3:
                continue
            self.row(f"{cycle}c", payee, "CLEAR", amount=amount + 1 + at, **cells)
            names = {"scheme": 2, "payer": payer, "payee": payee, "ref": ours["id"],
                     "ref_participant": payer}
            if at % 4 == 0:
                self.row(f"{cycle}d", payee, "AFFIRM", **names)
            elif at % 4 == 1:
                self.row(f"{cycle}d", payee, "REJECT", **names)
                self.row(f"{cycle}e", payee, "AFFIRM", **names, refused="ENDED")

    def held(self, cycle):
        """Holds captured in part, in full, across a cut-off, released, and left."""
        banks = self.answering
        for at in range(5 * len(banks)):
            payee, payer = self.random.sample(banks, 2)
            amount = self.amount(500) + 30
            hold = self.row(f"{cycle}c", payee, "HOLD", scheme=1, payer=payer, payee=payee,
                            amount=amount, payer_fee=10)
            sides = {"scheme": 1, "payer": payer, "payee": payee, "ref": hold["id"]}
            if at % 5 in (0, 1):
                self.row(f"{cycle}d", payee, "CAPTURE", amount=amount // 3, payer_fee=3, **sides)
            if at % 5 == 1:
                wave = f"{cycle + 1}d" if cycle < 3 else f"{cycle}e"
                self.row(wave, payee, "CAPTURE", amount=amount // 2, payer_fee=2, flags="FINAL",
                         **sides)
            elif at % 5 == 2:
                self.row(f"{cycle}d", payee, "RELEASE", **sides)
            elif at % 5 == 3:
                self.row(f"{cycle}d", payee, "CAPTURE", amount=amount + 1, **sides,
                         refused="EXCEEDS_REMAINING")

    def gross(self, cycle):
        """Claims and redemptions, more than there is money for until the next funding."""
        p = self.people
        payers = p.insurers[:4] + p.funds[:4]
        for payer in payers:
            for _ in range(6):
                self.row(f"{cycle}c", payer, "PAY", scheme=3, payer=payer,
                         payee=self.random.choice(self.active), amount=15_000 * YUAN, flags="QUEUE",
                         timeout_s=DAY_S)
        # A ring of funds that none can begin: more than each has.
        ring = p.funds[4:7]
        for at, payer in enumerate(ring):
            self.row(f"{cycle}c", payer, "PAY", scheme=3, payer=payer, payee=ring[(at + 1) % 3],
                     amount=70_000 * YUAN + at, flags="QUEUE")
        poor = p.funds[7]
        self.row(f"{cycle}c", poor, "PAY", scheme=3, payer=poor, payee=p.banks[0],
                 amount=50_001 * YUAN, refused="INSUFFICIENT_FUNDS")
        queued = self.row(f"{cycle}c", poor, "PAY", scheme=3, payer=poor, payee=p.banks[0],
                          amount=60_000 * YUAN, flags="QUEUE")
        self.row(f"{cycle}d", poor, "CANCEL", scheme=3, payer=poor, payee=p.banks[0],
                 ref=queued["id"])
        # What makes the waiting payments possible.
        for n in payers:
            self.fund(f"{cycle}d", n, 90_000 * YUAN)

    def make_cycle(self, cycle):
        p = self.people
        if cycle == 1:
            self.opening()
        self.card_business(cycle)
        self.transfers(cycle)
        self.returns(cycle)
        self.disputes(cycle)
        self.unequal_halves(cycle)
        self.held(cycle)
        self.gross(cycle)
        if cycle == 3:
            for at in range(9):
                self.purchase("3c", NETWORK, p.defaulter, self.active[at], 100_000 * YUAN + at)

    def make_rest(self):
        """Wave 4a while cycle 3 is SHORT: the fund grows. 4b: after it settled."""
        p = self.people
        for n in self.answering:
            self.row("4a", n, "CONTRIBUTE", payer=n, amount=500_000 * YUAN)
        self.purchase("4b", NETWORK, p.defaulter, p.banks[0], 500, refused="SUSPENDED")
        self.purchase("4b", NETWORK, p.banks[0], p.defaulter, 700)
        self.row("4b", p.defaulter, "PAY", scheme=3, payer=p.defaulter, payee=p.banks[0],
                 amount=1, refused="SUSPENDED")

    def write(self, folder):
        """[(wave, [(participant, path)])] in the order in which they are to be filed."""
        folder.mkdir(parents=True, exist_ok=True)
        waves = []
        for wave, files in sorted(self.waves.items()):
            paths = []
            for number, rows in sorted(files.items()):
                path = folder / f"{wave}-{slug(self.people.names[number])}.csv"
                with open(path, "w", encoding="ascii", newline="") as file:
                    writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
                    writer.writeheader()
                    writer.writerows(rows)
                paths.append((number, path))
            waves.append((wave, paths))
        return waves


def write_participants(path, people, cutoffs):
    path.write_text(json.dumps(people.document(cutoffs)))
