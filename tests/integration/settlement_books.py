"""An independent recomputation of a settlement day, from the files and the answers to them alone.

Written from docs/ledger.md; shares nothing with the programs and asks them nothing. The input is
the files of each wave in their order, the refused ids (the .rejects.csv beside each file), and when
a cycle was closed. Its results do not depend on the order within a wave.
"""

import collections
import csv

NETWORK_SCHEMES = {"1": 1}  # scheme: the network that its fees go to
BOTH_SIDES = {"2"}          # schemes with two confirmations
FEES = ("interchange", "payer_fee", "payee_fee")


def fen(text):
    if not text:
        return 0
    negative, text = text.startswith("-"), text.lstrip("-")
    whole, _, decimals = text.partition(".")
    assert len(decimals) <= 2, text
    value = int(whole) * 100 + int((decimals + "00")[:2])
    return -value if negative else value


class Account:
    """Posted and pending totals, and the sizes of the posted entries."""

    def __init__(self):
        self.debits = self.credits = self.debits_pending = self.credits_pending = 0
        self.entries = []  # debits negative

    @property
    def balance(self):
        return self.credits - self.debits

    @property
    def spendable(self):
        return self.balance - self.debits_pending

    def totals(self):
        return (self.debits, self.credits, self.debits_pending, self.credits_pending)


class Half:
    """A filed CLEAR of a scheme with two confirmations, or a HOLD, or a posted record."""

    def __init__(self, row, submitter):
        self.row, self.submitter = row, submitter
        self.amount = fen(row["amount"])
        self.payer, self.payee = int(row["payer"] or 0), int(row["payee"] or 0)
        self.fees = [fen(row[name]) for name in FEES]
        self.reserved = [0, 0]  # amount, payer's fee
        self.state = "NEW"
        self.other = None
        self.legs = []


