"""The state of the naive model: accounts, lives, nets, queue as plain dicts, and how each of them
is changed, so that a change can be taken back and a block's rows be written out.

Every table is a dict whose values are replaced, never changed in place; put() remembers the old
value. What a limit needs is summed anew from the nets each time. Written from docs/ledger.md.
"""

import struct

import form

SETTLEMENT, POSITION, COLLATERAL, CLAIM, CASH, PAYOUT, NETTING, FUND = range(1, 9)
DEBITS, CREDITS, PENDING_DEBITS, PENDING_CREDITS = range(4)

POSTED, WAITING, EXCEPTION, HELD, QUEUED, LINKED = range(1, 7)
REVERSED, REJECTED, EXPIRED, CAPTURED, RELEASED, CANCELLED = range(7, 13)
CHARGED_BACK, REPRESENTED, PRE_ARBITRATED, IN_ARBITRATION, STANDS, DROPPED = range(13, 19)
ENDED = {REVERSED, REJECTED, EXPIRED, CAPTURED, RELEASED, CANCELLED, STANDS, DROPPED}
DISPUTED = 1
NOBODY = 2**32 - 1
HUB = 0

OPEN, CLOSED, INSTRUCTED, SHORT, SETTLED = range(1, 6)

RECORD_EVENT, CYCLE_EVENT, PARTICIPANT_EVENT = 1, 2, 3

EMPTY_LIFE = {
    "state": 0,
    "heard": 0,
    "flags": 0,
    "due": 0,
    "returned": 0,
    "held": 0,
    "held_fee": 0,
    "posted": 0,
    "parent": None,
    "event": (0, 0),
}


def positive(number):
    return max(0, number)