class Books:
    """All accounts of one currency."""

    def __init__(self, members, fund_share_ppm):
        self.accounts = collections.defaultdict(Account)  # (participant or 0, class)
        self.members, self.fund_share_ppm = members, fund_share_ppm
        self.cycle = 1
        self.nets = collections.defaultdict(lambda: [0, 0])  # (cycle, participant): debits, credits
        self.turnover = collections.Counter()
        self.filed, self.keys = {}, {}
        self.settled, self.defaulted = {}, {}  # cycle: sum of debts; participant: what it lacked

    def account(self, owner, kind):
        return self.accounts[owner, kind]

    def move(self, source, target, size):
        if size < 0:
            source, target, size = target, source, -size
        if size == 0:
            return
        self.account(*source).debits += size
        self.account(*source).entries.append(-size)
        self.account(*target).credits += size
        self.account(*target).entries.append(size)

    def clear(self, payer, payee, size):
        """A leg between positions, in the open cycle."""
        if size < 0:
            payer, payee, size = payee, payer, -size
        self.move((payer, "POSITION"), (payee, "POSITION"), size)
        self.nets[self.cycle, payer][0] += size
        self.nets[self.cycle, payee][1] += size
        self.turnover[self.cycle] += size

    def reserve(self, item, amount, fee):
        item.reserved[0] += amount
        item.reserved[1] += fee
        network = NETWORK_SCHEMES.get(item.row["scheme"], 0)
        for size, to in ((amount, item.payee), (fee, network)):
            if size != 0:
                self.account(item.payer, "POSITION").debits_pending += size
                self.account(to, "POSITION").credits_pending += size

    def free(self, item):
        self.reserve(item, -item.reserved[0], -item.reserved[1])

    def legs_of(self, item, sign):
        """(payer, payee, size) of a transaction's amount and fees."""
        network = NETWORK_SCHEMES.get(item.row["scheme"], 0)
        interchange, payer_fee, payee_fee = item.fees
        return [(item.payer, item.payee, sign * item.amount), (item.payee, item.payer, interchange),
                (item.payer, network, payer_fee), (item.payee, network, payee_fee)]

    def post(self, item, sign=1):
        item.state, item.legs = "POSTED", self.legs_of(item, sign)
        for leg in item.legs:
            self.clear(*leg)

    # Records

    def take_wave(self, files):
        """files: [(participant, path)]. What was refused stands in path.rejects.csv."""
        for submitter, path in files:
            refused = set()
            rejects = path.parent / (path.name + ".rejects.csv")
            if rejects.exists():
                with open(rejects, encoding="utf-8", newline="") as file:
                    refused = {row["id"] for row in csv.DictReader(file)}
            with open(path, encoding="utf-8", newline="") as file:
                for row in csv.DictReader(file):
                    if row["id"] not in refused:
                        self.take(row, submitter)

    def take(self, row, submitter):
        item = Half(row, submitter)
        self.filed[submitter, row["id"]] = item
        original = None
        if row["ref"]:
            original = self.filed[int(row["ref_participant"] or submitter), row["ref"]]
        getattr(self, "take_" + row["kind"].lower())(item, original)

    def take_clear(self, item, _):
        if item.row["scheme"] not in BOTH_SIDES:
            self.post(item)
            return
        key = item.row["match_key"]
        first = self.keys.setdefault(key, item)
        if first is item:
            item.state = "WAITING"
        elif (first.payer, first.payee, first.amount) == (item.payer, item.payee, item.amount):
            self.free(first)
            self.post(first)
            item.state = "LINKED"
            return
        else:
            first.state = item.state = "EXCEPTION"
            first.other, item.other = item, first
        if item.submitter == item.payer:
            self.reserve(item, item.amount, 0)

    def end(self, item, state):
        for one in (item, item.other):
            if one is not None:
                self.free(one)
                one.state = state

    def take_affirm(self, _, original):
        assert original.state in ("WAITING", "EXCEPTION"), original.state
        self.end(original, "LINKED")
        self.post(original)

    def take_reject(self, _, original):
        assert original.state in ("WAITING", "EXCEPTION"), original.state
        self.end(original, "REJECTED")

    def take_hold(self, item, _):
        item.state = "HELD"
        self.reserve(item, item.amount, max(0, item.fees[1]))

    def take_capture(self, item, hold):
        assert hold.state == "HELD", hold.state
        self.reserve(hold, -item.amount, -max(0, item.fees[1]))
        assert min(hold.reserved) >= 0
        if "FINAL" in item.row["flags"] or hold.reserved[0] == 0:
            self.free(hold)
            hold.state = "CAPTURED"
        self.post(item)

    def take_release(self, _, hold):
        assert hold.state == "HELD", hold.state
        self.free(hold)
        hold.state = "RELEASED"

    def take_refund(self, item, original):
        assert original.state == "POSTED"
        self.post(item, sign=-1)

    def take_reverse(self, _, original):
        assert original.state == "POSTED"
        original.state = "REVERSED"
        for payer, payee, size in original.legs:
            self.clear(payee, payer, size)

    def take_chargeback(self, item, original):
        assert original.state == "POSTED" and item.amount <= original.amount
        item.state = "CHARGED_BACK"
        self.clear(item.payee, item.payer, item.amount)

    def take_accept(self, _, chargeback):
        assert chargeback.state == "CHARGED_BACK"
        chargeback.state = "STANDS"

    def take_represent(self, _, chargeback):
        assert chargeback.state == "CHARGED_BACK"
        chargeback.state = "REPRESENTED"
        self.clear(chargeback.payer, chargeback.payee, chargeback.amount)

    def take_pay(self, item, _):
        """Posted at once or later: at the end of the day the queue is empty."""
        item.state = "PAID"
        self.move((item.payer, "SETTLEMENT"), (item.payee, "SETTLEMENT"), item.amount)

    def take_cancel(self, _, payment):
        payment.state = "CANCELLED"
        for owner, size in ((payment.payer, -payment.amount), (payment.payee, payment.amount)):
            account = self.account(owner, "SETTLEMENT")
            account.entries.remove(size)
            if size < 0:
                account.debits += size
            else:
                account.credits -= size

    def take_fund(self, item, _):
        self.move((0, "CASH"), (item.payee, "SETTLEMENT"), item.amount)

    def take_pledge(self, item, _):
        self.move((item.payer, "SETTLEMENT"), (item.payer, "COLLATERAL"), item.amount)

    def take_contribute(self, item, _):
        owed = min(item.amount, -self.account(item.payer, "CLAIM").balance)
        self.move((item.payer, "SETTLEMENT"), (item.payer, "CLAIM"), owed)
        self.move((item.payer, "SETTLEMENT"), (0, "FUND"), item.amount - owed)

    # Cycles

    def close(self):
        """The open cycle ends; the next begins. Returns {participant: (debits, credits)}."""
        self.cycle += 1
        return self.nets_of(self.cycle - 1)

    def nets_of(self, cycle):
        return {n: tuple(sums) for (c, n), sums in self.nets.items() if c == cycle}

    def settle(self, cycle, overdue=False):
        """Whether the cycle settles now; if so, its legs are posted."""
        nets = {n: credits - debits for n, (debits, credits) in self.nets_of(cycle).items()}
        assert sum(nets.values()) == 0
        groups = collections.Counter()
        for n, net in nets.items():
            groups[self.members.get(n, n)] += net
        shares, asked = {}, 0
        for n, net in groups.items():
            debt = max(0, -net)
            own = min(debt, max(0, self.account(n, "SETTLEMENT").spendable))
            pledged = min(debt - own, max(0, self.account(n, "COLLATERAL").spendable))
            shares[n] = (own, pledged, debt - own - pledged)
            if own < debt:
                if not overdue:
                    return False
                self.defaulted[n] = debt - own
            asked += debt - own - pledged
        fund = sum(a.balance for (_, kind), a in self.accounts.items() if kind in ("FUND", "CLAIM"))
        if asked > fund * self.fund_share_ppm // 1_000_000:
            return False
        for n, net in nets.items():
            self.move((n, "POSITION"), (0, "NETTING"), net)
        for n, net in groups.items():
            for kind, size in zip(("SETTLEMENT", "COLLATERAL", "CLAIM"), shares[n]):
                self.move((n, kind), (0, "NETTING"), size)
            self.move((0, "NETTING"), (n, "SETTLEMENT"), max(0, net))
        assert self.account(0, "NETTING").balance == 0
        self.settled[cycle] = sum(map(sum, shares.values()))
        return True