class State:
    def __init__(self, genesis):
        self.genesis = genesis
        self.height, self.now = 0, genesis["created_ms"]
        self.currencies = [c["numeric"] for c in genesis["currencies"]]
        self.participants = {p["number"]: p for p in genesis["participants"]}
        self.limits = {(l["participant"], l["currency"]): l for l in genesis["limits"]}
        self.services = {s["number"]: s for s in genesis["services"]}
        self.schemes = {s["number"]: s for s in genesis["schemes"]}
        self.calendars = {c["number"]: c for c in genesis["calendars"]}
        names = "queue_max queue_quota fund_share_ppm reserved policies".split()
        self.parameters = {"": {name: genesis[name] for name in names}}
        self.totals, self.ids, self.records, self.lives, self.keys = {}, {}, {}, {}, {}
        self.sources, self.cycles, self.nets, self.expiry, self.queue = {}, {}, {}, {}, {}
        for currency in self.currencies:
            for kind in (CASH, PAYOUT, NETTING, FUND):
                self.totals[HUB, currency, kind] = (0, 0, 0, 0)
        self.undo = []
        for number in self.participants:
            self.open_accounts(number)
        self.begin_lists()

    def begin_lists(self):
        """What the block did, in order."""
        self.entries, self.events = [], []
        self.lives_touched, self.keys_touched, self.expiry_made = [], [], []
        self.ids_taken, self.expiry_swept, self.sources_taken = [], [], []
        self.nets_changed, self.cycles_changed, self.queue_before = {}, {}, dict(self.queue)

    # -- changes that can be taken back --

    def put(self, table, key, value):
        self.undo.append((table, key, table.get(key)))
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value

    LISTS = ("entries", "events", "lives_touched", "keys_touched", "expiry_made")

    def mark(self):
        return len(self.undo), [len(getattr(self, name)) for name in self.LISTS]

    def take_back(self, mark):
        while len(self.undo) > mark[0]:
            table, key, old = self.undo.pop()
            if old is None:
                table.pop(key, None)
            else:
                table[key] = old
        for name, length in zip(self.LISTS, mark[1]):
            del getattr(self, name)[length:]

    # -- participants --

    @property
    def standing(self):
        return {number: row["status"] for number, row in self.participants.items()}

    def parameter(self, name):
        return self.parameters[""][name]

    def suspended(self, number):
        return number in self.participants and self.participants[number]["status"] == 2

    def open_accounts(self, number):
        for currency in self.currencies:
            for kind in (SETTLEMENT, POSITION, COLLATERAL, CLAIM):
                self.put(self.totals, (number, currency, kind), (0, 0, 0, 0))

    def sponsor(self, number):
        return self.participants[number]["settles_through"]

    def group(self, number):
        """In index order: itself and its members."""
        return [n for n in self.participants if n == number or self.sponsor(n) == number]

    def heads(self):
        """Who settles: sponsors and lone participants, in index order."""
        return [n for n in self.participants if not self.sponsor(n)]

    def sides(self, r, number):
        scheme = self.schemes.get(r.scheme)
        sides = form.PAYER if number == r.payer else 0
        sides |= form.PAYEE if number == r.payee else 0
        if scheme and scheme["network"] == number:
            sides |= form.NETWORK
        return sides

    # -- money --

    def spendable(self, holder, currency, kind):
        totals = self.totals[holder, currency, kind]
        return totals[CREDITS] - totals[DEBITS] - totals[PENDING_DEBITS]

    def balance(self, holder, currency, kind):
        totals = self.totals[holder, currency, kind]
        return totals[CREDITS] - totals[DEBITS]

    def entry(self, account, leg, total, delta, event=None):
        totals = list(self.totals[account])
        totals[total] += delta
        self.put(self.totals, account, tuple(totals))
        index, flags = (self.position, 0) if event is None else (event, 1)
        self.entries.append((account, index, leg, total, flags, delta))

    def leg(self, leg, debited, credited, size, event=None):
        assert size >= 0
        while size:
            part = min(size, form.MANY)
            self.entry(debited, leg, DEBITS, part, event)
            self.entry(credited, leg, CREDITS, part, event)
            size -= part

    def reserve(self, leg, payer, receiver, delta, event=None):
        if delta:
            self.entry(payer, leg, PENDING_DEBITS, delta, event)
            self.entry(receiver, leg, PENDING_CREDITS, delta, event)

    # -- limits --

    def net(self, cycle, participant):
        debits, credits = self.nets.get(cycle + (participant,), (0, 0))
        return credits - debits

    def unsettled(self, currency):
        for cycle, row in self.cycles.items():
            if row["currency"] == currency and row["state"] != SETTLED:
                yield cycle, row

    def own(self, number, currency):
        owed = self.totals[number, currency, POSITION][PENDING_DEBITS]
        for cycle, _ in self.unsettled(currency):
            owed += positive(-self.net(cycle, number))
        return owed

    def exposure(self, number, currency):
        if self.sponsor(number):
            return self.own(number, currency)
        return sum(self.own(member, currency) for member in self.group(number))

    def cover(self, number, currency):
        return positive(self.spendable(number, currency, SETTLEMENT)) + positive(
            self.spendable(number, currency, COLLATERAL)
        )

    def limit(self, number, currency):
        row = self.limits.get((number, currency))
        return (row["cap"], bool(row["flags"] & 1)) if row else (0, False)

    def floor(self, number, currency):
        if self.sponsor(number):
            return 0
        if self.limit(number, currency)[1]:
            exposure = self.exposure(number, currency)
            return positive(exposure - self.spendable(number, currency, COLLATERAL))
        total = 0
        for cycle, row in self.unsettled(currency):
            prefunded = self.services[cycle[0]]["settlement"] == 1
            if prefunded and row["state"] in (CLOSED, SHORT):
                total += positive(-sum(self.net(cycle, n) for n in self.group(number)))
        return total

    def limit_verdicts(self, before, only_positive=False):
        """Of what changed since a mark: every limit that does not hold now."""
        first, verdicts = {}, set()
        for table, key, old in self.undo[before:]:
            if table is self.totals and key not in first:
                first[key] = old
        for (holder, currency, kind), old in first.items():
            if holder == HUB:
                continue
            was = old[CREDITS] - old[DEBITS] - old[PENDING_DEBITS]
            left = self.spendable(holder, currency, kind)
            if left >= was:
                continue
            cap, covered = self.limit(holder, currency)
            sponsor = self.sponsor(holder)
            if kind == POSITION:
                verdicts |= self.position_verdicts(holder, currency)
            elif kind == SETTLEMENT:
                if left < 0:
                    verdicts.add(400)
                elif left < self.floor(holder, currency) and not only_positive:
                    verdicts.add(403)
            elif kind == COLLATERAL:
                cover = self.cover(holder, currency)
                if left < 0:
                    verdicts.add(400)
                if covered and not sponsor and self.exposure(holder, currency) > cover:
                    verdicts.add(402)
                if not covered and not sponsor and self.floor(holder, currency) > cover:
                    verdicts.add(403)
        return verdicts

    def position_verdicts(self, number, currency):
        verdicts = set()
        exposure, sponsor = self.exposure(number, currency), self.sponsor(number)
        cap, covered = self.limit(number, currency)
        if exposure > cap:
            verdicts.add(401)
        if covered and not sponsor and exposure > self.cover(number, currency):
            verdicts.add(402)
        if sponsor:
            cap, covered = self.limit(sponsor, currency)
            exposure = self.exposure(sponsor, currency)
            if exposure > cap:
                verdicts.add(410)
            if covered and exposure > self.cover(sponsor, currency):
                verdicts.add(411)
        return verdicts

    # -- transactions: legs and reserves of a record --

    def of_scheme(self, r):
        scheme = self.schemes[r.scheme]
        return scheme, self.services[scheme["service"]]

    def pays_through(self, r):
        """Which account class the record's kind moves."""
        return SETTLEMENT if self.of_scheme(r)[1]["mode"] == form.GROSS else POSITION

    def legs_of(self, r, back=False, refund=False):
        """(leg, from, to, size), sizes positive, by participant number."""
        network = self.of_scheme(r)[0]["network"]
        one, other = (r.payee, r.payer) if refund else (r.payer, r.payee)
        legs = [
            (0, one, other, r.amount),
            (1, r.payee, r.payer, r.interchange),
            (2, r.payer, network, r.payer_fee),
            (3, r.payee, network, r.payee_fee),
        ]
        turned = [(n, b, a, -size) if size < 0 else (n, a, b, size) for n, a, b, size in legs]
        if back:
            turned = [(n, b, a, size) for n, a, b, size in turned]
        return [leg for leg in turned if leg[3]]

    def open_cycle(self, service):
        return max(cycle for cycle in self.cycles if cycle[0] == service)

    def post_legs(self, r, legs, event=None):
        """Posts through SETTLEMENT, or through POSITION in the open cycle, which it counts in."""
        kind = self.pays_through(r)
        cycle = None
        if kind == POSITION:
            cycle = self.open_cycle(self.of_scheme(r)[0]["service"])
            assert self.cycles[cycle]["state"] == OPEN
        turnover = 0
        for leg, debited, credited, size in legs:
            one, other = (debited, r.currency, kind), (credited, r.currency, kind)
            self.leg(leg, one, other, size, event)
            turnover += size
            if cycle:
                self.add_net(cycle, debited, size, 0)
                self.add_net(cycle, credited, 0, size)
        if cycle:
            row = self.cycles[cycle]
            changed = {"records": row["records"] + 1, "turnover": row["turnover"] + turnover}
            self.change_cycle(cycle, **changed)

    def add_net(self, cycle, number, debits, credits):
        old = self.nets.get(cycle + (number,), (0, 0))
        self.put(self.nets, cycle + (number,), (old[0] + debits, old[1] + credits))
        self.put(self.nets_changed, cycle + (number,), True)

    def change_cycle(self, cycle, **values):
        self.put(self.cycles, cycle, self.cycles.get(cycle, {}) | values)
        self.put(self.cycles_changed, cycle, True)

    def reserve_of(self, r, amount, fee, event=None):
        """Adds to, or frees from, what the record reserves."""
        if r.kind == form.UNPLEDGE:
            account = (r.payer, r.currency, COLLATERAL)
            self.reserve(4, account, (r.payer, r.currency, SETTLEMENT), amount, event)
            return
        kind, network = self.pays_through(r), self.of_scheme(r)[0]["network"]
        payer = (r.payer, r.currency, kind)
        self.reserve(4, payer, (r.payee, r.currency, kind), amount, event)
        if fee:
            self.reserve(5, payer, (network, r.currency, kind), fee, event)

    # -- lives and events --

    def life(self, place):
        row = self.lives.get(place)
        if row:
            return row
        r, by, verdict = self.records[place]
        assert verdict <= 4
        default = {"state": POSTED, "heard": self.sides(r, by), "posted": self.times[place[0]]}
        return EMPTY_LIFE | default

    def begin_life(self, place, swept=True, **values):
        """The first life of the record being executed: no event."""
        row = EMPTY_LIFE | values
        self.put(self.lives, place, row)
        self.lives_touched.append(place)
        kind = 3 if CHARGED_BACK <= row["state"] <= IN_ARBITRATION else 4
        if row["due"] and swept:
            self.make_expiry(row["due"], kind, place)

    def make_expiry(self, due, kind, place):
        key = (due, kind) + place
        self.put(self.expiry, key, True)
        self.expiry_made.append(key)

    def change_life(self, place, cause, amount, by=None, **values):
        """A later change: an event."""
        old = self.life(place)
        by = self.position if by is None else by
        number = self.event(
            origin=place,
            subject=RECORD_EVENT,
            cause=cause,
            old=old["state"],
            new=values.get("state", old["state"]),
            by=by,
            amount=amount,
            previous=old["event"],
        )
        row = old | values | {"event": (self.height, number)}
        self.put(self.lives, place, row)
        self.lives_touched.append(place)
        if row["state"] == QUEUED:
            self.put(self.queue, place, self.queue[place] | {"event": row["event"]})
        stage = CHARGED_BACK <= row["state"] <= IN_ARBITRATION
        if stage and row["due"] and row["state"] != old["state"]:
            self.make_expiry(row["due"], 3, place)
        return number

    def event(self, origin, subject, cause, old, new, by=NOBODY, amount=0, **more):
        number = len(self.events)
        fields = {"participant": 0, "service": 0, "previous": (0, 0)} | more
        fields |= {"origin": origin, "subject": subject, "cause": cause, "old": old, "new": new}
        self.events.append(fields | {"by": by, "amount": min(amount, 2**64 - 1)})
        return number

    def free_all(self, place):
        """Everything that the record still reserves, as entries; its life is changed after."""
        row = self.life(place)
        self.free(place, row, None)

    def free(self, place, row, event):
        if row["held"] or row["held_fee"]:
            self.reserve_of(self.records[place][0], -row["held"], -row["held_fee"], event)

    def end(self, place, state, cause, by=None):
        """Frees what it reserves, ends it. Entries that time makes name the event."""
        row, amount = self.life(place), self.records[place][0].amount
        number = self.change_life(place, cause, amount, by, state=state, due=0, held=0, held_fee=0)
        self.free(place, row, number if by == NOBODY else None)
        if place in self.queue:
            self.put(self.queue, place, None)
